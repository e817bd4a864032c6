"""What a pass changes in a silver table: new rows, changed rows, deleted rows, rows of people who must be forgotten."""

import re

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.silver.tables import shaped, spark_type
from quality.contract import Table

ENGINE_COLUMNS = ("row_hash", "ingested_at", "valid_to", "is_current", "is_deleted", "load_id")
# Rules may look at the person or the tumour of a row: `person.death_date`.
NEIGHBOURS = {"person": "person_id", "primary_cancer": "tumor_id"}


def flagged(rows: DataFrame, table: Table, neighbours: dict[str, DataFrame]) -> DataFrame:
    """`rows` with the flag of every rule that a row breaks added to `dq_flags`."""
    rules = [rule for rule in table.rules if rule.flag and rule.breach]
    if not rules:
        return rows
    for name in NEIGHBOURS:
        rows = _beside(rows, name, neighbours, " ".join(str(rule.breach) for rule in rules))
    broken = [F.when(F.expr(str(rule.breach)), F.lit(rule.flag)) for rule in rules]
    found = F.filter(F.array(*broken), lambda flag: flag.isNotNull())
    return rows.withColumn("dq_flags", F.concat(F.coalesce("dq_flags", F.array().cast("array<string>")), found)).drop(*NEIGHBOURS)


def _beside(rows: DataFrame, name: str, neighbours: dict[str, DataFrame], rules: str) -> DataFrame:
    """`rows` with the columns of its person or tumour that the rules name, as one struct of that name."""
    asked = sorted(set(re.findall(rf"\b{name}\.(\w+)", rules)))
    if not asked:
        return rows
    key = NEIGHBOURS[name]
    beside = neighbours[name].select(F.col(key).alias(f"_{name}"), F.struct(*asked).alias(name))
    return rows.join(beside, on=F.col(key) == F.col(f"_{name}"), how="left").drop(f"_{name}")


def completed(rows: DataFrame, table: Table, number: int, at: str) -> DataFrame:
    """What transforms leave to the engine: hash, times and state of a version that pass `number` publishes at `at` (UTC)."""
    made: dict[str, Column] = {
        "dq_flags": F.sort_array(F.array_distinct(F.coalesce("dq_flags", F.array().cast("array<string>"))))
        if "dq_flags" in rows.columns
        else F.array(),
        "ingested_at": F.lit(at).cast("timestamp"),
        "valid_to": F.lit(None).cast("timestamp"),
        "is_current": F.lit(True),
        "is_deleted": F.lit(False),
        "load_id": F.lit(number).cast("long"),
        "row_hash": F.lit(""),
    }
    filled = rows.withColumns({name: value for name, value in made.items() if name in table.names})
    whole = shaped(filled, table)
    return whole.withColumn("row_hash", _content_hash(table)) if "row_hash" in table.names else whole


def _content_hash(table: Table) -> Column:
    """Two rows with one hash are the same version, wherever and whenever they were made."""
    return F.sha2(F.to_json(F.struct(*(name for name in table.names if name not in ENGINE_COLUMNS))), 256)


def changes(computed: DataFrame, existing: DataFrame | None, table: Table) -> DataFrame:
    """The rows to stage, with `_kind` (new, changed, unchanged, deleted) and `_action` (insert, close, delete; keep for unchanged rows).

    `existing` holds the current rows that `computed` stands for; None where the table is empty. A changed row is staged
    twice: its new version, and its key, by which the old version is closed.
    """
    if existing is None:
        return computed.withColumn("_kind", F.lit("new")).withColumn("_action", F.lit("insert"))
    has_hash = "row_hash" in table.names
    now = computed.withColumn("_now", F.col("row_hash") if has_hash else _content_hash(table))
    was = existing.select(
        *(F.col(key).alias(f"_was_{key}") for key in table.key),
        (F.col("row_hash") if has_hash else _content_hash(table)).alias("_was"),
    )
    on = [F.col(key) == F.col(f"_was_{key}") for key in table.key]
    joined = now.join(was, on=on, how="full_outer").withColumns({key: F.coalesce(key, f"_was_{key}") for key in table.key})
    kinds = (
        "case when _was is null then 'new' when _now is null then 'deleted' when _was = _now then 'unchanged' else 'changed' end"
    )
    actions = """case _kind when 'new' then array('insert') when 'deleted' then array('delete') when 'changed' then array('close', 'insert') else array('keep') end"""
    return (
        joined.withColumn("_kind", F.expr(kinds))
        .withColumn("_action", F.explode(F.expr(actions)))
        .select(*table.names, "_kind", "_action")
    )


def forgotten(held: DataFrame, opposed: DataFrame, table: Table) -> DataFrame:
    """Every version that the table holds of these people, to be purged."""
    keys = held.join(F.broadcast(opposed), on="person_id", how="left_semi").select(*table.key).distinct()
    empty = [F.col(name) if name in table.key else F.lit(None).cast(spark_type(table[name])).alias(name) for name in table.names]
    return keys.select(*empty).withColumn("_kind", F.lit("purged")).withColumn("_action", F.lit("purge"))
