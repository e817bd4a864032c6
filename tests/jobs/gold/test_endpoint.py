"""Overall survival: its rules, its clock and its delayed entry."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.gold.endpoint import endpoint
from tests.jobs.gold.frames import patient_key, silver
from tests.tables import rows

PERSON = """
    person_id | master_person_id | resolved_vital_status | resolved_death_date | resolved_death_date_precision | resolved_last_news_date | resolved_last_news_date_precision
    p1        | p1               | deceased              | 2021-01-15          | month                         | 2021-02-01              | day
    p2        | p2               | alive                 |                     |                               | 2022-03-01              | day
    p3        | p3               | deceased              |                     |                               | 2020-06-30              | day
    p4        | p4               |                       |                     |                               | 2020-12-31              | day
    p5        | p5               | alive                 |                     |                               |                         |
"""
TUMOURS = """
    tumor_id | person_id | center | dx_date    | dx_date_precision | inferred | in_center_dx
    t1       | p1        | gr     | 2020-01-15 | day               | false    |
    t2       | p2        | gr     | 2022-01-01 | day               | true     |
    t3       | p3        | gr     | 2020-07-01 | year              | false    |
    t4       | p4        | gr     | 2020-01-01 | day               | false    |
    t5       | p5        | gr     | 2020-01-01 | day               | false    |
    t6       | p1        | gr     |            |                   | false    |
"""


@pytest.fixture(scope="module")
def survival(spark: SparkSession) -> Any:
    def of(primary_cancer: str = TUMOURS, person: str = PERSON, masters: str = "p1 p2 p3 p4 p5", **contacts: str) -> Any:
        names = ("encounter", "surgery", "drug_administration", "radiotherapy_course", "specimen")
        seen = {name: silver(spark, name, contacts.get(name, "")) for name in names}
        return endpoint(
            silver(spark, "primary_cancer", primary_cancer),
            silver(spark, "person", person),
            **seen,
            patient_key=patient_key(spark, *masters.split()),
        )

    return of


def test_time_runs_to_death_else_to_last_news_and_an_unknown_status_has_time_but_no_event(survival: Any) -> None:
    assert rows(survival(), "tumor_id", "patient_id", "stop_date", "days", "event", "event_source", "censor_reason") == [
        ("t1", "P1", "2021-01-15", 366, 1, "death_date", None),
        ("t2", "P2", "2022-03-01", 59, 0, None, "alive_at_last_news"),
        # Deceased on an unknown day, and news from the month before the middle of the year of diagnosis: kept as it is.
        ("t3", "P3", "2020-06-30", -1, 1, "deceased_without_date", None),
        ("t4", "P4", "2020-12-31", 365, None, None, "vital_status_unknown"),
        ("t5", "P5", None, None, 0, None, "alive_at_last_news"),
        ("t6", "P1", "2021-01-15", None, 1, "death_date", None),
    ]


def test_every_tumour_has_one_row_and_the_precision_is_the_coarser_one(survival: Any) -> None:
    assert rows(survival(), "tumor_id", "endpoint", "origin", "days_precision", "cnsr") == [
        ("t1", "OS", "dx", "month", 0),
        ("t2", "OS", "dx", "day", 1),
        ("t3", "OS", "dx", "year", 0),
        ("t4", "OS", "dx", "day", None),
        ("t5", "OS", "dx", None, 1),
        ("t6", "OS", "dx", None, 0),
    ]


def test_entry_is_the_first_contact_of_the_patient_with_any_hospital(survival: Any) -> None:
    found = survival(
        primary_cancer="""
            tumor_id | person_id | center | dx_date    | in_center_dx
            late     | p1        | gr     | 2020-01-01 |
            linked   | q2        | curie  | 2020-01-01 |
            known    | p3        | gr     | 2020-01-01 | true
            before   | p4        | gr     | 2020-01-01 |
            nowhere  | p5        | gr     | 2020-01-01 |
        """,
        person="""
            person_id | master_person_id
            p1        | p1
            p2        | p2
            q2        | p2
            p3        | p3
            p4        | p4
            p5        | p5
        """,
        encounter="""
            person_id | entry_datetime
            p1        | 2020-05-01T10:00:00
            p3        | 2020-03-01T08:00:00
            p4        | 2019-12-01T08:00:00
        """,
        surgery="""
            person_id | surgery_date
            p1        | 2020-02-01
        """,
        drug_administration="""
            person_id | admin_datetime      | status
            p2        | 2020-01-31T00:00:00 |
            p2        | 2020-01-10T00:00:00 | cancelled
            p1        | 2020-01-10T00:00:00 | postponed
            p5        | 2020-01-20T00:00:00 | cancelled
        """,
    )
    assert rows(found, "tumor_id", "entry_days", "entry_source") == [
        ("before", 0, "contact"),
        ("known", 0, "in_center_dx"),
        ("late", 31, "contact"),
        ("linked", 30, "contact"),
        ("nowhere", 0, "unknown"),
    ]
