"""Silver and gold tables as Delta tables: made from their contracts, changed in one commit a pass."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deltalake import DeltaTable, Field, Schema
from deltalake.schema import PrimitiveType
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from jobs.lake import Lake
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
            configuration={"delta.dataSkippingStatsColumns": ",".join(counted or [table.columns[0].name])},
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


@contextmanager
def transaction(spark: SparkSession, writer: str, number: int) -> Iterator[None]:
    """Every write inside bears the pass number as Delta transaction: the same pass cannot change a table twice."""
    spark.conf.set("spark.databricks.delta.write.txnAppId", f"pscc/{writer}")
    spark.conf.set("spark.databricks.delta.write.txnVersion", str(number))
    try:
        yield
    finally:
        # A forgotten setting would swallow the next write.
        spark.conf.unset("spark.databricks.delta.write.txnAppId")
        spark.conf.unset("spark.databricks.delta.write.txnVersion")


def merge(spark: SparkSession, path: str, table: Table, changes: DataFrame, centers: list[str]) -> None:
    """Apply staged changes (`_action`: insert, close, delete, purge) in one commit."""
    changes.createOrReplaceTempView(f"changes_{table.name}")
    same = " and ".join(f"t.`{key}` = s.`{key}`" for key in table.key)
    insert = ", ".join(f"`{name}`" for name in table.names)
    values = ", ".join(f"s.`{name}`" for name in table.names)
    where = ", ".join(f"'{center}'" for center in centers)
    ended = {"is_current": "false", "is_deleted": "(s._action = 'delete')", "valid_to": "s.ingested_at"}
    closed = ", ".join(f"{name} = {value}" for name, value in ended.items() if name in table.names)
    spark.sql(f"""
        merge into delta.`{path}` t using changes_{table.name} s
        on t.center in ({where}) and {same} and s._action <> 'insert' and (t.is_current or s._action = 'purge')
        when matched and s._action = 'purge' then delete
        when matched then update set {closed}
        when not matched and s._action = 'insert' then insert ({insert}) values ({values})
    """)


def append(rows: DataFrame, path: str) -> None:
    """Append rows in one commit."""
    rows.write.format("delta").mode("append").save(path)


def replace(rows: DataFrame, path: str) -> None:
    """Replace all rows of a table in one commit."""
    rows.write.format("delta").mode("overwrite").save(path)
