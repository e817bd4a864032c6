"""No fact is told that a patient's own row decides: in the tables of a release, class by class."""

import numpy as np
import polars as pl
import pytest

from jobs.privacy.own_row import guessed, numbers
from jobs.teaching import _guessed, _told
from jobs.teaching._days import LAST
from jobs.teaching._quasi import MOST, QUASI
from jobs.teaching._told import Tables
from quality.contracts import contracts
from quality.contracts.teaching.edu_patient import OUTCOMES
from tests.jobs.teaching.test_release import rows_of

MANY, K = 900, 5


@pytest.fixture(scope="module")
def raw() -> Tables:
    """Patients in fifteen classes, whose grades and panels nothing explains."""
    draw = np.random.default_rng(12)
    ids = [f"{at:032x}" for at in range(MANY)]
    tumours = {
        "morphology_group": draw.choice(["adenocarcinoma", "squamous"], MANY),
        "grade": draw.choice(["G1", "G2", "G3"], MANY),
        "metastatic_at_dx": draw.random(MANY) < 0.02,
        "n_lines": draw.integers(0, 3, MANY),
        "panel": draw.choice(["A", "B"], MANY),
    }
    filled = {
        "edu_tumor": [
            {"patient_id": patient} | {name: each[at].item() for name, each in tumours.items()} for at, patient in enumerate(ids)
        ],
        "edu_survival": [
            {
                "patient_id": patient,
                "endpoint": "OS",
                "entry_days": None,
                "censor_reason": None,
                "days": int(draw.integers(1, 2_500)),
                "event": bool(draw.random() < 0.6),
            }
            for patient in ids
        ],
        "edu_panel_gene": [{"panel": panel, "gene": f"GENE{at}"} for panel in "AB" for at in range(30 if panel == "A" else 40)],
    }
    return {
        name: rows_of("teaching", name, filled.get(name, [])).with_columns(pl.lit(None, pl.String).alias("patient_id"))
        if name not in ("edu_tumor", "edu_survival", "edu_panel_gene")
        else pl.DataFrame(filled[name], schema_overrides={"entry_days": pl.Int32, "censor_reason": pl.String})
        for name in contracts("teaching")
    }


@pytest.fixture(scope="module")
def quasi(raw: Tables) -> pl.DataFrame:
    draw = np.random.default_rng(13)
    told = {name: pl.lit("*") for name in QUASI} | {"stage": draw.choice(list("abcdefghijklmno"), MANY)}
    return raw["edu_tumor"].select("patient_id").with_columns(**told, outcome=pl.Series(draw.choice(OUTCOMES, MANY)))


def risks(made: Tables, quasi: pl.DataFrame) -> dict[str, float]:
    """By secret what own rows give away in the tables of a release."""
    classes = numbers(quasi["stage"])
    found = {}
    for name, (table, column) in _guessed.SECRETS.items():
        rows = quasi.select("patient_id", own=classes).join(made[table], on="patient_id").drop_nulls(column)
        found[name] = guessed(numbers(rows[column]), rows["own"].to_numpy(), 15).risk()
    return found


def test_own_rows_give_no_secret_away(raw: Tables, quasi: pl.DataFrame) -> None:
    before, after = (risks(each(raw, quasi, K), quasi) for each in (_told.told, _guessed.told))
    assert min(before[each] for each in ("grade", "panel", "survival")) > MOST
    assert max(after.values()) <= MOST


def test_of_the_panel_the_genes_that_all_cover_are_told_before_nothing_is(raw: Tables, quasi: pl.DataFrame) -> None:
    made = _guessed.told(raw, quasi, K)
    assert made["edu_tumor"]["panel"].null_count() < MANY / 2
    assert _told.COMMON in set(made["edu_tumor"]["panel"])


def test_nobody_loses_the_end_of_the_follow_up_and_of_all_it_is_told_in_which_years(raw: Tables, quasi: pl.DataFrame) -> None:
    plain, days = (each(raw, quasi, K)["edu_survival"]["days"] for each in (_told.told, _guessed.told))
    assert len(days) == MANY
    assert (days == LAST // 2).sum() <= (plain == LAST // 2).sum() < MANY / 20
