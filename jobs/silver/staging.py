"""The changes of one table as they lie in staging: written once, counted and validated there, then published."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from pyspark.sql import DataFrame

from jobs.silver.difference import compared, keys_only
from quality.contract import Table


@dataclass(frozen=True)
class Staged:
    """A folder of Parquet files with an `_action` a row, and how many rows of which kind came from which delivery."""

    table: Table
    folder: str
    counts: Counter[tuple[str, str]]
    actions: frozenset[str]

    @property
    def inserted(self) -> int:
        """How many rows are new, or a new version."""
        return sum(count for (kind, _), count in self.counts.items() if kind in ("new", "changed"))

    @property
    def is_change(self) -> bool:
        return bool(self.actions)

    def parts(self) -> Iterator[pl.DataFrame]:
        """What is staged, file by file."""
        for file in sorted(Path(self.folder).glob("*.parquet")):
            yield pl.read_parquet(file)


class Staging:
    """Writes the changes of one table below `folder` and counts them."""

    def __init__(self, table: Table, folder: str, at: datetime) -> None:
        self.table, self.folder, self.at = table, Path(folder), at
        self.folder.mkdir(parents=True, exist_ok=True)
        self.counts: Counter[tuple[str, str]] = Counter()
        self.actions: set[str] = set()
        self._files = 0

    def stage(self, computed: Iterable[pl.DataFrame], existing: pl.DataFrame, forgotten: pl.DataFrame | None = None) -> Staged:
        """Stage what `computed`, part by part, changes in the `existing` keys that it stands for; and the purge of `forgotten` keys."""
        gone = existing.select(self.table.key)
        for part in computed:
            rows = compared(part, existing, self.table)
            # The rows of a person lie together, so that what happens to the person touches few files.
            rows = rows.sort("person_id") if "person_id" in rows.columns else rows
            self._count(rows)
            fresh = rows.filter(pl.col("_kind") != "unchanged").with_columns(_action=pl.lit("insert"))
            self._write(fresh)
            self._write(keys_only(fresh.filter(pl.col("_kind") == "changed"), self.table, "changed", "close", self.at))
            gone = gone.join(rows, on=list(self.table.key), how="anti")
        ended = [(gone, "deleted", "delete"), *([(forgotten, "purged", "purge")] if forgotten is not None else [])]
        for keys, kind, action in ended:
            rows = keys_only(keys, self.table, kind, action, self.at)
            self._count(rows)
            self._write(rows)
        return Staged(self.table, str(self.folder), self.counts, frozenset(self.actions))

    def _count(self, rows: pl.DataFrame) -> None:
        delivery = pl.col("delivery_id").fill_null("") if "delivery_id" in self.table.names else pl.lit("").alias("delivery_id")
        found = rows.group_by("_kind", delivery).len()
        self.counts.update({(kind, delivery_id): count for kind, delivery_id, count in found.iter_rows()})

    def _write(self, rows: pl.DataFrame) -> None:
        if rows.is_empty():
            return
        self.actions.update(rows["_action"].unique())
        rows.write_parquet(self.folder / f"part-{self._files:05}.parquet")
        self._files += 1


def parts(rows: DataFrame, folder: str, *, many: bool) -> Iterator[pl.DataFrame]:
    """The rows of a Spark frame; `many` go by way of files below `folder` and come one file after the other."""
    if not many:
        whole = pl.from_arrow(rows.toArrow())
        assert isinstance(whole, pl.DataFrame)
        yield whole
        return
    rows.write.mode("overwrite").parquet(folder)
    for file in sorted(Path(folder).glob("*.parquet")):
        yield pl.read_parquet(file)
        file.unlink()
