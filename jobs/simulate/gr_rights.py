"""The list of oppositions of Gustave Roussy."""

import numpy as np
import polars as pl

from jobs.simulate.draw import chance, pick
from jobs.simulate.gr_base import day
from jobs.simulate.rows import World


def rights(world: World, windows: list[int], rng: np.random.Generator) -> pl.DataFrame:
    """Who was informed, objects, and took it back, with the round from which the list says so; `windows` are the days rounds end."""
    own = world.records
    mine = np.flatnonzero((own.center == 0) & ((own.opposed < world.rounds) | (own.informed < world.rounds)))
    stated = own.opposed[mine] < world.rounds
    since = np.where(stated, own.opposed[mine], own.informed[mine])
    ends = np.array([*windows, *windows[-1:]])
    spoken = ends[np.minimum(since, world.rounds)] - rng.integers(1, 60, size=len(mine))
    lifted = ends[np.minimum(own.lifted[mine], world.rounds)] - rng.integers(0, 40, size=len(mine))
    frame = pl.DataFrame(
        {
            "_record": mine,
            "_round": since,
            "_lifted": own.lifted[mine],
            "ID_PATIENT": pl.Series(own.pseudonym)[mine],
            "scope": own.scope[mine].tolist(),
            "asked": spoken - 20,
            "spoken": spoken,
            "lifted": lifted,
            "CANAL": pick(rng, ("COURRIER", "PORTAIL", "CONSULTATION"), (0.3, 0.4, 0.3), len(mine)).tolist(),
            "stated": stated,
            "told": chance(rng, 0.95, len(mine)),
        },
        strict=False,
    )
    scopes = {"all": "TOUT", "genetics": "GENETIQUE", "samples": "ECHANTILLONS", "industry": "INDUSTRIEL"}
    return frame.select(
        "_record",
        "_round",
        "_lifted",
        "ID_PATIENT",
        INFORME=pl.when("told").then(pl.lit("O")).otherwise(pl.lit("N")),
        DATE_INFORMATION=day("asked"),
        PORTEE=pl.when("stated").then(pl.col("scope").replace(scopes)),
        DATE_OPPOSITION=pl.when("stated").then(day("spoken")),
        _lift_date=day("lifted"),
        CANAL=pl.col("CANAL"),
        _stated=pl.col("stated"),
    )


def rights_at(rights: pl.DataFrame, round_: int) -> pl.DataFrame:
    """The list as it stands in a delivery."""
    lifted = pl.col("_lifted") <= round_
    return rights.filter(pl.col("_round") <= round_).with_columns(
        OPPOSITION=pl.when(pl.col("_stated") & ~lifted).then(pl.lit("O")).otherwise(pl.lit("N")),
        DATE_LEVEE=pl.when(lifted & pl.col("_stated")).then("_lift_date"),
    )
