"""Silver and gold tables as Delta tables: made from their contracts, changed in one commit a pass."""

import json
from collections.abc import Iterable
from typing import Any

import polars as pl
from deltalake import CommitProperties, DeltaTable, Field, Schema, Transaction
from deltalake.schema import PrimitiveType
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from jobs.lake import Lake, wordless
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
# Many small files: to close one version of a row, its whole file is written anew. docs/decisions/0011.
FILE_BYTES = 64 * 1024
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
    schema = StructType.fromJson(json.loads(found.schema().to_json()))
    files = found.file_uris()
    return spark.read.schema(schema).parquet(*files) if files else spark.createDataFrame([], schema)


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
            schema=Schema([_field(column) for column in table.columns]),
            name=table.name,
            description=table.grain,
            configuration={
                "delta.dataSkippingStatsColumns": ",".join(counted or [table.columns[0].name]),
                "delta.targetFileSize": str(FILE_BYTES),
            },
        )
    return path


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


def merge(lake: Lake, table: Table, changes: pl.DataFrame, centers: Iterable[str], transaction: tuple[str, int]) -> None:
    """Apply staged changes (`_action`: insert, close, delete, purge) of these hospitals in one commit, once a transaction."""
    if lake.has_committed(table.layer, table.name, transaction):
        return
    same = " and ".join(f"t.`{key}` = s.`{key}`" for key in table.key)
    concerned = ", ".join(f"'{center}'" for center in centers)
    ended = {"is_current": "false", "is_deleted": "s._action = 'delete'", "valid_to": "s.ingested_at"}
    change = (
        DeltaTable(lake.path(table.layer, table.name))
        .merge(
            changes.drop("_kind"),
            f"t.center in ({concerned}) and {same} and s._action <> 'insert' and (t.is_current or s._action = 'purge')",
            source_alias="s",
            target_alias="t",
            commit_properties=CommitProperties(app_transactions=[Transaction(*transaction)]),
        )
        .when_matched_delete("s._action = 'purge'")
        .when_matched_update({name: value for name, value in ended.items() if name in table.names})
        .when_not_matched_insert({name: f"s.`{name}`" for name in table.names}, "s._action = 'insert'")
    )
    with wordless(table.address):
        change.execute()
