"""Quality by hospital, variable and month of statement."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.gold.quality import WATCHED, flags_about, quality
from quality.contracts import contracts
from tests.jobs.gold.frames import silver
from tests.tables import rows

TUMOURS = """
    tumor_id | center | topography | dx_date    | dx_basis  | inferred | valid_from          | dq_flags
    t1       | gr     | C50.9      | 2020-01-01 | histology | false    | 2020-03-01 00:00:00 | []
    t2       | gr     | C34.1      | 2020-02-10 |           | false    | 2020-03-31 12:00:00 | ["CODE_UNKNOWN:dx_basis"]
    t3       | gr     | C50.9      |            |           | false    | 2020-03-31 00:00:00 | []
    t4       | gr     |            | 2020-05-01 | histology | true     | 2020-05-02 00:00:00 | ["DX_AFTER_DEATH", "DATE_PARTIAL:dx_date"]
    t5       | curie  | C18.0      | 2020-05-01 | histology | false    | 2020-05-02 00:00:00 | []
"""


@pytest.fixture(scope="module")
def measured(spark: SparkSession) -> Any:
    frames = {watched.table: silver(spark, watched.table) for watched in WATCHED}
    return (
        quality(**{**frames, "primary_cancer": silver(spark, "primary_cancer", TUMOURS)})
        .where("table_name = 'primary_cancer'")
        .cache()
    )


def test_completeness_validity_and_delay_of_a_month(measured: Any) -> None:
    march = measured.where("center = 'gr' AND month = '2020-03-01' AND variable IN ('dx_date', 'dx_basis')")
    assert rows(march, "variable", "n_rows", "n_filled", "completeness", "n_valid", "validity", "median_delay_days") == [
        ("dx_basis", 3, 1, 0.333333, 1, 0.5, 55.0),
        ("dx_date", 3, 2, 0.666667, 2, 1.0, 55.0),
    ]


def test_a_flag_that_speaks_of_a_variable_makes_it_invalid_and_a_partial_date_does_not(measured: Any) -> None:
    may = measured.where("center = 'gr' AND month = '2020-05-01' AND variable IN ('dx_date', 'dx_basis')")
    assert rows(may, "variable", "n_filled", "n_valid", "validity", "completeness_change") == [
        ("dx_basis", 1, 1, 1.0, 0.666667),
        ("dx_date", 1, 0, 0.0, 0.333333),
    ]
    assert "DX_AFTER_DEATH" in flags_about("primary_cancer", "dx_date")


def test_a_variable_is_only_asked_of_rows_that_can_have_it(measured: Any) -> None:
    laterality = measured.where("variable = 'laterality'")
    assert rows(laterality, "center", "month", "n_rows") == [("gr", "2020-03-01", 3)]


def test_every_watched_variable_is_a_column_or_says_how_it_is_filled() -> None:
    named = [(each.table, variable) for each in WATCHED for variable in each.variables]
    assert [
        (table, each.name) for table, each in named if not each.filled and each.name not in contracts("silver")[table].names
    ] == []
    assert {each.table for each in WATCHED} == set(contracts("gold")["quality"]["table_name"].one_of)
