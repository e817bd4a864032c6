"""The changes of one table as they lie in staging: written once, counted and validated there, then published."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pyspark.sql import DataFrame

from quality.contract import Table


@dataclass(frozen=True)
class Staged:
    """A folder of Parquet files with an `_action` a row, and how many rows of which kind came from which delivery."""

    table: Table
    folder: str
    counts: Counter[tuple[str, str]]
    actions: frozenset[str]

    @property
    def is_change(self) -> bool:
        return bool(self.actions - {"keep"})


def stage(rows: DataFrame, table: Table, folder: str) -> Staged:
    """Write the changes of a table below `folder` and count them."""
    rows.write.mode("overwrite").parquet(folder)
    delivery = pl.col("delivery_id").fill_null("") if "delivery_id" in table.names else pl.lit("").alias("delivery_id")
    staged = pl.scan_parquet(sorted(Path(folder).glob("*.parquet"))).select("_kind", "_action", delivery)
    found = staged.group_by("_kind", "_action", "delivery_id").len().collect()
    # A changed row is staged twice; it counts once, by its new version.
    counts = Counter({(kind, delivery_id): count for kind, action, delivery_id, count in found.iter_rows() if action != "close"})
    return Staged(table, folder, counts, frozenset(found["_action"]))
