"""Teaching releases: made from the lake, held to their bounds, approved by a person, revoked. `docs/release.md` says how and why."""

from jobs.releases.courses import examine_courses
from jobs.releases.life import approve, check_approvable, for_approver, listed, revoke, shown
from jobs.releases.make import make
from jobs.releases.store import Release

__all__ = ["Release", "approve", "check_approvable", "examine_courses", "for_approver", "listed", "make", "revoke", "shown"]
