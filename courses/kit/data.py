"""The release as a notebook sees it: a Spark session made when it is first needed, the tables and what their columns mean."""

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from courses.checking.cohort import COHORT_SQL
from courses.checking.errors import CheckingError
from courses.kit.answer import seed
from courses.kit.errors import KitError
from courses.kit.show import Shown, put
from courses.kit.words import number, say

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MOST_ROWS = 1_000
_state: dict[str, Any] = {"session": None, "cohort": None}


class _Spark:
    """The name `spark` of a notebook: opens a session at its first use, and a new one when the engine was restarted."""

    def __getattr__(self, name: str) -> Any:
        return getattr(session(), name)

    def __repr__(self) -> str:
        return "The Spark session of this notebook."


spark: Any = _Spark()


def session() -> "SparkSession":
    """This notebook's session on the class's engine; KitError where there is none."""
    open_one = _state["session"]
    if open_one is None or open_one.client.is_closed:
        _state["session"] = open_one = _open()
        _state["cohort"] = _make_cohort(open_one)
    return open_one


def _open() -> "SparkSession":
    remote = os.environ.get("SPARK_REMOTE")
    if not remote:
        raise KitError(say("no_engine"))
    # These repeat every error as JSON, above the sentence that says it.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger", "pyspark.sql.connect.logging"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    from pyspark.sql.connect.session import SparkSession

    return SparkSession.builder.remote(remote).create()  # type: ignore[return-value]


def _make_cohort(opened: "SparkSession") -> str | None:
    """Make the view `cohort`, the trainee's own tumours. The reason where it cannot be made: everything else works without."""
    try:
        rule = COHORT_SQL.format(seed=seed())
    except CheckingError as error:
        return str(error)
    opened.sql(f"CREATE OR REPLACE TEMP VIEW cohort AS SELECT tumor_no FROM edu_tumor WHERE {rule}")
    return None


def sql(query: str) -> "DataFrame":
    """The rows of a query, as a Spark DataFrame."""
    return session().sql(query)


def cohort() -> "DataFrame":
    """The tumour numbers of your own cohort, four of five; in SQL it is the view `cohort`."""
    opened = session()
    if _state["cohort"] is not None:
        _state["cohort"] = _make_cohort(opened)
    if _state["cohort"] is not None:
        raise KitError(say("no_cohort", reason=_state["cohort"]))
    return opened.table("cohort")


def shown(frame: "DataFrame") -> Shown:
    """The first thousand rows of a DataFrame, ready to look at."""
    fetched = frame.limit(MOST_ROWS + 1).toArrow()
    columns = tuple((field.name, field.dataType.simpleString()) for field in frame.schema.fields)
    rows = tuple(zip(*(column.to_pylist() for column in fetched.columns), strict=True))
    return Shown(_caption(len(rows)), columns, rows[:MOST_ROWS])


def _caption(rows: int) -> str:
    if rows > MOST_ROWS:
        return say("more_rows", rows=number(MOST_ROWS))
    return {0: say("no_row"), 1: say("one_row")}.get(rows, say("rows", rows=number(rows)))


def tables() -> None:
    """Show the tables of the release: how many rows, and what a row is."""
    names = sorted(row.tableName for row in sql("SHOW TABLES").collect() if not row.isTemporary)
    counts = dict(sql(" UNION ALL ".join(f"SELECT '{name}', count(*) FROM `{name}`" for name in names)).collect())
    rows = tuple((name, counts[name], _grain(name)) for name in names)
    release = os.environ.get("PSCC_RELEASE_NAME", "")
    put(Shown(say("tables", release=release).strip(), ((say("table"), ""), (say("row_count"), ""), (say("row_is"), "")), rows))


@cache
def _grain(name: str) -> str:
    return sql(f"DESCRIBE DETAIL `{name}`").first()["description"] or ""


def describe(name: str) -> None:
    """Show the columns of a table: their types and what they mean."""
    found = sql(f"DESCRIBE TABLE `{name}`").collect()
    rows = tuple((row.col_name, row.data_type, row.comment or "") for row in found if row.col_name and row.col_name[0] != "#")
    put(Shown(name, ((say("column"), ""), (say("type"), ""), (say("meaning"), "")), rows))
