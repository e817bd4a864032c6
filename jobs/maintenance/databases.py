"""Ledger and vault in a file of their own: the rows of SQLite or PostgreSQL written into one SQLite file, and back."""

from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, func, insert, select, text

from jobs import private
from jobs.errors import WrongUse

AT_ONCE = 2_000
# Who is at work at the moment of a backup is not at work after it; what a new ledger says of its lake, the file says again.
PASSING, SAID_ANEW = "lease", "lake"


def dump(source: Engine, tables: MetaData, to: Path) -> None:
    """Write the rows of all tables into a new SQLite file that only its owner reads."""
    private.opened(to, "xb").close()
    saved = _file(to)
    with source.connect() as read, saved.begin() as written:
        tables.create_all(written)
        for table in _kept(tables):
            _copy(read, written, table)
    saved.dispose()


def load(file: Path, target: Engine, tables: MetaData) -> None:
    """Write the rows of such a file into tables that are there; WrongUse where these hold rows already."""
    saved = _file(file)
    with saved.connect() as read, target.begin() as written:
        for table in _kept(tables):
            if table.name == SAID_ANEW:
                written.execute(table.delete())
            _check_empty(written, table)
            _copy(read, written, table)
            _count_on(written, table)
    saved.dispose()


def _file(path: Path) -> Engine:
    return create_engine(f"sqlite:///{path}", hide_parameters=True).execution_options(schema_translate_map={"vault": None})


def _kept(tables: MetaData) -> list[Table]:
    return [each for each in tables.sorted_tables if each.name != PASSING]


def _check_empty(there: Connection, table: Table) -> None:
    if there.execute(select(func.count()).select_from(table)).scalar():
        raise WrongUse(
            f"Expected an empty database to restore into, found rows in {table.name}: name another one in PSCC_DATABASE_URL."
        )


def _copy(read: Connection, written: Connection, table: Table) -> None:
    for rows in read.execute(select(table)).mappings().partitions(AT_ONCE):
        written.execute(insert(table), [dict(row) for row in rows])


def _count_on(there: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows after those that were written with their numbers."""
    counted = table.autoincrement_column
    if there.dialect.name != "postgresql" or counted is None or counted.autoincrement is not True:
        return
    last = there.execute(select(func.max(counted))).scalar()
    if last is not None:
        there.execute(text("SELECT setval(pg_get_serial_sequence(:place, :column), :last)"), _place(table) | {"last": last})


def _place(table: Table) -> dict[str, str]:
    return {"place": f"{table.schema or 'ledger'}.{table.name}", "column": "id"}
