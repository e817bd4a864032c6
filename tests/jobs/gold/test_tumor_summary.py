"""The tumour at a glance."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.gold.tumor_summary import tumor_summary
from tests.jobs.gold.frames import gold, patient_key, silver
from tests.tables import rows

TABLES = {
    "primary_cancer": """
        tumor_id | person_id | center | topography | icd10 | morphology | dx_date    | inferred | de_novo_metastatic
        t1       | p1        | gr     | C50.9      | C50.9 | 8500/3     | 2020-03-01 | false    |
        t2       | p2        | aphp   |            | C83   |            | 2019-01-01 | true     |
        t3       | p2        | aphp   | C34.1      |       | 8140/3     |            | false    | false
    """,
    "person": """
        person_id | master_person_id | birth_date | resolved_vital_status
        p1        | p1               | 1960-03-15 | alive
        p2        | p2               |            | deceased
    """,
    "staging": """
        staging_id | tumor_id | classification | edition | stage_group | m  | staging_date
        s1         | t1       | c              | 7       | IIIA        | M0 | 2020-02-20
        s2         | t1       | p              | 8       | IIA         | M1 | 2020-03-20
        s3         | t1       | p              | 8       |             | M0 | 2020-03-10
        s4         | t1       | r              | 8       | IV          | M1 | 2020-01-01
        s5         | t3       |                |         | I/II NOS    | M1 |
    """,
    "grade": "grade_id | tumor_id | system | value\ng1 | t1 | histological | G2",
    "performance_status": "performance_status_id | person_id | scale | value\no1 | p1 | OMS | 1\no2 | p1 | G8 | 14",
    "tumor_event": """
        event_id | tumor_id | type             | event_date | topography
        e1       | t1       | metastasis       | 2021-01-01 | C22.0
        e2       | t1       | metastasis       | 2021-06-01 | C34.1
        e3       | t1       | local_recurrence | 2020-12-01 | C50.9
    """,
    "surgery": """
        procedure_id | person_id | tumor_id | surgery_date | resection
        c1           | p1        | t1       | 2020-03-10   |
        c2           | p1        |          | 2020-04-10   | R0
    """,
    "radiotherapy_course": "course_id | person_id | tumor_id | start_date\nr1 | p1 | t1 | 2020-06-01",
    "specimen": "specimen_id | person_id | tumor_id\ns1 | p1 | t1\ns2 | p2 | t3",
    "molecular_analysis": """
        analysis_id | center | specimen_id | person_id | panel_id
        a1          | gr     | s1          | p1        | x
        a2          | aphp   | s2          | p2        | x
    """,
    "panel_gene": "center | panel_id | symbol\ngr | x | TP53\ngr | x | KRAS\naphp | x | TP53",
    "variant": "variant_id | analysis_id | gene_hgnc\nv1 | a1 | TP53\nv2 | a1 | EGFR",
}
PRODUCTS = {
    "biomarker_status": """
        tumor_id | marker   | first_result | first_known_result | first_known_value | first_known_unit
        t1       | her2     | failed       | negative           |                   |
        t1       | er       | positive     | positive           | 90                | %
        t1       | ki67     |              |                    | 20                | %
        t1       | pdl1_tps |              |                    | 3                 | cells
    """,
    "line_of_therapy": """
        tumor_id | line_number | declared_line_id | start_date | declared_start_date | regimen_name
        t1       | 1           | l1               | 2020-04-20 | 2020-04-01          | cisplatin
        t1       | 2           | l1               | 2020-09-20 | 2020-04-01          | docetaxel
        t1       |             | l2               |            | 2021-01-01          |
    """,
}


def summarised(spark: SparkSession, **drawn: str) -> Any:
    """The summary of these tables, the others as they stand above."""
    frames = {name: silver(spark, name, drawn.get(name, text)) for name, text in TABLES.items()}
    frames |= {name: gold(spark, name, drawn.get(name, text)) for name, text in PRODUCTS.items()}
    return tumor_summary(**frames, patient_key=patient_key(spark, "p1", "p2"))


@pytest.fixture(scope="module")
def summary(spark: SparkSession) -> Any:
    return summarised(spark).cache()


def test_a_tumour_has_its_group_its_age_and_its_patient(summary: Any) -> None:
    assert rows(summary, "tumor_id", "patient_id", "tumor_group", "dx_year", "age_dx", "inferred", "vital_status") == [
        ("t1", "P1", "breast", 2020, 59, False, "alive"),
        ("t2", "P2", "haematological", 2019, None, True, "deceased"),
        ("t3", "P2", "lung", None, None, False, "deceased"),
    ]


def test_the_stage_at_diagnosis_is_pathological_before_clinical_and_never_of_a_recurrence(summary: Any) -> None:
    assert rows(
        summary, "tumor_id", "best_stage_dx", "stage_main", "stage_source", "stage_edition", "grade", "performance_status_dx"
    ) == [
        ("t1", "IIA", "II", "p", "8", "G2", 1),
        ("t2", None, None, None, None, None, None),
        ("t3", "I/II NOS", None, None, None, None, None),
    ]


def test_metastatic_from_the_start_is_what_was_declared_else_what_m_says(summary: Any) -> None:
    assert rows(summary, "tumor_id", "de_novo_metastatic", "first_met_date", "met_sites", "first_recurrence_date") == [
        ("t1", True, "2020-03-01", ["C22.0", "C34.1"], "2020-12-01"),
        ("t2", None, None, [], None),
        ("t3", False, None, [], None),
    ]


def test_what_was_not_assessed_is_not_free_of_metastases_even_at_stage_iv(spark: SparkSession) -> None:
    staging = """
        staging_id | tumor_id | stage_group | m
        s1         | t1       | IV          | MX
        s2         | t2       | IIA         | M0 (i+)
    """
    assert rows(summarised(spark, staging=staging), "tumor_id", "m", "de_novo_metastatic", "first_met_date") == [
        ("t1", "MX", None, "2021-01-01"),
        ("t2", "M0 (i+)", False, None),
        ("t3", None, False, None),
    ]


def test_a_staging_long_after_the_diagnosis_is_not_the_stage_at_diagnosis(spark: SparkSession) -> None:
    tumours = """
        tumor_id | person_id | center | dx_date    | dx_date_precision
        early    | p1        | curie  | 2020-01-01 | day
        vague    | p1        | curie  | 2020-07-01 | year
        open     | p1        | curie  |            |
    """
    staging = """
        staging_id | tumor_id | classification | stage_group | m  | staging_date
        s1         | early    | p              | IV          | M1 | 2020-05-01
        s2         | early    | c              | II          | M0 | 2020-04-30
        s3         | vague    | p              | III         | M0 | 2021-01-02
        s4         | vague    | c              | I           | M0 | 2020-12-30
        s5         | open     | c              | I           | M0 | 2025-01-01
    """
    found = summarised(spark, primary_cancer=tumours, staging=staging)
    assert rows(found, "tumor_id", "best_stage_dx", "de_novo_metastatic") == [
        ("early", "II", False),
        ("open", "I", False),
        ("vague", "I", False),
    ]


def test_a_staging_without_date_counts(spark: SparkSession) -> None:
    found = summarised(spark, staging="staging_id | tumor_id | classification | stage_group\ns1 | t1 | y | IIIA")
    assert rows(found.where("tumor_id = 't1'"), "best_stage_dx", "stage_source") == [("IIIA", "y")]


def test_treatment_at_a_glance(summary: Any) -> None:
    columns = ("first_surgery_date", "resection", "rt_any", "n_lines", "n_lines_declared", "first_regimen", "first_drug_date")
    assert rows(summary.where("tumor_id = 't1'"), *columns) == [("2020-03-10", "R0", True, 2, 2, "cisplatin", "2020-04-20")]
    assert rows(summary.where("tumor_id = 't2'"), *columns) == [(None, None, False, 0, 0, None, None)]


def test_a_marker_is_its_first_known_result_and_one_that_is_only_measured_its_value(summary: Any) -> None:
    assert rows(summary.where("tumor_id = 't1'"), "er", "her2", "ki67", "ki67_value", "pdl1_tps_value") == [
        ("positive", "negative", None, 20.0, None)
    ]


def test_nothing_found_is_not_the_same_as_nothing_looked_for(summary: Any) -> None:
    assert rows(summary, "tumor_id", "er", "her2", "n_samples_sequenced", "altered_genes") == [
        ("t1", "positive", "negative", 1, ["TP53"]),
        ("t2", None, None, 0, None),
        ("t3", None, None, 1, []),
    ]
