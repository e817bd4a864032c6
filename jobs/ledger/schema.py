"""The ledger's tables, the same in SQLite and PostgreSQL."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

METADATA = MetaData()
# What takes a place in the chain; those held by the quality gate are in bronze already and keep theirs.
IN_CHAIN = ("loading", "loaded")

LAKE = Table("lake", METADATA, Column("name", String, primary_key=True), Column("value", String, nullable=False))

# Append-only: a manifest written again is another announcement. One verdict each.
ANNOUNCEMENT = Table(
    "announcement",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("path", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("folder", String, nullable=False),
    Column("found_at", String, nullable=False),
    Column("delivery_id", String),
    Column("center", String),
    Column("outcome", String),
    Column("report", JSON),
    Column("settled_at", String),
    UniqueConstraint("path", "size", "mtime_ns"),
)

# Known deliveries: those whose signature was valid.
DELIVERY = Table(
    "delivery",
    METADATA,
    Column("center", String, primary_key=True),
    Column("delivery_id", String, primary_key=True),
    Column("announcement_id", Integer, ForeignKey("announcement.id"), nullable=False),
    Column("folder", String, nullable=False),
    Column("canonical_sha256", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("window_from", String),
    Column("window_to", String, nullable=False),
    Column("content", String, nullable=False),
    Column("pseudonym_key_id", String, nullable=False),
    Column("previous", String),
    Column("replaces", String),
    Column("state", String, nullable=False),
    Column("reason_codes", JSON, nullable=False),
    # The accepted delivery that comes before, replacements followed; '' for the first of a hospital.
    Column("predecessor", String),
    Column("chain_position", Integer),
    Column("attempts", Integer, nullable=False),
    Column("approved", Boolean, nullable=False),
    Column("in_bronze", Boolean, nullable=False),
    # A person accepted what the quality gate refused.
    Column("gate_waived", Boolean, nullable=False),
    # Of a held delivery: 'to_apply', then 'to_publish' while its new oppositions are on their way.
    Column("oppositions", String),
    Column("released_by", String),
    Column("pass_number", BigInteger),
    Column("report", JSON, nullable=False),
    Column("since", String, nullable=False),
)
Index(
    "one_successor",
    DELIVERY.c.center,
    DELIVERY.c.predecessor,
    unique=True,
    sqlite_where=DELIVERY.c.state.in_(IN_CHAIN),
    postgresql_where=DELIVERY.c.state.in_(IN_CHAIN),
)

# How every delivery came to its state; append-only.
TRANSITION = Table(
    "transition",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("center", String, nullable=False),
    Column("delivery_id", String, nullable=False),
    Column("from_state", String, nullable=False),
    Column("to_state", String, nullable=False),
    Column("reason_codes", JSON, nullable=False),
    Column("at", String, nullable=False),
    Column("by", String, nullable=False),
)

DECISION = Table(
    "decision",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("center", String, nullable=False),
    Column("delivery_id", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("reason_codes", JSON, nullable=False),
    Column("by", String, nullable=False),
    Column("why", String, nullable=False),
    Column("at", String, nullable=False),
)

# Patients whom a lifted opposition elsewhere shows again: a hospital is asked for them in the report of its newest delivery.
SEND_AGAIN = Table(
    "send_again",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("center", String, nullable=False),
    Column("told_in", String, nullable=False),
    Column("lifted_by", String, nullable=False),
    Column("file", String, nullable=False),
    Column("row", Integer, nullable=False),
    Column("finding", JSON, nullable=False),
    UniqueConstraint("lifted_by", "file", "row"),
)

# Passes over silver, by the number that the engine gave them.
PASS = Table(
    "pass",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("center", String, nullable=False),
    Column("deliveries", JSON, nullable=False),
    Column("finished_at", String, nullable=False),
    Column("accepted_failed", Boolean, nullable=False),
)

# What somebody has to look at: one row a cause, as long as it lasts. `told_at` once it was sent.
ALERT = Table(
    "alert",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("cause", String, nullable=False),
    Column("sentence", String, nullable=False),
    Column("todo", String, nullable=False),
    Column("opened_at", String, nullable=False),
    Column("told_at", String),
    Column("closed_at", String),
    Column("closed_because", String),
)
Index(
    "one_alert_a_cause",
    ALERT.c.cause,
    unique=True,
    sqlite_where=ALERT.c.closed_at.is_(None),
    postgresql_where=ALERT.c.closed_at.is_(None),
)

LEASE = Table(
    "lease",
    METADATA,
    Column("name", String, primary_key=True),
    Column("token", BigInteger, nullable=False, server_default=text("0")),
    Column("holder", String),
    Column("expires", Float, nullable=False, server_default=text("0")),
)
