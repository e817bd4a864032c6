"""Silver and gold tables as Delta tables: made from their contracts, changed in one commit a pass."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Field, Schema, Transaction
from deltalake.schema import PrimitiveType
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from jobs.actions import Action, Files
from jobs.errors import LakehouseError
from jobs.lake import Lake, wordless
from jobs.silver.layout import COUNTED, LAYOUT, file_rows
from jobs.silver.staging import Staged
from quality import places
from quality.contract import Column, Table

DELTA_TYPES = {
    "string": "string",
    "boolean": "boolean",
    "integer": "integer",
    "long": "long",
    "double": "double",
    "date": "date",
    "timestamp": "timestamp",
}
SPARK_TYPES = {"integer": "int", "long": "bigint"}


def spark_type(column: Column) -> str:
    """The Spark SQL name of a contract's type."""
    return SPARK_TYPES.get(column.type, column.type)


def rows_of(spark: SparkSession, lake: Lake, zone: str, table: str) -> DataFrame:
    """The rows of a table as Spark reads them.

    The file list comes from the Delta log by way of delta-rs (milliseconds); Spark's own reader runs a job for each use of a
    table only to find that list, which costs more than the rows of a pass: docs/decisions/0006.
    """
    found = DeltaTable(lake.path(zone, table))
    files = places.files(found)
    return spark.read.schema(_spark_schema(found)).parquet(*files) if files else spark.createDataFrame([], _spark_schema(found))


def some_rows_of(spark: SparkSession, lake: Lake, zone: str, table: str, where: ds.Expression, file: str) -> DataFrame:
    """Some rows of a table as Spark reads them, by way of a file: Arrow finds them for a fraction of what Spark takes to look at all."""
    found = DeltaTable(lake.path(zone, table))
    rows = places.dataset(found)
    if rows is None:
        return spark.createDataFrame([], _spark_schema(found))
    pq.write_table(rows.to_table(filter=where), file, compression="lz4")
    return spark.read.schema(_spark_schema(found)).parquet(file)


def _spark_schema(found: DeltaTable) -> StructType:
    return StructType.fromJson(json.loads(found.schema().to_json()))


def ensure_table(lake: Lake, table: Table) -> str:
    """The path of a table; made empty from its contract where it is not there yet."""
    path = lake.path(table.layer, table.name)
    if not DeltaTable.is_deltatable(path):
        # Statistics would repeat values of identified columns in the log: only these may have them.
        counted = [
            column.name
            for column in table.columns
            if column.name in ("center", "delivery_id", "is_current", "is_deleted", "load_id")
        ]
        DeltaTable.create(
            path,
            schema=delta_schema(table),
            name=table.name,
            description=table.grain,
            configuration={"delta.dataSkippingStatsColumns": ",".join(counted or [table.columns[0].name])},
        )
    return path


def arrow_schema(table: Table) -> pa.Schema:
    """The columns of a contract as its table has them, with their meaning."""
    return pa.schema(delta_schema(table))


def delta_schema(table: Table) -> Schema:
    return Schema([_field(column) for column in table.columns])


def _field(column: Column) -> Field:
    kind: Any = column.type
    if column.type == "array<string>":
        return Field.from_json(
            json.dumps(
                {
                    "name": column.name,
                    "type": {"type": "array", "elementType": "string", "containsNull": True},
                    "nullable": column.nullable,
                    "metadata": {"comment": column.meaning},
                }
            )
        )
    return Field(column.name, PrimitiveType(DELTA_TYPES[kind]), nullable=column.nullable, metadata={"comment": column.meaning})


def shaped(rows: DataFrame, table: Table) -> DataFrame:
    """`rows` with the contract's columns, in its order and types."""
    return rows.selectExpr(*(f"cast(`{column.name}` as {spark_type(column)}) as `{column.name}`" for column in table.columns))


def change(lake: Lake, staged: Staged, centers: list[str], transaction: tuple[str, int]) -> None:
    """Apply staged changes (`_action`: insert, close, delete, purge) of these hospitals in one commit, once a transaction.

    Only files that hold rows which end are written anew, each into one of its own: a file never grows by it.
    """
    table = staged.table
    if lake.has_committed(table.layer, table.name, transaction):
        return
    found = DeltaTable(lake.path(table.layer, table.name))
    files, actions, ended = Files(found, COUNTED, LAYOUT), list[Action](), list[pl.DataFrame]()
    with wordless(table.address):
        written, most = 0, file_rows(found.count() + staged.inserted)
        for part in staged.parts():
            new = part.filter(pl.col("_action") == "insert").select(table.names)
            actions += [each for rows in new.iter_slices(most) for each in files.added([_arrow(rows)])]
            written += new.height
            ended.append(part.filter(pl.col("_action") != "insert").select(*table.key, "_action", *_end(table)))
        if written != staged.inserted:
            raise LakehouseError(
                f"Expected {staged.inserted} staged rows of {table.address}, found {written}: run the pass again."
            )
        actions += _ended(files, table, pl.concat(ended).unique(list(table.key)), centers)
        files.commit(actions, CommitProperties(app_transactions=[Transaction(*transaction)]))


def _ended(files: Files, table: Table, ended: pl.DataFrame, centers: list[str]) -> Iterator[Action]:
    """What puts the files that hold rows which end in their new form."""
    held = places.dataset(files.table)
    if held is None or ended.is_empty():
        return
    here, concerned = ds.field("center").isin(centers), set[str]()
    # Batch by batch: a table may have many more rows than end.
    for batch in held.to_batches(columns=[*table.key, "is_current", "__filename"], filter=here):
        rows = pl.DataFrame(pl.from_arrow(batch)).join(ended, on=list(table.key), nulls_equal=True)
        concerned.update(rows.filter(pl.col("is_current") | (pl.col("_action") == "purge"))["__filename"])
    for file in held.get_fragments():
        if file.path in concerned:
            before = pl.DataFrame(pl.from_arrow(file.to_table(files.schema)))
            yield files.removed(file.path)
            yield from files.added([_arrow(_after(before, table, ended, centers))])


def _after(rows: pl.DataFrame, table: Table, ended: pl.DataFrame, centers: list[str]) -> pl.DataFrame:
    """The rows of a file without those that are purged, and with those closed that end."""
    beside = rows.join(ended, on=list(table.key), how="left", nulls_equal=True, maintain_order="left", suffix="_end")
    mine = pl.col("_action").is_not_null() & pl.col("center").is_in(centers)
    ends = mine & pl.col("is_current")
    closed = {
        "is_current": pl.col("is_current") & ~ends,
        "is_deleted": pl.when(ends).then(pl.col("_action") == "delete").otherwise("is_deleted"),
        "valid_to": pl.when(ends).then("ingested_at_end").otherwise("valid_to"),
    }
    kept = beside.filter(~(mine & (pl.col("_action") == "purge")))
    return kept.with_columns(**{name: value for name, value in closed.items() if name in table.names}).select(table.names)


def _end(table: Table) -> list[str]:
    """The column that says when a row was staged, where the table tells of its rows when they ended."""
    return ["ingested_at"] if "valid_to" in table.names else []


def _arrow(rows: pl.DataFrame) -> pa.Table:
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())
