"""What the ledger knows of builds of gold: of what the last one that came to its end has told."""

from sqlalchemy import insert, select, update

from jobs.ledger import Ledger
from jobs.ledger.schema import LAKE

FINISHED = "build_finished_of"


def finished_of(ledger: Ledger) -> str | None:
    """The state of silver and its checks that worklist and Data Docs tell of; None where no build came to its end yet."""
    with ledger.engine.begin() as connection:
        return connection.execute(select(LAKE.c.value).where(LAKE.c.name == FINISHED)).scalar()


def note_finished(ledger: Ledger, state: str) -> None:
    """Note that a build came to its end, and of what state it told."""
    with ledger.engine.begin() as connection:
        if connection.execute(update(LAKE).where(LAKE.c.name == FINISHED).values(value=state)).rowcount == 0:
            connection.execute(insert(LAKE).values(name=FINISHED, value=state))
