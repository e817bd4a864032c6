"""What all feeds of Gustave Roussy share: its declaration, ids and spellings."""

import numpy as np
import polars as pl

from jobs.hospitals import hospitals
from jobs.simulate.draw import opaque
from jobs.simulate.rows import NO_DAY, World

HOSPITAL = hospitals()["gr"]


def day(column: str) -> pl.Expr:
    return (
        pl.when(pl.col(column) > NO_DAY).then(pl.col(column)).cast(pl.Int32).cast(pl.Date).dt.strftime("%d/%m/%Y").alias(column)
    )


def yes(column: str) -> pl.Expr:
    return pl.when(pl.col(column)).then(pl.lit("O")).otherwise(pl.lit("N"))


def comma(column: str) -> pl.Expr:
    """A decimal number with a comma; whole numbers without one."""
    text = pl.col(column).fill_nan(None).cast(pl.String).str.replace(r"\.0$", "").str.replace(".", ",", literal=True)
    return text.alias(column)


class Feeds:
    """A chunk of the world and the ids it gets. Ids are opaque: a letter and twelve hexadecimal digits."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng

    def id(self, frame: pl.DataFrame, letter: str, column: str = "_entity") -> pl.Series:
        """The id of the entity in a column; null where it is -1."""
        numbers = frame[column].to_numpy() + 1 + self.world.chunk * 1_000_000
        text = letter + opaque(numbers, ord(letter))
        return pl.select(pl.when(pl.Series(frame[column].to_numpy() >= 0)).then(text)).to_series().alias(column)

    def seen(self, table: pl.DataFrame) -> pl.DataFrame:
        return self.world.seen(table, "gr")
