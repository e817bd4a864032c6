"""What all feeds of AP-HP share: the system that rows come from, numbers and times."""

import polars as pl

from jobs.simulate import rows
from jobs.simulate.rows import CHUNK_NUMBERS, NO_DAY

# Rows of one table that come from different tables of the world have numbers of their own ranges.
RANGE = CHUNK_NUMBERS // 8


def moment(column: str, hour: int = 0) -> pl.Expr:
    """Civil time without zone on the day in a column; null where it is negative."""
    chosen = pl.when(pl.col(column) > NO_DAY).then(pl.col(column)).cast(pl.Int32).cast(pl.Date).cast(pl.Datetime("us"))
    return chosen.dt.offset_by(f"{hour}h").alias(column)


class Feeds(rows.Feeds):
    """`op` and `extract_ts` come when a row is sent."""

    center = "aphp"

    def seen(self, table: pl.DataFrame) -> pl.DataFrame:
        return super().seen(table).with_columns(cdm_source=pl.lit("ORBIS"))

    def mart(self, frame: pl.DataFrame) -> pl.Series:
        """True for patients of the sites that code tumours."""
        return pl.Series(self.world.records.mart)[frame["_record"]]
