"""cohort: who stays in a saved cohort."""

from jobs.gold.cohort import cohort
from tests.jobs.gold.frames import gold
from tests.tables import rows


def test_members_stay_as_long_as_they_are_patients_and_nobody_joins(spark):
    saved = gold(
        spark,
        "cohort",
        """
        cohort_definition_id | subject_id | cohort_start_date | build
        breast               | P1         | 2020-01-01        | 7
        breast               | P2         | 2021-01-01        | 7
        lung                 | P1         | 2022-01-01        | 8
        """,
    )
    patients = gold(spark, "patient_summary", "patient_id\nP1\nP3")
    assert rows(cohort(saved, patients), "cohort_definition_id", "subject_id", "build") == [
        ("breast", "P1", 7),
        ("lung", "P1", 8),
    ]
