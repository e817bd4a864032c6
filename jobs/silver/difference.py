"""What a pass changes in a silver table: new rows, changed rows, deleted rows, rows of people who must be forgotten.

Spark has computed the rows by then; comparing some thousand keys and hashes costs Spark more than computing them, and polars
next to nothing: docs/decisions/0009.
"""

import hashlib
from datetime import datetime

import polars as pl

from quality.contract import Column, Table

# What says when and how a version came to be, not what it says.
ENGINE_COLUMNS = ("row_hash", "ingested_at", "valid_to", "is_current", "is_deleted", "load_id")
# The columns that name somebody.
PEOPLE = ("person_id", "other_person_id")
TYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "boolean": pl.Boolean(),
    "integer": pl.Int32(),
    "long": pl.Int64(),
    "double": pl.Float64(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
    "array<string>": pl.List(pl.String()),
}
# Stand between the cells of a row and the items of a list, and for an empty cell, in the text that is hashed.
UNIT, ITEM, NULL = "\x1f", "\x1e", "\x00"


def schema(table: Table) -> pl.Schema:
    """The columns of a contract in its order, with their types."""
    return pl.Schema({column.name: TYPES[column.type] for column in table.columns})


def completed(rows: pl.DataFrame, table: Table, number: int, at: datetime) -> pl.DataFrame:
    """What transforms leave to the engine: hash, times and state of a version that pass `number` publishes at `at` (UTC)."""
    made = {
        "dq_flags": pl.col("dq_flags").fill_null([]).list.unique().list.sort() if "dq_flags" in rows.columns else pl.lit([]),
        "ingested_at": pl.lit(at),
        "valid_to": pl.lit(None),
        "is_current": pl.lit(True),
        "is_deleted": pl.lit(False),
        "load_id": pl.lit(number),
        "row_hash": pl.lit(""),
    }
    filled = rows.with_columns(**{name: value for name, value in made.items() if name in table.names})
    whole = filled.select(table.names).cast(schema(table))
    return whole.with_columns(row_hash=versions(whole, table)) if "row_hash" in table.names else whole


def versions(rows: pl.DataFrame, table: Table) -> pl.Series:
    """The hash of what each row says: two rows with one hash are the same version, wherever and whenever they were made."""
    said = [_text(column) for column in table.columns if column.name not in ENGINE_COLUMNS]
    lines = rows.select(pl.concat_str(said, separator=UNIT))[:, 0]
    return pl.Series([hashlib.sha256(line.encode()).hexdigest() for line in lines], dtype=pl.String)


def _text(column: Column) -> pl.Expr:
    cell = pl.col(column.name)
    text = cell.list.join(ITEM) if column.type == "array<string>" else cell.cast(pl.String)
    return text.fill_null(NULL)


def known(scope: pl.LazyFrame, table: Table) -> pl.DataFrame:
    """The keys of current rows, with `_was`: the hash of their version."""
    if "row_hash" in table.names:
        return scope.select(*table.key, pl.col("row_hash").alias("_was")).collect()
    rows = scope.select(table.names).collect()
    return rows.select(*table.key, versions(rows, table).alias("_was"))


def compared(computed: pl.DataFrame, existing: pl.DataFrame, table: Table) -> pl.DataFrame:
    """`computed` with `_kind`: new, changed or unchanged beside the rows that it stands for."""
    now = computed["row_hash"] if "row_hash" in table.names else versions(computed, table)
    beside = computed.with_columns(_now=now).join(existing, on=list(table.key), how="left")
    kind = (
        pl.when(pl.col("_was").is_null())
        .then(pl.lit("new"))
        .when(pl.col("_was") == pl.col("_now"))
        .then(pl.lit("unchanged"))
        .otherwise(pl.lit("changed"))
    )
    return beside.with_columns(_kind=kind).drop("_was", "_now")


def keys_only(keys: pl.DataFrame, table: Table, kind: str, action: str, at: datetime) -> pl.DataFrame:
    """Rows of which only the key is filled, to `close`, `delete` or `purge` what the table holds of them at `at`."""
    empty = pl.DataFrame(schema=schema(table))
    rows = pl.concat([empty, keys.select(table.key)], how="diagonal_relaxed")
    when = {"ingested_at": pl.lit(at, TYPES["timestamp"])} if "ingested_at" in table.names else {}
    return rows.with_columns(**when, _kind=pl.lit(kind), _action=pl.lit(action))


def about(people: list[str], table: Table) -> pl.Expr:
    """Whether a row is about one of these people, by whatever column it names them."""
    return pl.any_horizontal(pl.col(name).is_in(people) for name in PEOPLE if name in table.names)


def held_of(rows: pl.LazyFrame, people: list[str], table: Table) -> pl.DataFrame:
    """The keys of every version that the table holds of these people."""
    return rows.filter(about(people, table)).select(table.key).unique().collect()
