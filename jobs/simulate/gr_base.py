"""What all feeds of Gustave Roussy share: ids and spellings."""

import polars as pl

from jobs.simulate import rows
from jobs.simulate.draw import opaque
from jobs.simulate.rows import CHUNK_NUMBERS, either, written


def day(column: str) -> pl.Expr:
    return written(column, "%d/%m/%Y")


def yes(column: str) -> pl.Expr:
    return either(column, "O", "N")


def comma(column: str) -> pl.Expr:
    """A decimal number with a comma; whole numbers without one."""
    text = pl.col(column).fill_nan(None).cast(pl.String).str.replace(r"\.0$", "").str.replace(".", ",", literal=True)
    return text.alias(column)


class Feeds(rows.Feeds):
    """Ids are opaque: a letter and twelve hexadecimal digits."""

    center = "gr"

    def id(self, frame: pl.DataFrame, letter: str, column: str = "_entity") -> pl.Series:
        """The id of the entity in a column; null where it is -1."""
        numbers = frame[column].to_numpy() + 1 + self.world.chunk * CHUNK_NUMBERS
        text = letter + opaque(numbers, ord(letter))
        return pl.select(pl.when(pl.Series(frame[column].to_numpy() >= 0)).then(text)).to_series().alias(column)
