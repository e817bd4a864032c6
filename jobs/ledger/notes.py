"""What the ledger keeps under a name, one value each: the lake's format, what the last build told of, when alerts were looked for."""

from sqlalchemy import Connection, delete, insert, select, update

from jobs.ledger.schema import LAKE


def said(connection: Connection, name: str) -> str | None:
    """The value of a name; None where nothing was said."""
    return connection.execute(select(LAKE.c.value).where(LAKE.c.name == name)).scalar()


def said_below(connection: Connection, prefix: str) -> list[tuple[str, str]]:
    """Every name that begins so, without that beginning, and its value."""
    here = LAKE.c.name.startswith(prefix, autoescape=True)
    rows = connection.execute(select(LAKE.c.name, LAKE.c.value).where(here).order_by(LAKE.c.name)).all()
    return [(name.removeprefix(prefix), value) for name, value in rows]


def say(connection: Connection, name: str, value: str) -> None:
    """Keep a value in the place of the one before."""
    if connection.execute(update(LAKE).where(LAKE.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(insert(LAKE).values(name=name, value=value))


def forget(connection: Connection, name: str) -> None:
    """Keep nothing under a name."""
    connection.execute(delete(LAKE).where(LAKE.c.name == name))


def forget_below(connection: Connection, prefix: str) -> None:
    """Keep nothing under any name that begins so."""
    connection.execute(delete(LAKE).where(LAKE.c.name.startswith(prefix, autoescape=True)))
