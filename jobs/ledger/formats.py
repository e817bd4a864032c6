"""The format of a lake: what its ledger says of it, and the sentence for a lake that this code does not know how to work on."""

import re
from dataclasses import dataclass

from sqlalchemy import Connection

from jobs.errors import WrongUse
from jobs.ledger import notes
from jobs.settings import LAKE_FORMAT

NAME, GROWN = "format", "silver_to_make_again"
KNOWN = int(LAKE_FORMAT)


@dataclass(frozen=True)
class Format:
    """The number of a lake's format, and the one `towards` which an upgrade began that has not ended."""

    number: int
    towards: int | None = None

    def __str__(self) -> str:
        # Whoever looks for a number alone, as every version does that knows of no upgrades, refuses this too.
        return str(self.number) if self.towards is None else f"{self.number} to {self.towards}"

    @property
    def is_newer(self) -> bool:
        """True for a lake that a newer version than this one has made, or has begun to upgrade."""
        return max(self.number, self.towards or 0) > KNOWN


def format_of(connection: Connection) -> str | None:
    """What the ledger says, None where it says nothing."""
    return notes.said(connection, NAME)


def read(found: str | None, lake: str) -> Format:
    """The format that a ledger tells; WrongUse for anything else."""
    told = re.fullmatch(r"(\d+)(?: to (\d+))?", found or "")
    if told is None:
        raise WrongUse(f"Expected the format of the lake {lake} in its ledger, found {found!r}: restore a backup.")
    return Format(int(told[1]), int(told[2]) if told[2] else None)


def write(connection: Connection, said: Format) -> None:
    """Let the ledger say it."""
    notes.say(connection, NAME, str(said))


def grown(connection: Connection) -> list[str]:
    """The silver tables that an upgrade gave columns, which are empty until silver was made again."""
    return sorted((notes.said(connection, GROWN) or "").split())


def note_grown(connection: Connection, names: list[str]) -> None:
    """Remember some more of them."""
    if names:
        notes.say(connection, GROWN, " ".join(sorted({*grown(connection), *names})))


def forget_grown(connection: Connection) -> None:
    """Silver was made again."""
    notes.forget(connection, GROWN)


def refuse_newer(found: Format, lake: str) -> None:
    """WrongUse for a lake that a newer version has made: there is no way back."""
    if found.is_newer:
        raise WrongUse(
            f"Expected a lake of format {KNOWN} at most in {lake}, found format {found}: a newer version of pscc made or upgraded it. "
            "Use that version, or restore a backup from before the upgrade; a lake is never taken back."
        )


def check(found: Format, lake: str) -> None:
    """Nothing for a lake of this very format; WrongUse for a newer one, an older one, and one whose upgrade was cut short."""
    refuse_newer(found, lake)
    if found.towards is not None:
        raise WrongUse(
            f"Expected a lake of format {KNOWN} in {lake}, found an upgrade from format {found} that has not ended: "
            "wait for it, or run `pscc upgrade` again where it was cut short."
        )
    if found.number != KNOWN:
        raise WrongUse(
            f"Expected a lake of format {KNOWN} in {lake}, found format {found}: stop what works on it, back it up with the version that "
            "made it, then run `pscc upgrade`."
        )
