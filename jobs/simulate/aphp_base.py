"""What all feeds of AP-HP share: its declaration, numbers and times."""

import numpy as np
import polars as pl

from jobs.hospitals import hospitals
from jobs.simulate.rows import CHUNK_NUMBERS, NO_DAY, World

HOSPITAL = hospitals()["aphp"]
# Rows of one table that come from different tables of the world have numbers of their own ranges.
RANGE = CHUNK_NUMBERS // 8


def moment(column: str, hour: int = 0) -> pl.Expr:
    """Civil time without zone on the day in a column; null where it is negative."""
    chosen = pl.when(pl.col(column) > NO_DAY).then(pl.col(column)).cast(pl.Int32).cast(pl.Date).cast(pl.Datetime("us"))
    return chosen.dt.offset_by(f"{hour}h").alias(column)


class Feeds:
    """A chunk of the world. `op` and `extract_ts` come when a row is sent."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng

    def seen(self, table: pl.DataFrame) -> pl.DataFrame:
        return self.world.seen(table, "aphp").with_columns(cdm_source=pl.lit("ORBIS"))

    def mart(self, frame: pl.DataFrame) -> pl.Series:
        return pl.Series(self.world.records.mart)[frame["_record"]]
