"""What all feeds of Institut Curie share: its declaration, references and dates."""

import numpy as np
import polars as pl

from jobs.hospitals import hospitals
from jobs.simulate.draw import opaque
from jobs.simulate.rows import CHUNK_NUMBERS, NO_DAY, World

HOSPITAL = hospitals()["curie"]
# Treatments, analyses and events of one file have numbers of their own ranges.
RANGE = CHUNK_NUMBERS // 4


def day(column: str) -> pl.Expr:
    return (
        pl.when(pl.col(column) > NO_DAY).then(pl.col(column)).cast(pl.Int32).cast(pl.Date).dt.strftime("%Y-%m-%d").alias(column)
    )


def middle(column: str) -> pl.Expr:
    """The fifteenth of the month: all that Curie tells of births, deaths and last news."""
    return pl.col(column).cast(pl.Int32).cast(pl.Date).dt.truncate("1mo").dt.offset_by("14d")


class Feeds:
    """A chunk of the world. Instance ids are numbers that stay with their row from snapshot to snapshot."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng

    def seen(self, table: pl.DataFrame) -> pl.DataFrame:
        return self.world.seen(table, "curie")

    def ref(self, column: str, offset: int = 0) -> pl.Expr:
        return pl.when(pl.col(column) >= 0).then(self.world.number(column, offset + 1)).cast(pl.String)

    def accession(self, frame: pl.DataFrame, column: str = "_entity") -> pl.Series:
        text = "CUR-S" + opaque(frame[column].to_numpy() + 1 + self.world.chunk * CHUNK_NUMBERS, 77).str.to_uppercase()
        return pl.select(pl.when(pl.Series(frame[column].to_numpy() >= 0)).then(text)).to_series()
