"""What all feeds of Institut Curie share: references and dates."""

import polars as pl

from jobs.simulate import rows
from jobs.simulate.draw import opaque
from jobs.simulate.rows import CHUNK_NUMBERS, date_of, written

# Treatments, analyses and events of one file have numbers of their own ranges.
RANGE = CHUNK_NUMBERS // 4


def day(column: str) -> pl.Expr:
    return written(column, "%Y-%m-%d")


def middle(column: str) -> pl.Expr:
    """The fifteenth of the month: all that Curie tells of births, deaths and last news."""
    return date_of(column).dt.truncate("1mo").dt.offset_by("14d")


class Feeds(rows.Feeds):
    """Instance ids are numbers that stay with their row from snapshot to snapshot."""

    center = "curie"

    def ref(self, column: str, offset: int = 0) -> pl.Expr:
        return pl.when(pl.col(column) >= 0).then(self.world.number(column, offset + 1)).cast(pl.String)

    def accession(self, frame: pl.DataFrame, column: str = "_entity") -> pl.Series:
        text = "CUR-S" + opaque(frame[column].to_numpy() + 1 + self.world.chunk * CHUNK_NUMBERS, 77).str.to_uppercase()
        return pl.select(pl.when(pl.Series(frame[column].to_numpy() >= 0)).then(text)).to_series()
