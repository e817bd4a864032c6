"""What the ledger knows of builds of gold: of what the last one that came to its end has told."""

from jobs.ledger import Ledger, notes

FINISHED = "build_finished_of"


def finished_of(ledger: Ledger) -> str | None:
    """The state of silver and its checks that worklist and Data Docs tell of; None where no build came to its end yet."""
    with ledger.engine.begin() as connection:
        return notes.said(connection, FINISHED)


def note_finished(ledger: Ledger, state: str) -> None:
    """Note that a build came to its end, and of what state it told."""
    with ledger.engine.begin() as connection:
        notes.say(connection, FINISHED, state)
