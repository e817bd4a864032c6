"""The tumours of a chunk: where, what, how far, and what the pathologist says of them."""

import numpy as np
import polars as pl

from jobs.simulate.calendar import LAST_CUT_OFF, day_number
from jobs.simulate.draw import chance, pick, unless, where
from jobs.simulate.facts import sites, strata
from jobs.simulate.people import Persons, Records

# Stands for a date that is not there (yet); births lie before 1970, so any small number could be a day.
NO_DAY = -99_999
STAGES = ("I", "II", "III", "IV", "")
SUBSTAGES = {"I": ("I", "IA", "IB"), "II": ("IIA", "IIB"), "III": ("IIIA", "IIIB", "IIIC"), "IV": ("IV", "IVA")}
TNM = {
    "I": ("T1", "N0", "M0"),
    "II": ("T2", "N1", "M0"),
    "III": ("T3", "N2", "M0"),
    "IV": ("T4", "N2", "M1"),
    "": (None, None, None),
}


def table(**columns: np.ndarray) -> pl.DataFrame:
    """A table of arrays of equal length; text comes as object arrays, None where there is no value."""
    return pl.DataFrame(
        {name: _text(values) if values.dtype == object else values for name, values in columns.items()}, strict=False
    )


def _text(values: np.ndarray) -> pl.Series | list:
    """An object array as polars takes it: where nobody in a small world has a value it is still one of text."""
    return values.tolist() if any(value is not None for value in values) else pl.Series([None] * len(values), dtype=pl.String)


def tumours(persons: Persons, own: Records, rng: np.random.Generator) -> pl.DataFrame:
    """One tumour a record, and a second primary for a few who are in one hospital only (and not at AP-HP, whose sites infer)."""
    table_, places = strata(), sites()
    end = np.minimum(persons.death[own.person], day_number(LAST_CUT_OFF)) - 70
    room = end - persons.diagnosis[own.person] - 200
    again = np.flatnonzero((own.pair < 0) & (own.center < 2) & (own.hears > end) & (room > 0) & chance(rng, 0.03, len(own)))
    record = np.concatenate([np.arange(len(own)), again])
    person = own.person[record]
    diagnosis = persons.diagnosis[person].copy()
    diagnosis[len(own) :] += 200 + (rng.random(len(again)) * room[again]).astype(np.int64)
    stratum = persons.stratum[person].copy()
    # The second primary is one of a site with the same sex; its stage does not change the survival already drawn.
    stratum[len(own) :] = rng.permutation(stratum[again])
    site = np.array([each.site for each in table_])[stratum]
    odd = np.array([[places[s].men == 0, places[s].women == 0] for s in site]).reshape(-1, 2)
    wrong = np.where(persons.woman[person], odd[:, 1], odd[:, 0])
    stratum = np.where(wrong, persons.stratum[person], stratum)
    site = np.array([each.site for each in table_])[stratum]
    count = len(record)
    stage = np.array([STAGES.index(each.stage) for each in table_])[stratum]
    topography, morphology = _codes(site, rng)
    group = _groups(stage, rng)
    tnm = np.array([TNM[STAGES[s]] for s in stage], dtype=object).reshape(-1, 3)
    bare = chance(rng, 0.12, count)
    known = np.where(np.arange(count) < len(own), own.known[record], diagnosis + rng.integers(36, 61, size=count))
    return table(
        record=record,
        rank=np.where(np.arange(count) < len(own), 1, 2),
        site=site,
        stage_group=stage,
        diagnosis=diagnosis,
        basis=pick(rng, ("HISTO", "CYTO", "IMAGERIE", "CLINIQUE"), (0.92, 0.04, 0.03, 0.01), count),
        icd10=np.array([each.icd10 for each in places], dtype=object)[site],
        topography=topography,
        morphology=morphology,
        side=np.where(
            np.array([each.paired for each in places])[site],
            pick(rng, ("right", "left", "bilateral"), (0.49, 0.49, 0.02), count),
            where(chance(rng, 0.3, count), "none"),
        ),
        classification=pick(rng, ("p", "c", "y"), (0.7, 0.25, 0.05), count),
        edition=np.where(diagnosis < 17_532, "7", "8").astype(object),
        t=unless(bare, tnm[:, 0]),
        n=unless(bare, tnm[:, 1]),
        m=unless(bare, tnm[:, 2]),
        stage=unless(chance(rng, 0.06, count), group),
        grade_system=np.array([each.grade_system or None for each in places], dtype=object)[site],
        grade=_grade(site, rng),
        performance=unless(chance(rng, 0.3, count), pick(rng, (0, 1, 2, 3, 4), (0.4, 0.38, 0.15, 0.06, 0.01), count)),  # type: ignore[arg-type]
        metastatic=stage == 3,
        here=(own.start[record] <= diagnosis),
        known=known,
    )


def _codes(site: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    topography = np.full(len(site), None, dtype=object)
    morphology = topography.copy()
    for place, each in enumerate(sites()):
        here = np.flatnonzero(site == place)
        topography[here] = pick(rng, each.topographies, np.ones(len(each.topographies)), len(here))
        morphology[here] = pick(rng, each.morphologies, each.morphology_weights, len(here))
    return topography, morphology


def _grade(site: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    system = np.array([each.grade_system for each in sites()], dtype=object)[site]
    grade = where(system == "GLEASON", pick(rng, ("6", "7", "8", "9", "10"), (0.1, 0.5, 0.14, 0.24, 0.02), len(site)))
    plain = (system != "GLEASON") & (system != "")
    grade = np.where(plain, pick(rng, ("G1", "G2", "G3", "GX"), (0.18, 0.42, 0.36, 0.04), len(site)), grade)
    return unless(chance(rng, 0.1, len(site)), grade)


def _groups(stage: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The stage group as written, IIA for II; None where the site has no stage."""
    group = np.full(len(stage), None, dtype=object)
    for place, name in enumerate(STAGES):
        if name:
            mine = np.flatnonzero(stage == place)
            group[mine] = pick(rng, SUBSTAGES[name], np.ones(len(SUBSTAGES[name])), len(mine))
    return group
