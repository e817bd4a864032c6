"""What the ledger knows of gold: of what the last build that came to its end has told, and since when gold is behind silver."""

from sqlalchemy import func, select

from jobs.ledger import Ledger, notes
from jobs.ledger.schema import PASS

FINISHED, FRESH = "build_finished_of", "gold_fresh_at"


def finished_of(ledger: Ledger) -> str | None:
    """The state of silver and its checks that worklist and Data Docs tell of; None where no build came to its end yet."""
    with ledger.engine.begin() as connection:
        return notes.said(connection, FINISHED)


def note_finished(ledger: Ledger, state: str) -> None:
    """Note that a build came to its end, and of what state it told."""
    with ledger.engine.begin() as connection:
        notes.say(connection, FINISHED, state)


def note_fresh(ledger: Ledger, at: str) -> None:
    """Note that gold was made of everything that silver held at a moment."""
    with ledger.engine.begin() as connection:
        notes.say(connection, FRESH, at)


def behind_since(ledger: Ledger) -> str | None:
    """When the first pass ended of which gold is not known to know; None where there is none, and where nobody has looked yet."""
    with ledger.engine.begin() as connection:
        fresh = notes.said(connection, FRESH)
        if fresh is None:
            return None
        return connection.execute(select(func.min(PASS.c.finished_at)).where(PASS.c.finished_at > fresh)).scalar()
