"""What becomes of gold rows in the teaching tables."""

from datetime import date

import polars as pl

from jobs import teaching
from jobs.teaching._cohort import eligible
from jobs.teaching._regimens import regimen
from jobs.teaching.edu_patient import outcome
from quality.contracts import contracts


def test_every_teaching_table_has_its_function_and_its_contract():
    assert set(teaching.tables()) == set(contracts("teaching"))


def test_a_contract_names_every_table_that_its_function_reads():
    for name, product in teaching.tables().items():
        reads = {read.partition(".")[2] for read in contracts("teaching")[name].reads}
        assert set(teaching.made_from(product)) <= reads, name


def test_a_drug_has_one_name_whatever_was_typed_and_free_text_is_not_told():
    assert regimen(["Carboplatine AUC5", "carboplatin", "paclitaxel 6mg/ml"]) == "carboplatin + paclitaxel"
    assert regimen(["fluorouracil", "folinate de calcium"]) == "fluorouracil"
    assert regimen(["cisplatin", "given by Dr Martin"]) == "cisplatin + another drug"
    assert regimen([]) == "another drug"


def test_an_outcome_follows_from_days_and_event():
    rows = pl.DataFrame({"days": [100, 365, 366, 730, 730, 731], "event": [1, 1, 1, 0, None, 0]})
    assert rows.select(outcome()).to_series().to_list() == [
        "died within a year",
        "died within a year",
        "died later",
        "followed less",
        "followed less",
        "alive after two years",
    ]


def test_only_the_first_cancer_counts_and_only_of_who_may_be_taught_with():
    summary = pl.DataFrame(
        {
            "patient_id": ["a", "b", "c", "d"],
            "sex": ["F", "UN", "M", "M"],
            "residence_dept": ["75", None, None, None],
            "industry_use_opposed": [False, False, True, False],
        }
    )
    tumours = pl.DataFrame(
        {
            "patient_id": ["a", "a", "b", "c", "d"],
            "tumor_id": ["a2", "a1", "b1", "c1", "d1"],
            "dx_date": [date(2020, 5, 1), date(2018, 5, 1), date(2018, 5, 1), date(2018, 5, 1), date(2018, 5, 1)],
            "dx_year": [2020, 2018, 2018, 2018, 2018],
            "age_dx": [62, 60, 50, 50, 50],
            "inferred": [False] * 5,
            "tumor_group": ["lung", "breast", "lung", "lung", "lung"],
        }
    )
    endpoint = pl.DataFrame(
        {
            "tumor_id": ["a1", "a2", "b1", "c1", "d1"],
            "days": [900, 200, 10, 10, -3],
            "event": [0, 0, 1, 1, 1],
            "censor_reason": ["alive_at_last_news", "alive_at_last_news", None, None, None],
        }
    )
    # b: sex not known; c: opposes the use by companies; d: dates that cross.
    assert eligible(summary, tumours, endpoint).select("patient_id", "tumor_id", "age").rows() == [("a", "a1", 60)]
