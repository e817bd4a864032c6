"""Tables in tests, written and compared as text, so that input and outcome are seen together."""

from datetime import date, datetime
from textwrap import dedent
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def table(spark: "SparkSession", text: str) -> "DataFrame":
    """The table that `text` draws: a line of `name` or `name:type`, then a line a row, cells split by `|`; an empty cell is null.

    Arrays and structs are written as JSON.
    """
    head, *lines = [[cell.strip() for cell in line.split("|")] for line in dedent(text).strip().splitlines()]
    names = [name.partition(":")[0] for name in head]
    types = {name.partition(":")[0]: name.partition(":")[2] or "string" for name in head}
    cells = [tuple(cell or None for cell in line) for line in lines]
    frame = spark.createDataFrame(cells, ", ".join(f"`{name}` string" for name in names))
    return frame.selectExpr(*(f"{_typed(name, types[name])} AS `{name}`" for name in names))


def _typed(name: str, kind: str) -> str:
    if kind.startswith(("array", "struct", "map")):
        return f"from_json(`{name}`, '{kind}')"
    return f"CAST(`{name}` AS {kind})"


def rows(frame: "DataFrame", *names: str) -> list[tuple[Any, ...]]:
    """These columns of a frame, sorted, nulls first; days and times as ISO text."""
    found = [tuple(_shown(value) for value in row) for row in frame.select(*names).collect()]
    return sorted(found, key=lambda row: [(value is not None, str(value)) for value in row])


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    return value.isoformat() if isinstance(value, date) else value
