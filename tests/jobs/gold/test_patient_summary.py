"""The patient over all hospitals."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.gold.patient_summary import patient_summary
from tests.jobs.gold.frames import patient_key, silver
from tests.tables import rows


@pytest.fixture(scope="module")
def summary(spark: SparkSession) -> Any:
    return patient_summary(
        silver(
            spark,
            "person",
            """
            person_id | master_person_id | center | sex | birth_date | residence_dept | resolved_vital_status | resolved_death_date | resolved_last_news_date
            p1        | p1               | gr     | UN  | 1960-05-15 | 94             | deceased              | 2021-06-01          | 2021-06-01
            q1        | p1               | curie  | F   | 1960-05-15 |                | deceased              | 2021-06-01          | 2021-06-01
            p2        | p2               | aphp   | UN  |            |                | alive                 |                     | 2022-01-01
            """,
        ),
        silver(
            spark,
            "primary_cancer",
            """
            tumor_id | person_id | center | topography | icd10 | dx_date    | dx_date_precision
            t1       | p1        | gr     | C50.9      | C50.9 | 2020-05-14 | day
            t2       | p1        | gr     | C50.1      | C50.1 | 2020-07-01 | year
            t3       | q1        | curie  | C50.9      |       | 2020-05-15 | month
            t4       | q1        | curie  | C34.1      |       |            |
            """,
        ),
        silver(spark, "trial_enrollment", "person_id | screen_fail\np1 | true\nq1 | false\np2 | true"),
        silver(spark, "molecular_analysis", "person_id | protocol\nq1 | panel"),
        silver(spark, "specimen", "person_id | type\np1 | frozen_tissue\nq1 | plasma"),
        patient_key(spark, "p1", "p2", opposed=("p1",)),
    ).cache()


def test_a_patient_of_two_hospitals_is_one_row_with_what_either_knows(summary: Any) -> None:
    assert rows(summary, "patient_id", "centers", "sex", "birth_year", "residence_dept", "in_trial", "has_panel", "has_wes") == [
        ("P1", ["curie", "gr"], "F", 1960, "94", True, True, False),
        ("P2", ["aphp"], "UN", None, None, False, False, False),
    ]


def test_the_same_cancer_told_by_two_hospitals_is_one_cancer(summary: Any) -> None:
    assert rows(summary, "patient_id", "n_cancers", "n_tumor_records") == [("P1", 3, 4), ("P2", 0, 0)]


def test_follow_up_runs_from_the_first_diagnosis_to_death_or_last_news(summary: Any) -> None:
    columns = ("patient_id", "first_dx_date", "first_dx_date_precision", "age_at_first_dx", "follow_up_days")
    assert rows(summary, *columns) == [("P1", "2020-05-14", "day", 59, 383), ("P2", None, None, None, None)]


def test_what_a_patient_opposes_at_one_hospital_holds_for_the_patient(summary: Any) -> None:
    assert rows(summary, "patient_id", "industry_use_opposed", "has_frozen", "has_plasma") == [
        ("P1", True, True, True),
        ("P2", False, False, False),
    ]
