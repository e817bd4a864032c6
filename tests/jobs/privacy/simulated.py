"""Simulated patients as a release maker hands them to the gate: what is true of each, and a release that is made of it."""

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from jobs.privacy.attacks.view import QUASI
from jobs.simulate.calendar import LAST_CUT_OFF, day_number
from jobs.simulate.clinic import clinic
from jobs.simulate.facts import sites, strata
from jobs.simulate.people import Luck, people, records

CHUNK = 2_000
REGIONS = {"Île-de-France": 6, "Hauts-de-France": 2, "Normandie": 1, "Grand Est": 1, "Provence": 1, "abroad": 1}
FACTS = ("morphology_group", "metastatic_at_dx", "n_lines", "event", "days")
FREQUENT = ("breast", "prostate", "lung", "colon", "head and neck")


@dataclass(frozen=True)
class World:
    """What a release maker has: the released tables, the truth of those in them, and that of patients it kept aside."""

    released: dict[str, pl.DataFrame]
    raw: pl.DataFrame
    control: pl.DataFrame


@cache
def patients(number: int) -> pl.DataFrame:
    """The truth about so many patients, a row each."""
    luck, made = Luck(len(strata()), np.random.default_rng(98)), []
    for chunk in range(-(-number // CHUNK)):
        rng = np.random.default_rng([11, chunk])
        persons = people(CHUNK, rng, luck)
        own = records(persons, 6, rng)
        made.append(_seen(clinic(persons, own, rng), persons.birth, persons.woman, persons.death, own.person, rng))
    return pl.concat(made).head(number)


def _seen(made, birth, woman, death, person, rng) -> pl.DataFrame:  # type: ignore[no-untyped-def]
    lines = made.line.group_by("tumour").len("lines").with_columns(pl.col("tumour").cast(pl.Int64))
    tumours = (
        made.tumour.with_row_index("tumour").with_columns(pl.col("tumour").cast(pl.Int64)).filter(pl.col("rank") == 1)
    ).join(lines, on="tumour", how="left")
    who = person[tumours["record"].to_numpy()]
    tumours = tumours.with_columns(
        birth=pl.Series(birth[who]), death=pl.Series(death[who]), woman=pl.Series(woman[who]), who=pl.Series(who)
    )
    tumours = tumours.unique("who", keep="first", maintain_order=True)
    end, days = day_number(LAST_CUT_OFF), pl.col("death") - pl.col("diagnosis")
    event = pl.col("death") <= end
    followed = pl.min_horizontal("death", pl.lit(end)) - pl.col("diagnosis")
    outcome = (
        pl.when(event & (days < 365)).then(pl.lit("died within a year"))
        .when(event).then(pl.lit("died later"))
        .when(followed >= 730).then(pl.lit("alive after two years"))
        .otherwise(pl.lit("followed less"))
    )  # fmt: skip
    names = np.array([site.label for site in sites()], dtype=object)
    weights = np.array(list(REGIONS.values()), dtype=float)
    return tumours.select(
        age=((pl.col("diagnosis") - pl.col("birth")) / 365.25).floor().cast(pl.Int64),
        sex=pl.when(pl.col("woman")).then(pl.lit("F")).otherwise(pl.lit("M")),
        region=pl.Series(rng.choice(list(REGIONS), tumours.height, p=weights / weights.sum()), dtype=pl.String),
        dx_date=pl.col("diagnosis").cast(pl.Int32).cast(pl.Date),
        tumor_group=pl.Series(names[tumours["site"].to_numpy()].tolist(), dtype=pl.String),
        stage=pl.col("stage_group").replace_strict(dict(enumerate(["I", "II", "III", "IV", "unknown"]))),
        outcome=outcome,
        topography="topography",
        morphology_group=pl.col("morphology").str.slice(0, 3),
        grade="grade",
        metastatic_at_dx="metastatic",
        n_lines=pl.col("lines").fill_null(0).clip(0, 4).cast(pl.Int64),
        days=followed.cast(pl.Int64),
        event=event,
    )


def world(number: int, k: int = 11) -> World:
    """A release of nine in ten of so many patients; the others are its control."""
    everybody = patients(number)
    aside = pl.Series(np.random.default_rng(4).random(everybody.height) < 0.1)
    raw, control = everybody.filter(~aside), everybody.filter(aside)
    return World(tables(thinned(told(raw), k)), raw, control)


def told(exact: pl.DataFrame) -> pl.DataFrame:
    """How the release tells exact rows, before any fact is taken out. Not the grade: it is drawn here, and own rows would decide it."""
    return exact.select(
        "sex",
        age_band=pl.when(pl.col("age") < 70).then(pl.lit("0–69")).otherwise(pl.lit("70+")),
        region=pl.lit("*"),
        dx_period=pl.lit("*"),
        tumor_group=pl.when(pl.col("tumor_group").is_in(FREQUENT)).then("tumor_group").otherwise(pl.lit("other")),
        stage=pl.col("stage").replace({"I": "I–II", "II": "I–II", "III": "III–IV", "IV": "III–IV"}),
        outcome="outcome",
        morphology_group="morphology_group",
        metastatic_at_dx="metastatic_at_dx",
        n_lines="n_lines",
        days=pl.when(pl.col("days") < 360).then(180).when(pl.col("days") < 1080).then(720).otherwise(2365).cast(pl.Int64),
        event="event",
    )  # fmt: skip


def thinned(rows: pl.DataFrame, k: int) -> pl.DataFrame:
    """Rows in which any two things that are told of one patient are told of k."""
    columns, before = [*QUASI, "outcome", *FACTS], -1
    while before != (before := sum(rows.null_count().row(0))):
        for one, other in itertools.combinations(columns, 2):
            out = next(each for each in FACTS if each in (one, other)) if {one, other} & set(FACTS) else None
            if out:
                known = pl.col(one).is_not_null() & pl.col(other).is_not_null()
                rows = rows.with_columns(pl.when(~known | (pl.len().over(one, other) >= k)).then(out).alias(out))
    return rows


def tables(view: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The tables of a release that tell what a view tells, in random order."""
    mixed = view.sample(fraction=1.0, shuffle=True, seed=9).with_row_index("patient_no", offset=1)
    mixed = mixed.with_columns(tumor_no=pl.col("patient_no"), endpoint=pl.lit("OS"))
    rest = [name for name in view.columns if name not in (*QUASI, "outcome", "days", "event")]
    return {
        "edu_patient": mixed.select("patient_no", *QUASI, "outcome"),
        "edu_tumor": mixed.select("tumor_no", "patient_no", "tumor_group", "stage", *rest),
        "edu_survival": mixed.select("tumor_no", "patient_no", "endpoint", "days", "event"),
    }
