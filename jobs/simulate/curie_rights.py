"""The list of oppositions of Institut Curie."""

import numpy as np
import polars as pl

from jobs.simulate.rows import World


def rights(world: World, windows: list[int], rng: np.random.Generator) -> pl.DataFrame:
    """Who was informed, objects, and took it back, with the round from which the list says so; `windows` are the days rounds end."""
    own = world.records
    mine = np.flatnonzero((own.center == 1) & ((own.opposed < world.rounds) | (own.informed < world.rounds)))
    stated = own.opposed[mine] < world.rounds
    since = np.where(stated, own.opposed[mine], own.informed[mine])
    spoken = np.array([*windows, windows[-1]])[np.minimum(since, world.rounds)] - rng.integers(1, 60, size=len(mine))
    frame = pl.DataFrame(
        {
            "_record": mine,
            "_round": since,
            "_lifted": own.lifted[mine],
            "patientid": pl.Series(own.pseudonym)[mine],
            "asked": (spoken - 20).astype(np.int32),
            "spoken": spoken.astype(np.int32),
            "scope": [scope or None for scope in own.scope[mine].tolist()],
            "_stated": stated,
        },
        strict=False,
    ).with_columns(pl.col("asked", "spoken").cast(pl.Date))
    parts = [("day", "day"), ("month", "month"), ("year", "year")]
    return frame.select(
        "_record",
        "_round",
        "_lifted",
        "_stated",
        "patientid",
        "scope",
        pl.lit("true").alias("patientinformed"),
        *[getattr(pl.col("asked").dt, part)().cast(pl.String).alias(f"informationdate{name}") for name, part in parts],
        *[
            pl.when("_stated").then(getattr(pl.col("spoken").dt, part)()).cast(pl.String).alias(f"oppositiondate{name}")
            for name, part in parts
        ],
    )


def rights_at(rights: pl.DataFrame, round_: int) -> pl.DataFrame:
    """The list as it stands in a delivery."""
    in_force = pl.col("_stated") & (pl.col("_lifted") > round_)
    return rights.filter(pl.col("_round") <= round_).with_columns(
        opposition=pl.when(in_force).then(pl.lit("true")).otherwise(pl.lit("false"))
    )
