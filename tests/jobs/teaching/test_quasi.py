"""How finely the patients of a release are told: k, l, and what a class can still be taught with."""

import numpy as np
import polars as pl
import pytest

from jobs.privacy.anonymise import Bounds
from jobs.teaching._quasi import MOST_LEFT_OUT, OTHER, QUASI, ages, quasi
from jobs.teaching._tables import declared
from quality.contracts.teaching.edu_patient import OUTCOMES


def people(many: int, seed: int = 7) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    groups = draw.choice(["breast", "lung", "colorectal", "testis"], many, p=[0.4, 0.35, 0.22, 0.03])
    return pl.DataFrame(
        {
            "patient_id": [f"{at:032x}" for at in range(many)],
            "sex": draw.choice(["M", "F"], many),
            "age": draw.integers(25, 95, many),
            "residence_dept": draw.choice(["75", "92", "59", "2A", None], many).tolist(),
            "dx_year": draw.integers(2015, 2025, many),
            "tumor_group": groups,
            "stage": draw.choice(["I", "II", "III", "IV", "unknown"], many),
            "outcome": draw.choice(OUTCOMES, many, p=[0.5, 0.25, 0.15, 0.1]),
        }
    )


@pytest.mark.parametrize("many", [300, 2_000])
def test_every_class_has_k_patients_and_l_outcomes(many: int):
    told = quasi(people(many), Bounds(11, 3))
    classes = told.rows.group_by(QUASI).agg(pl.len().alias("n"), pl.col("outcome").n_unique().alias("kinds"))
    assert classes["n"].min() >= 11
    assert classes["kinds"].min() >= 3
    assert told.rows.height + told.left_out == many
    assert told.left_out <= MOST_LEFT_OUT * many


def test_more_patients_are_told_more_finely():
    few, many = (quasi(people(many), Bounds(11, 3)) for many in (300, 4_000))
    assert sum(many.kept.values()) > sum(few.kept.values())


def test_a_rare_group_is_told_as_other_and_the_frequent_ones_by_name():
    groups = set(quasi(people(2_000), Bounds(11, 3)).rows["tumor_group"])
    assert groups >= {"breast", "lung", OTHER}
    assert "testis" not in groups


@pytest.mark.parametrize("seed", range(4))
def test_tumour_and_stage_are_told_of_few_patients_too(seed: int):
    levels = quasi(people(500, seed), Bounds(11, 3)).levels
    assert "*" not in (levels["tumor_group"], levels["stage"])


def test_too_few_patients_are_refused_with_what_to_loosen():
    with pytest.raises(ValueError, match="lower k or l, or bring more patients"):
        quasi(people(8), Bounds(11, 3))


def test_no_order_of_the_rows_changes_what_is_told():
    rows = people(600)
    one, other = (
        quasi(each, Bounds(11, 3)).rows.sort("patient_id") for each in (rows, rows.sample(fraction=1, shuffle=True, seed=3))
    )
    assert one.equals(other)


def test_ages_stand_in_bands_without_a_gap():
    told = pl.DataFrame({"age": [0, 49, 50, 69, 70, 120]}).select(ages((50, 70))).to_series().to_list()
    assert told == ["under 50", "under 50", "50–69", "50–69", "70+", "70+"]


def test_every_french_department_has_its_region():
    regions = declared("regions").filter(pl.col("region") != "abroad")
    assert regions["region"].n_unique() == 18
    # The 101 departments, and 20, under which Corsica was coded before 1976.
    assert regions["department"].n_unique() == regions.height == 102


def test_every_group_of_gold_has_its_organ_system():
    from jobs.gold._sites import HISTOLOGIES, ICD10_ONLY, OTHER_SITES, SITES

    known = set(declared("tumor_groups")["group"])
    assert {*HISTOLOGIES, *SITES, *ICD10_ONLY, *OTHER_SITES, "other", "unknown"} == known
