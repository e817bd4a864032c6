"""The vault: who is who. Keyed tokens, merges, links, what people said about their data, and keys by which rows of opposed people are known again.

Never a step-1 pseudonym, never a name; it lies beside the ledger, in SQLite or in PostgreSQL, and no engine can read it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError

from jobs import private
from jobs.database import postgres, unusable
from jobs.settings import Settings

METADATA = MetaData(schema="vault")
# SQLite takes at most 32766 variables in a statement.
AT_ONCE = 5_000
# The number of the lock that lets one transaction at a time into a vault on PostgreSQL.
ALONE = 7023419


def _table(name: str, keys: str, others: str = "", numbers: str = "", *indexes: Index) -> Table:
    columns: list[Column[Any]] = [Column(each, String, primary_key=True) for each in keys.split()]
    columns += [Column(each, String) for each in others.split()]
    columns += [Column(each, Integer) for each in numbers.split()]
    return Table(name, METADATA, *columns, *indexes)


# What deliveries said of a patient that decides links; one row a delivery that changed it, so that a delivery can be withdrawn.
identity_version = _table(
    "identity_version",
    "center person_id delivery_id",
    "token_key sex birth_month version_at seen_at",
    "chain_position source_row_no",
)
# The winning one of them, and where the hospital sent the patient last.
identity = _table(
    "identity",
    "center person_id",
    "token_key sex birth_month version_at seen_at last_delivery_id last_file",
    "chain_position source_row_no last_row_no",
    Index("identity_by_token", "token_key"),
)
merge = _table("merge", "center old", "kept delivery_id merged_at seen_at", "chain_position")
link = _table("link", "center person_id other_center other_person_id", "token_key since", "", Index("link_by_token", "token_key"))
conflict = _table("conflict", "center person_id other_center other_person_id", "delivery_id")
# The last thing a full list said under a key (gr, curie), and every event (aphp).
statement = _table("statement", "center statement_key", "person_id kind scope delivery_id")
rights_event = Table(
    "rights_event",
    METADATA,
    *(Column(name, String, primary_key=True) for name in ("center", "statement_key")),
    *(Column(name, String) for name in ("person_id", "kind", "scope", "event_at", "extract_at", "delivery_id", "since")),
    *(Column(name, Integer) for name in ("chain_position", "row_no")),
    Column("withdrawn", Boolean),
)
# What a delivery that waits says; it is forgotten when the delivery is loaded.
held_statement = Table(
    "held_statement",
    METADATA,
    *(Column(name, String, primary_key=True) for name in ("center", "delivery_id")),
    Column("row_no", Integer, primary_key=True),
    *(Column(name, String) for name in ("person_id", "kind", "scope", "statement_key", "event_at", "extract_at", "created_at")),
    Column("withdrawn", Boolean),
)
held = _table("held", "delivery_id", "center previous created_at")
# Oppositions in force as the hospital itself stated them; origin: stated or unreadable, and the same of a delivery that waits.
opposition = _table("opposition", "center person_id scope origin delivery_id", "since statement_key")
# The same with everything that links and merges add.
in_force = _table("in_force", "center person_id scope", "since")
# Keys of rows of opposed people from which rows without a patient column hang.
child_key = _table("child_key", "center domain row_id", "person_id")
settled = Table(
    "settled", METADATA, Column("delivery_id", String, primary_key=True), Column("center", String), Column("change", Text)
)
# How often a delivery was taken out of bronze again: when it comes back, its commits are new ones.
withdrawal = _table("withdrawal", "delivery_id", "", "number")
# Requests of people that came to the platform itself, and whom they are about until they are carried out.
request = _table("request", "id", "kind center scope by reason received_on due_on state done_at outcome certificate", "people")
request_person = _table("request_person", "request center person_id")
# What an erasure still looks for, so that another process can go on with it; gone once nothing is found any more.
request_trace = _table("request_trace", "request trace")
# Whom a later delivery must not bring back: keyed hashes, from which nobody learns who that was.
tombstone = _table("tombstone", "kind hash", "request since")
# How long the audit was when it was last written to, and how its last line read: who cuts its end is found out.
audit_head = _table("audit_head", "name", "hash", "number")
# How often links or rights changed: an older picture of them must not overwrite a newer one.
revision = _table("revision", "name", "", "number")


class Vault:
    """The vault of one lake."""

    def __init__(self, settings: Settings) -> None:
        self.engine = postgres(settings.database_url) if settings.database_url else _sqlite(Path(settings.lake, "vault"))
        try:
            _make_tables(self.engine)
        except DatabaseError as error:
            raise unusable(f"the vault of the lake {settings.lake}", error) from None

    @contextmanager
    def transaction(self, *, keep: bool = True) -> Iterator[Connection]:
        """One transaction, alone in the vault; rolled back at the end when it should only show what would be."""
        with self.engine.connect() as tx, tx.begin() as scope:
            if tx.dialect.name == "postgresql":
                tx.execute(text(f"SELECT pg_advisory_xact_lock({ALONE})"))
            yield tx
            if not keep:
                scope.rollback()

    def close(self) -> None:
        self.engine.dispose()


def _sqlite(folder: Path) -> Engine:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "vault.sqlite"
    private.opened(path, "ab").close()
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 120}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        # Python's driver opens transactions late, so that two loads could both read before one writes: begin by hand.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine.execution_options(schema_translate_map={"vault": None})


def _make_tables(engine: Engine) -> None:
    with engine.begin() as tx:
        if tx.dialect.name == "postgresql":
            # Two workers that start at once would both find nothing there.
            tx.execute(text(f"SELECT pg_advisory_xact_lock({ALONE})"))
            tx.execute(text("CREATE SCHEMA IF NOT EXISTS vault"))
        METADATA.create_all(tx)


def rows_of(tx: Connection, table: Table, **equal: Any) -> list[dict[str, Any]]:
    """The rows of a table where each named column has its value (a list: one of its values)."""
    several = {
        name: list(dict.fromkeys(value)) for name, value in equal.items() if isinstance(value, (list, set, tuple, frozenset))
    }
    query = select(table).where(*(table.c[name] == value for name, value in equal.items() if name not in several))
    if not several:
        return [dict(row) for row in tx.execute(query).mappings()]
    ((name, values),) = several.items()
    parts = (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
    return [dict(row) for part in parts for row in tx.execute(query.where(table.c[name].in_(part))).mappings()]


def put(tx: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows by key: what was there under the same key is replaced."""
    keys = [column.name for column in table.primary_key]
    newest = {tuple(row[key] for key in keys): dict(row) for row in rows}
    if newest:
        tx.execute(
            _delete_by(table, keys), [{f"k_{key}": value for key, value in zip(keys, found, strict=True)} for found in newest]
        )
        tx.execute(table.insert(), list(newest.values()))


def remove(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Delete rows by the columns they are given by."""
    if rows:
        tx.execute(_delete_by(table, list(rows[0])), [{f"k_{key}": value for key, value in row.items()} for row in rows])


def _delete_by(table: Table, keys: Sequence[str]) -> Any:
    return table.delete().where(*(table.c[key] == bindparam(f"k_{key}") for key in keys))


def next_revision(tx: Connection) -> int:
    """The number of this change of links or rights."""
    number = 1 + (tx.execute(select(func.max(revision.c.number))).scalar() or 0)
    put(tx, revision, [{"name": "identity", "number": number}])
    return number


def current_revision(tx: Connection) -> int:
    return tx.execute(select(func.max(revision.c.number))).scalar() or 0
