"""Queries of a person: every table of the lake by its name, to read and never to change."""

from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.errors import WrongUse
from jobs.lake import ZONES, Lake

LOGICAL = "org.apache.spark.sql.catalyst.plans.logical"
# Commands that only tell.
TELLING = ("Show", "Describe", "Explain")


def rows(spark: SparkSession, lake: Lake, query: str) -> pa.Table:
    """The rows of a query; tables are known as `zone.table`. WrongUse for a statement that would change something."""
    if not reads_only(spark, query):
        raise WrongUse(
            "Expected a query (SELECT, SHOW, DESCRIBE, EXPLAIN), found a statement that changes something: nothing was done."
        )
    for zone in ZONES:
        spark.sql(f"create database if not exists {zone}")
        # Making a table known costs more than reading a small one: only what the query can mean.
        for table in (each for each in lake.tables(zone) if each in query.lower() or "show" in query.lower()):
            path = Path(lake.path(zone, table)).resolve()
            spark.sql(f"drop table if exists {zone}.`{table}`")
            spark.sql(f"create table {zone}.`{table}` using delta location '{path}'")
    return spark.sql(query).toArrow()


def reads_only(spark: SparkSession, query: str) -> bool:
    """True for a statement that only reads, by what Spark's own parser makes of it. An engine elsewhere has rights of its own."""
    session: Any = getattr(spark, "_jsparkSession", None)
    if session is None:
        return True
    plan = session.sessionState().sqlParser().parsePlan(query)
    while plan.getClass().getSimpleName() == "UnresolvedWith":
        plan = plan.child()
    name = plan.getClass().getSimpleName()
    find = spark._jvm.java.lang.Class.forName  # type: ignore[union-attr]
    changes = any(find(f"{LOGICAL}.{kind}").isInstance(plan) for kind in ("Command", "ParsedStatement"))
    return name.startswith(TELLING) or not (changes or name.startswith("Insert"))
