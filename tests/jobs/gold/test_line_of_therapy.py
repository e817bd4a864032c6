"""Lines of therapy: the rule, one case each, and the declared lines beside it."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.gold.line_of_therapy import RULE_VERSION, line_of_therapy
from tests.jobs.gold.frames import patient_key, silver
from tests.tables import rows

HEAD = "admin_id | person_id | center | tumor_id | line_id | atc | source_value | admin_datetime | end_datetime | status"


@pytest.fixture(scope="module")
def lines(spark: SparkSession) -> Any:
    def of(given: str, declared: str = "", tumours: str = "tumor_id | person_id\nt1 | p1") -> Any:
        return line_of_therapy(
            silver(spark, "drug_administration", given),
            silver(spark, "treatment_line_src", declared),
            silver(spark, "primary_cancer", tumours),
            silver(spark, "person", "person_id | master_person_id\np1 | p1"),
            patient_key(spark, "p1"),
        )

    return of


def given(*administrations: str) -> str:
    """Administrations to p1 at gr for t1, written as `drug day` or `drug first..last`."""
    lines = []
    for number, text in enumerate(administrations):
        drug, days = text.rsplit(" ", 1)
        first, _, last = days.partition("..")
        lines.append(f"a{number} | p1 | gr | t1 | | | {drug} | {first}T00:00:00 | {last and last + 'T00:00:00'} | completed")
    return "\n".join((HEAD, *lines))


def test_drugs_that_start_within_28_days_make_one_line(lines: Any) -> None:
    found = lines(given("carboplatin 2020-01-01", "paclitaxel 2020-01-29", "carboplatin 2020-02-20"))
    assert rows(
        found, "line_number", "start_date", "end_date", "duration_days", "regimen_name", "treatment_days", "opened_by"
    ) == [(1, "2020-01-01", "2020-02-20", 51, "carboplatin + paclitaxel", 3, "first")]


def test_a_new_drug_after_28_days_opens_a_line_but_a_known_one_does_not(lines: Any) -> None:
    found = lines(given("docetaxel 2020-01-01", "docetaxel 2020-01-30", "gemcitabine 2020-01-30", "docetaxel 2020-02-10"))
    assert rows(found, "line_number", "start_date", "regimen_name", "opened_by", "gap_days", "next_line_start_date") == [
        (1, "2020-01-01", "docetaxel", "first", None, "2020-01-30"),
        (2, "2020-01-30", "docetaxel + gemcitabine", "new_drug", 0, None),
    ]


def test_the_same_drug_after_more_than_90_days_opens_a_line(lines: Any) -> None:
    found = lines(given("cisplatin 2020-01-01", "cisplatin 2020-03-31", "cisplatin 2020-06-30"))
    assert rows(found, "line_number", "start_date", "end_date", "opened_by", "gap_days") == [
        (1, "2020-01-01", "2020-03-31", "first", None),
        (2, "2020-06-30", "2020-06-30", "gap", 91),
    ]


def test_the_gap_is_counted_from_the_end_of_a_long_treatment(lines: Any) -> None:
    found = lines(given("tamoxifen 2020-01-01..2020-12-31", "cyclophosphamide 2020-01-10", "tamoxifen 2021-03-01"))
    assert rows(found, "line_number", "end_date", "regimen_name") == [(1, "2021-03-01", "cyclophosphamide + tamoxifen")]


def test_a_brand_its_substance_and_its_code_are_one_drug(lines: Any) -> None:
    administrations = f"""{HEAD}
        a1 | p1 | gr | t1 | | L01AX03 | whatever was typed | 2020-01-01T00:00:00 | | completed
        a2 | p1 | gr | t1 | |         | Temodar            | 2020-02-10T00:00:00 | |
        a3 | p1 | gr | t1 | |         | TEMOZOLOMIDE       | 2020-03-20T00:00:00 | | completed
    """
    assert rows(lines(administrations), "line_number", "drugs", "classes") == [(1, ["temozolomide"], ["L01AX"])]


def test_what_was_not_given_and_what_only_supports_opens_no_line(lines: Any) -> None:
    administrations = f"""{HEAD}
        a1 | p1 | gr | t1 | | L01XA01 | Cisplatin   | 2020-01-01T00:00:00 | | completed
        a2 | p1 | gr | t1 | | L01CD01 | Paclitaxel  | 2020-02-10T00:00:00 | | cancelled
        a3 | p1 | gr | t1 | | L01CD01 | Paclitaxel  | 2020-02-11T00:00:00 | | postponed
        a4 | p1 | gr | t1 | | A04AA01 | Ondansetron | 2020-02-12T00:00:00 | | completed
        a5 | p1 | gr | t1 | |         | Leucovorin  | 2020-02-13T00:00:00 | | completed
        a6 | p1 | gr | t1 | |         | Denosumab   | 2020-08-13T00:00:00 | | completed
        a7 | p1 | gr | t1 | | L03AA13 | Neulasta    | 2021-02-13T00:00:00 | | completed
    """
    assert rows(lines(administrations), "line_number", "regimen_name") == [(1, "cisplatin")]


def test_a_validated_prescription_stands_for_an_administration(lines: Any) -> None:
    administrations = """
        admin_id | person_id | center | tumor_id | atc     | admin_datetime      | status    | provenance
        a1       | p1        | aphp   | t1       | L01BC06 | 2020-01-01T00:00:00 | completed | prescription
        a2       | p1        | aphp   | t1       | L01XA03 | 2020-01-03T00:00:00 | completed | admin
        a3       | p1        | aphp   | t1       | L01CE02 | 2020-04-01T00:00:00 | cancelled | prescription
    """
    assert rows(lines(administrations), "start_date", "regimen_name", "treatment_days") == [
        ("2020-01-01", "capecitabine + oxaliplatin", 2)
    ]


def test_each_tumour_has_its_own_lines_and_an_only_tumour_takes_what_names_none(lines: Any) -> None:
    administrations = f"""{HEAD}
        a1 | p1 | gr | t1 | | L01XA01 | | 2020-01-01T00:00:00 | | completed
        a2 | p1 | gr | t2 | | L01CD01 | | 2020-03-10T00:00:00 | | completed
        a3 | p1 | gr |    | | L01BC02 | | 2020-03-10T00:00:00 | | completed
    """
    two = lines(administrations, tumours="tumor_id | person_id\nt1 | p1\nt2 | p1")
    assert rows(two, "tumor_id", "line_number", "regimen_name") == [
        (None, 1, "fluorouracil"),
        ("t1", 1, "cisplatin"),
        ("t2", 1, "paclitaxel"),
    ]
    one = lines(f"{HEAD}\na1 | p1 | gr | | | L01BC02 | | 2020-03-10T00:00:00 | | completed")
    assert rows(one, "tumor_id", "line_number") == [("t1", 1)]


def test_declared_and_derived_lines_stand_side_by_side(lines: Any) -> None:
    administrations = f"""{HEAD}
        a1 | p1 | gr | t1 | l1 | L01XA01 | | 2020-01-01T00:00:00 | | completed
        a2 | p1 | gr | t1 | l2 | L01CD01 | | 2020-06-10T00:00:00 | | completed
        a3 | p1 | gr | t1 |    | L01BC05 | | 2021-06-10T00:00:00 | | completed
    """
    declared = """
        line_id | person_id | tumor_id | center | line_number | start_date | protocol_label | setting
        l1      | p1        | t1       | gr     | 1           | 2020-01-05 | CDDP           | adjuvant
        l2      | p1        | t1       | gr     | 3           | 2020-06-10 | Taxol hebdo    | metastatic
        l3      | p1        | t1       | gr     | 4           | 2022-01-01 | ?              |
    """
    found = lines(administrations, declared)
    columns = (
        "origin",
        "line_number",
        "declared_line_number",
        "agree_flag",
        "setting",
        "rule_version",
        "patient_id",
        "tumor_id",
        "center",
    )
    assert rows(found, *columns) == [
        ("both", 1, 1, True, "adjuvant", RULE_VERSION, "P1", "t1", "gr"),
        ("both", 2, 3, False, "metastatic", RULE_VERSION, "P1", "t1", "gr"),
        ("declared", None, 4, None, None, None, "P1", "t1", "gr"),
        ("derived", 3, None, None, None, RULE_VERSION, "P1", "t1", "gr"),
    ]
    assert len(set(rows(found, "line_of_therapy_id"))) == 4
