"""The register of requests: what was asked, by whom it was taken, by when it has to be done, and what became of it.

It lies in the vault. Whom a request is about stands there until it is carried out, and of an erasure no longer.
"""

import json
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy.engine import Connection

from jobs.errors import WrongUse
from jobs.landing.links import Person
from jobs.landing.vault import put, remove, request, request_person, request_trace, rows_of

Kind = Literal["oppose", "lift", "erase"]
RECEIVED, DONE = "received", "done"
# Begun: an opposition or a lift, and an erasure.
BEGUN, ERASING = "begun", "erasing"
# Of an erasure: the vault knows no more whom it is about (jobs/rights/sought.py does); nothing was found, only the certificate is missing.
PROVING, PROVEN = "proving", "proven"
# Whom it is about is erased by another request: it is done when that one is.
JOINED = "joined"
# Taken back before it was carried out, or closed because nobody knows any more whom it is about.
WITHDRAWN = "withdrawn"
SCOPES = ("all", "genetics", "samples", "industry")


@dataclass(frozen=True)
class Request:
    """A request as it stands; `people` is how many persons it names, `outcome` what was counted, as JSON."""

    id: str
    kind: str
    center: str
    scope: str
    by: str
    reason: str
    received_on: str
    due_on: str
    state: str
    people: int
    done_at: str | None = None
    outcome: str | None = None
    certificate: str | None = None

    @property
    def is_closed(self) -> bool:
        """True where nothing is to be done any more."""
        return self.state in (DONE, WITHDRAWN)

    def told(self) -> dict[str, Any]:
        """It as an object for programs."""
        return asdict(self) | {"outcome": json.loads(self.outcome) if self.outcome else None, "late": self.is_late()}

    def is_late(self, today: date | None = None) -> bool:
        """True where it should have been answered by now, or was answered too late."""
        last = self.done_at[:10] if self.done_at else (today or datetime.now(UTC).date()).isoformat()
        return last > self.due_on


def one_month_after(day: date) -> date:
    """The day by which a request has to be answered (GDPR, article 12): the same day of the next month, or that month's last."""
    year, month = day.year + day.month // 12, day.month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def enter(tx: Connection, kind: Kind, center: str, people: list[Person], scope: str, by: str, reason: str, on: date) -> Request:
    """Keep a new request, with whom it is about."""
    base = f"RIGHTS-{on:%Y%m%d}-"
    number = 1 + sum(row["id"].startswith(base) for row in rows_of(tx, request))
    new = Request(
        f"{base}{number:03}",
        kind,
        center,
        scope,
        by,
        reason,
        on.isoformat(),
        one_month_after(on).isoformat(),
        RECEIVED,
        len(people),
    )
    put(tx, request, [asdict(new)])
    put(tx, request_person, [{"request": new.id, "center": at, "person_id": person} for at, person in people])
    return new


def known(tx: Connection) -> list[Request]:
    """Every request, the oldest first."""
    return sorted((Request(**row) for row in rows_of(tx, request)), key=lambda each: each.id)


def one(tx: Connection, name: str) -> Request:
    """A request by its id; WrongUse where there is none."""
    found = next((each for each in known(tx) if each.id == name), None)
    if found is None:
        raise WrongUse(f"Expected the id of a request, found {name!r}, which is not known: see `pscc rights list`.")
    return found


def people_of(tx: Connection, name: str) -> list[Person]:
    """Whom a request is about; nobody once it is carried out."""
    return sorted((row["center"], row["person_id"]) for row in rows_of(tx, request_person, request=name))


def change(tx: Connection, found: Request, **values: Any) -> Request:
    """The request with other values."""
    changed = Request(**asdict(found) | values)
    put(tx, request, [asdict(changed)])
    return changed


def forget(tx: Connection, name: str) -> None:
    """Take out whom a request is about, and what was looked for."""
    remove(tx, request_person, [{"request": name}])
    remove(tx, request_trace, [{"request": name}])


def waiting_about(tx: Connection, people: Iterable[Person], but: str) -> list[tuple[Request, set[Person]]]:
    """The requests, but for one, that wait and are about some of these people, each with everybody it is about."""
    about = [(each, set(people_of(tx, each.id))) for each in known(tx) if each.id != but]
    return [(each, whose) for each, whose in about if whose & set(people)]


def join(tx: Connection, leader: str, people: Iterable[Person], traces: Iterable[str]) -> None:
    """Take people whom `leader` erases out of every other request that waits; one that is about nobody else is done with `leader`."""
    theirs = set(people)
    for other, whose in waiting_about(tx, theirs, leader):
        remove(tx, request_person, [{"request": other.id, "center": at, "person_id": who} for at, who in whose & theirs])
        remove(tx, request_trace, [{"request": other.id, "trace": each} for each in traces])
        if whose <= theirs:
            give_over(tx, other, leader)


def give_over(tx: Connection, other: Request, leader: str) -> None:
    """Have a request, and those that were to be done with it, be done with another one."""
    forget(tx, other.id)
    for each in (other, *joined(tx, other.id)):
        change(tx, each, state=JOINED, outcome=json.dumps({"carried_out_with": leader}))


def joined(tx: Connection, leader: str) -> list[Request]:
    """The requests that are to be done with another one."""
    return [each for each in known(tx) if each.state == JOINED and json.loads(each.outcome or "{}")["carried_out_with"] == leader]


def absent(told: Mapping[str, Any]) -> str:
    """Of how many of the people it names an erasure found nothing, as a sentence; empty where somebody of each was there."""
    unknown, before = told.get("people_unknown", 0), told.get("people_erased_before", 0)
    if not unknown + before:
        return ""
    return f"Of {unknown + before} of {told['people']} people named nothing was in the lake: {unknown} unknown to it, {before} erased before."
