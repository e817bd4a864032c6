"""What AP-HP sends besides patients: sites, concepts of the laboratory, and events of opposition."""

import numpy as np
import polars as pl

from jobs.simulate.molecular import LABS
from jobs.simulate.rows import World


def registers(day: int) -> dict[str, pl.DataFrame]:
    """What the first delivery carries besides patients: the sites and the concepts of the laboratory."""
    stamp = pl.lit(day * 86_400_000_000, pl.Int64).cast(pl.Datetime("us", "UTC")).alias("extract_ts")
    names = (
        (7500, "AP-HP", "Pôle/DMU", 0),
        (7501, "Hôpital A", "Hôpital", 1),
        (7502, "Hôpital B", "Hôpital", 1),
        (7503, "Hôpital C", "Hôpital", 0),
        (7504, "Hôpital D", "Hôpital", 0),
    )
    site = pl.DataFrame(
        names, schema=["care_site_id", "care_site_name", "care_site_type_source_value", "oncology_mart"], orient="row"
    )
    local = [(2000001 + n, code, values[0], "ANALYSES_LABORATOIRE") for n, (code, values) in enumerate(LABS.items())]
    loinc = [(2000101 + n, values[1], values[0], "ITM_LOINC") for n, values in enumerate(LABS.values())]
    concept = pl.DataFrame(local + loinc, schema=["concept_id", "concept_code", "concept_name", "vocabulary_id"], orient="row")
    link = pl.DataFrame(
        [(2000001 + n, 2000101 + n, "Maps to") for n in range(len(LABS))],
        schema=["concept_id_1", "concept_id_2", "relationship_id"],
        orient="row",
    )
    parent = pl.when(pl.col("care_site_id") > 7500).then(7500).cast(pl.Int64).alias("parent_care_site_id")
    every = {"care_site": site.with_columns(parent), "concept": concept, "concept_link": link}
    return {domain: frame.with_columns(pl.lit("I").alias("op"), stamp) for domain, frame in every.items()}


def rights(world: World, windows: list[int], first_event: int, rng: np.random.Generator) -> pl.DataFrame:
    """Events of opposition, lift and information, each with the round that carries it; `windows` are the days rounds end."""
    own = world.records
    mine = np.flatnonzero(own.center == 2)
    parts = []
    for event, round_ in (("oppose", own.opposed), ("lift", own.lifted), ("inform", own.informed)):
        here = mine[round_[mine] < world.rounds]
        day = np.array(windows)[round_[here]] - rng.integers(1, 60, size=len(here))
        parts.append(
            pl.DataFrame(
                {
                    "_round": round_[here],
                    "person_id": own.pseudonym[here],
                    "event": [event] * len(here),
                    "scope": own.scope[here].tolist() if event != "inform" else [None] * len(here),
                    "day": day,
                },
                schema={"_round": pl.Int64, "person_id": pl.String, "event": pl.String, "scope": pl.String, "day": pl.Int64},
            )
        )
    every = pl.concat(parts)
    spoken = pl.col("day") * 86_400_000_000
    return every.with_columns(
        event_id=pl.int_range(first_event, first_event + len(every), dtype=pl.Int64),
        event_ts=(spoken + 36_000_000_000).cast(pl.Datetime("us", "UTC")),
        channel=pl.Series(rng.choice(["courrier", "portail", "consultation"], size=len(every)).tolist(), dtype=pl.String),
        op=pl.lit("I"),
        extract_ts=(spoken + 72_000_000_000).cast(pl.Datetime("us", "UTC")),
    )
