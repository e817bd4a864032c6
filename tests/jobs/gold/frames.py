"""Silver and gold tables for tests, written as text: a column's type is that of its contract, a column not named is null."""

from datetime import date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from quality.contracts import contracts

NULLS = ("", "null")


def silver(spark: SparkSession, name: str, text: str = "") -> DataFrame:
    """Current rows of a silver table."""
    return _frame(spark, {column.name: column.type for column in contracts("silver")[name].columns}, text)


def gold(spark: SparkSession, name: str, text: str = "") -> DataFrame:
    """Rows of a gold table."""
    return _frame(spark, {column.name: column.type for column in contracts("gold")[name].columns}, text)


def patient_key(spark: SparkSession, *masters: str) -> DataFrame:
    """Master person p1 is patient P1, and so on."""
    pairs = [(each, each.upper()) for each in masters]
    return spark.createDataFrame(pairs, "master_person_id string, patient_id string")


def rows(frame: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """These columns of all rows in a fixed order; dates as text."""
    found = [tuple(str(v) if isinstance(v, date) else v for v in row) for row in frame.select(*columns).collect()]
    return sorted(found, key=lambda row: [(value is not None, str(value)) for value in row])


def _frame(spark: SparkSession, types: dict[str, str], text: str) -> DataFrame:
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    head, *body = lines or [[]]
    unknown = set(head) - set(types) - {""}
    if unknown:
        raise ValueError(f"expected columns of the contract, found {', '.join(sorted(unknown))}")
    given = [dict(zip(head, line, strict=True)) for line in body]
    data = [tuple(_value(row.get(name, ""), type_) for name, type_ in types.items()) for row in given]
    return spark.createDataFrame(data, ", ".join(f"{name} {type_}" for name, type_ in types.items()))


def _value(cell: str, type_: str) -> Any:
    if type_ == "array<string>":
        return [] if cell in NULLS else cell.split(",")
    if cell in NULLS:
        return None
    readers: dict[str, Any] = {
        "boolean": lambda text: text == "true",
        "integer": int,
        "long": int,
        "double": float,
        "date": date.fromisoformat,
        "timestamp": datetime.fromisoformat,
    }
    return readers.get(type_, str)(cell)
