"""Rules of the contracts that a row may break and stay: each leaves its flag in `dq_flags`."""

import re

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from quality.contract import Table

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
