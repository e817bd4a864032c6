"""Marker status: first, last and last definite result, and what panels add."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.gold.biomarker_status import biomarker_status
from tests.jobs.gold.frames import patient_key, silver
from tests.tables import rows


@pytest.fixture(scope="module")
def status(spark: SparkSession) -> Any:
    return biomarker_status(
        silver(
            spark,
            "biomarker",
            """
            biomarker_id | person_id | tumor_id | marker | result    | value_num | tested_at           | specimen_id
            b1           | p1        | t1       | her2   | negative  | 1         | 2020-01-01T00:00:00 |
            b2           | p1        | t1       | her2   | positive  | 3         | 2021-01-01T00:00:00 | s1
            b3           | p1        | t1       | her2   | equivocal | 2         | 2022-01-01T00:00:00 |
            b4           | p1        | t1       | er     | failed    |           |                     |
            b5           | p2        |          | kras   | negative  |           | 2020-01-01T00:00:00 |
            b6           | p3        |          | kras   | negative  |           | 2020-01-01T00:00:00 |
            c1           | p1        | t1       | pr     | equivocal | 5         | 2020-01-01T00:00:00 | s9
            c2           | p1        | t1       | pr     | negative  |           | 2020-01-01T00:00:00 |
            c3           | p1        | t1       | pr     | positive  | 40        | 2020-01-01T00:00:00 | s9
            d1           | p1        | t1       | alk    | failed    |           | 2020-01-01T00:00:00 |
            d2           | p1        | t1       | alk    | equivocal | 7         | 2020-01-02T00:00:00 | s1
            d3           | p1        | t1       | alk    | negative  |           | 2020-02-02T00:00:00 | s9
            e1           | p1        | t1       | ki67   |           | 30        | 2020-01-01T00:00:00 |
            """,
        ),
        silver(spark, "primary_cancer", "tumor_id | person_id | center\nt1 | p1 | gr\nt2 | p2 | gr\nt3 | p3 | gr\nt4 | p3 | gr"),
        silver(spark, "person", "person_id | master_person_id\np1 | p1\np2 | p2\np3 | p3"),
        silver(spark, "specimen", "specimen_id | person_id | tumor_id\ns1 | p1 | t1\ns2 | p2 | t2"),
        silver(
            spark,
            "molecular_analysis",
            "analysis_id | center | specimen_id | person_id | panel_id\na1 | gr | s1 | p1 | small\na2 | gr | s2 | p2 | small",
        ),
        silver(spark, "panel_gene", "center | panel_id | symbol\ngr | small | KRAS\ngr | small | TP53"),
        silver(spark, "variant", "variant_id | analysis_id | gene_hgnc\nv1 | a1 | KRAS\nv2 | a2 | TP53"),
        patient_key(spark, "p1", "p2", "p3"),
    ).cache()


def test_an_equivocal_test_does_not_undo_a_definite_one(status: Any) -> None:
    tested = status.where("marker IN ('her2', 'er')")
    assert rows(tested, "marker", "n_tests", "first_result", "last_result", "last_test_date", "last_value", "is_positive") == [
        ("er", 1, "failed", "failed", None, None, None),
        ("her2", 3, "negative", "equivocal", "2022-01-01", 2.0, True),
    ]


def test_of_tests_of_one_day_a_definite_one_counts_and_a_positive_one_before_a_negative_one(status: Any) -> None:
    pr = status.where("marker = 'pr'")
    assert rows(pr, "n_tests", "first_result", "first_value", "last_result", "last_value", "is_positive") == [
        (3, "positive", 40.0, "positive", 40.0, True)
    ]


def test_the_first_known_result_is_definite_else_equivocal_and_never_failed(status: Any) -> None:
    assert rows(
        status.where("n_tests > 0 AND tumor_id = 't1'"), "marker", "first_result", "first_known_result", "first_known_value"
    ) == [
        ("alk", "failed", "negative", 7.0),
        ("er", "failed", None, None),
        ("her2", "negative", "negative", 1.0),
        ("ki67", None, None, 30.0),
        ("pr", "positive", "positive", 40.0),
    ]


def test_a_sample_that_is_gone_is_not_named_and_its_result_stays(status: Any) -> None:
    assert rows(status.where("marker IN ('alk', 'pr')"), "marker", "last_result", "last_specimen_id") == [
        ("alk", "negative", None),
        ("pr", "positive", None),
    ]


def test_a_panel_answers_for_markers_that_nobody_tested(status: Any) -> None:
    kras = status.where("marker IN ('kras', 'nras_kras')")
    assert rows(kras, "tumor_id", "marker", "ever_tested", "is_positive", "tested_in_panel", "altered_in_panel") == [
        ("t1", "kras", False, None, True, True),
        ("t1", "nras_kras", False, None, True, True),
        ("t2", "kras", True, False, True, False),
        ("t2", "nras_kras", False, None, True, False),
    ]


def test_a_result_without_tumour_counts_for_an_only_tumour_and_for_none_of_two(status: Any) -> None:
    assert {tumour for (tumour,) in rows(status, "tumor_id")} == {"t1", "t2"}
