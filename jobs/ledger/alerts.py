"""Alerts in the ledger: one a cause, open until the cause is gone or somebody closes it."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from jobs.ledger import Ledger, notes, now
from jobs.ledger.schema import ALERT

# How the reason begins where a person closed an alert.
BY = "closed by "
LOOKED = "alerts_looked_at"
# Before the number of an alert that one way has taken and another not yet, and that way.
TOLD = "told/"
# Before the cause of a run that has begun and has told of no end yet.
BEGUN = "begun/"


@dataclass(frozen=True)
class Cause:
    """What is wrong: `name` is the same as long as it is the same, and begins with its kind (held/GR-…); then a sentence, and what to type."""

    name: str
    sentence: str
    todo: str


@dataclass(frozen=True)
class Alert:
    """A cause since it was seen first; `told_at` is None until it was sent."""

    id: int
    cause: str
    sentence: str
    todo: str
    opened_at: str
    told_at: str | None

    @property
    def kind(self) -> str:
        """run, silence, refused, held, gold."""
        return self.cause.partition("/")[0]

    def told(self) -> dict[str, Any]:
        """The object of `--json`."""
        return asdict(self) | {"kind": self.kind}


def opened(ledger: Ledger) -> list[Alert]:
    """The open alerts, oldest first."""
    columns = [ALERT.c[name] for name in Alert.__dataclass_fields__]
    with ledger.engine.begin() as connection:
        rows = connection.execute(select(*columns).where(ALERT.c.closed_at.is_(None)).order_by(ALERT.c.id)).mappings()
        return [Alert(**row) for row in rows]


def put_aside(ledger: Ledger) -> set[str]:
    """The causes of which a person closed the alert: they are known, and do not open another."""
    with ledger.engine.begin() as connection:
        return set(connection.execute(select(ALERT.c.cause).where(ALERT.c.closed_because.startswith(BY))).scalars())


def open_alert(ledger: Ledger, cause: Cause) -> None:
    """Note a cause; one that is open already stays as it is."""
    values = {"cause": cause.name, "sentence": cause.sentence, "todo": cause.todo, "opened_at": now()}
    with suppress(IntegrityError), ledger.engine.begin() as connection:
        connection.execute(insert(ALERT).values(**values))


def close_alert(ledger: Ledger, cause: str, because: str) -> bool:
    """Close the alert of a cause; False where none is open."""
    here = (ALERT.c.cause == cause) & ALERT.c.closed_at.is_(None)
    with ledger.engine.begin() as connection:
        number = connection.execute(select(ALERT.c.id).where(here)).scalar()
        if number is None:
            return False
        notes.forget_below(connection, f"{TOLD}{number}/")
        return connection.execute(update(ALERT).where(here).values(closed_at=now(), closed_because=because)).rowcount == 1


def note_told(ledger: Ledger, alert: Alert) -> None:
    """Note that an alert was sent, by every way that is set."""
    with ledger.engine.begin() as connection:
        connection.execute(update(ALERT).where(ALERT.c.id == alert.id).values(told_at=now()))
        notes.forget_below(connection, f"{TOLD}{alert.id}/")


def note_told_by(ledger: Ledger, alert: Alert, channel: str) -> None:
    """Note that an alert was sent by one way, so that it is not sent there again for another that was closed."""
    with ledger.engine.begin() as connection:
        notes.say(connection, f"{TOLD}{alert.id}/{channel}", now())


def told_by(ledger: Ledger, alert: Alert) -> set[str]:
    """By which ways an alert was sent that others have not taken yet."""
    with ledger.engine.begin() as connection:
        return {channel for channel, _ in notes.said_below(connection, f"{TOLD}{alert.id}/")}


def note_looked(ledger: Ledger) -> None:
    """Note that causes were looked for."""
    with ledger.engine.begin() as connection:
        notes.say(connection, LOOKED, now())


def note_begun(ledger: Ledger, cause: str, run: str) -> None:
    """Note that a run has begun, under the cause that its failure would have; of several the last one counts."""
    with ledger.engine.begin() as connection:
        notes.say(connection, f"{BEGUN}{cause}", f"{now()} {run}")


def forget_begun(ledger: Ledger, cause: str) -> None:
    """Note that nobody has to ask any more what became of a run."""
    with ledger.engine.begin() as connection:
        notes.forget(connection, f"{BEGUN}{cause}")


def begun(ledger: Ledger) -> list[tuple[str, str, str]]:
    """Cause, moment and name of every run that has told of no end."""
    with ledger.engine.begin() as connection:
        rows = notes.said_below(connection, BEGUN)
    return [(cause, since, run) for cause, value in rows for since, _, run in [value.partition(" ")]]


def looked_at(ledger: Ledger) -> str | None:
    """When causes were looked for last, None where never."""
    with ledger.engine.begin() as connection:
        return notes.said(connection, LOOKED)
