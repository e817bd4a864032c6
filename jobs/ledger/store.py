"""The database under the ledger: SQLite inside the lake folder, or the PostgreSQL that PSCC_DATABASE_URL names."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError

from jobs.database import postgres, unusable
from jobs.errors import WrongUse
from jobs.ledger import formats
from jobs.ledger.formats import KNOWN, Format
from jobs.ledger.schema import LAKE, METADATA
from jobs.settings import Settings

SCHEMA = "ledger"
BUSY_SECONDS = 60
NO_LAKE = "Expected a lake in {}, found none there: check --lake or LAKE_ROOT, or load deliveries with `pscc ingest`."


def open_store(settings: Settings, *, create: bool, older: bool = False) -> Engine:
    """The ledger's database, its tables made when `create`; WrongUse for a lake that is not there or is of another format.

    With `older` a lake of an older format is opened too, as it is.
    """
    engine = _postgres(settings.database_url) if settings.database_url else _sqlite(settings.lake, create=create)
    try:
        found = lake_format(engine, settings.lake)
        if found is None:
            if not create:
                raise WrongUse(NO_LAKE.format(settings.lake))
            _make_tables(engine)
        elif older:
            formats.refuse_newer(found, settings.lake)
        else:
            formats.check(found, settings.lake)
    except DatabaseError as error:
        raise unusable(f"the ledger of the lake {settings.lake}", error) from None
    return engine


def lake_format(engine: Engine, lake: str) -> Format | None:
    """The format that the ledger tells, None where no ledger was made yet."""
    with engine.begin() as connection:
        if not inspect(connection).has_table(LAKE.name, schema=SCHEMA if engine.dialect.name == "postgresql" else None):
            return None
        return formats.read(formats.format_of(connection), lake)


def _sqlite(lake: str, *, create: bool) -> Engine:
    if "://" in lake:
        raise WrongUse(
            f"Expected a PostgreSQL ledger for the lake {lake}, found PSCC_DATABASE_URL unset: an object store cannot hold the SQLite one."
        )
    path = Path(lake, "ledger.sqlite")
    if not path.is_file() and not create:
        raise WrongUse(NO_LAKE.format(lake))
    _make_folder(lake)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _make_folder(lake: str) -> None:
    try:
        Path(lake).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise WrongUse(
            f"Expected a folder for the lake, found a file at {lake} or above it: check --lake or LAKE_ROOT."
        ) from None
    except (FileNotFoundError, PermissionError):
        raise WrongUse(
            f"Expected to make a folder for the lake at {lake}, found that nothing can be made there: check --lake or LAKE_ROOT."
        ) from None


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver would begin transactions late and read-only; two writers would then fail instead of waiting.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _postgres(url: str) -> Engine:
    return postgres(url).execution_options(schema_translate_map={None: SCHEMA})


def _make_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Two workers that start at once would both find nothing there. SQLite lets one in at a time anyway.
            connection.execute(text("SELECT pg_advisory_xact_lock(7023420)"))
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        METADATA.create_all(connection)
        if formats.format_of(connection) is None:
            formats.write(connection, Format(KNOWN))
