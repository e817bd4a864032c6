"""What the clinical user makes itself before its programs start: ledger and staging of a new lake, gold for those who read it, Airflow's files.

`python -m jobs.services.own` as that user, told by JSON on standard input: nothing of root's writes where another user might have laid a link.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from jobs.errors import WrongUse
from jobs.services.place import write_private
from jobs.services.users import CURATED_GID
from quality.address import is_remote

# What the clinical engine sees of a lake, and releases; and of that, and beside it, what no engine may see.
READ = ("bronze", "quarantine", "silver", "gold", "ops")
PRIVATE = ("vault", "restricted", "ops/access")
# Before a sentence that is for whoever started the services, as it is.
SENTENCE = "told: "


@dataclass(frozen=True)
class Own:
    """Where the lake and Airflow's home lie, and the secrets that are written there."""

    lake: str
    airflow: str
    admin: str = field(repr=False)
    database_url: str | None = field(default=None, repr=False)
    # Below which the lake's private folder lies; None for one in the lake.
    staging: str | None = None

    def told(self) -> str:
        """As `main` reads it."""
        return json.dumps(asdict(self))


def make(own: Own) -> None:
    """Make what is missing."""
    from jobs.ledger import Ledger
    from jobs.settings import Settings

    settings = Settings(own.lake, database_url=own.database_url, scratch=Path(own.staging) if own.staging else None)
    if not own.database_url:
        Ledger(settings).close()
    settings.make_staging()
    if not is_remote(own.lake):
        share_gold(Path(own.lake, "gold"))
        # There from the first start on: a room shows and hides what it finds when it is built.
        for folder in (*READ, *PRIVATE):
            Path(own.lake, folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    home = Path(own.airflow)
    (home / "config").mkdir(exist_ok=True)
    # Every process of Airflow reads this file; only the scheduler's environment asks for more.
    write_private(home / "config" / "airflow_local_settings.py", "import jobs.services.preload  # noqa: F401\n")
    write_private(home / "passwords.json", json.dumps({"admin": own.admin}) + "\n")


def share_gold(gold: Path) -> None:
    """Gold, which the curated engine reads as another user where root starts it: its group, whatever is written there from now on."""
    gold.mkdir(mode=0o700, exist_ok=True)
    if CURATED_GID not in os.getgroups():
        return
    for path in (gold, *gold.rglob("*")):
        os.chown(path, -1, CURATED_GID, follow_symlinks=False)
        if not path.is_symlink():
            # A folder hands its group on to what is made in it.
            path.chmod(0o2750 if path.is_dir() else 0o640)


if __name__ == "__main__":
    os.umask(0o077)
    try:
        make(Own(**json.load(sys.stdin)))
    except WrongUse as error:
        sys.exit(f"{SENTENCE}{error}")
