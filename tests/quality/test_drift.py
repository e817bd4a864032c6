"""Drift, completeness and Data Docs: computed from what the lake holds, shown without a value of it."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from quality import comparison, drift, gate, verdicts
from quality.contracts import contracts
from quality.docs import build_docs
from tests.quality.contract_rows import Pass, valid_row

PERSON = contracts("silver")["person"]


def land(lake, delivery, position, grades, reasons=None):
    """A delivery of one feed whose only column is GRADE."""
    reasons = reasons or [None] * len(grades)
    record = {"center": ["gr"], "domain": ["tumour"], "delivery_id": [delivery], "chain_position": [position]}
    write_deltalake(
        f"{lake}/bronze/record", pa.table({name: values * len(grades) for name, values in record.items()}), mode="append"
    )
    read = pa.StructArray.from_arrays([pa.array(grades, pa.string())], ["GRADE"])
    rows = {"_delivery_id": pa.array([delivery] * len(grades)), "_reason": pa.array(reasons, pa.string()), "_read": read}
    write_deltalake(f"{lake}/bronze/gr_tumour", pa.table(rows), mode="append")


def warned(lake, delivery, **options):
    found = drift.measure(lake, "gr", delivery, **options)
    return [(each.column, each.measure, each.previous, each.current) for each in found if each.warning]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (["G1"] * 100, ["G1"] * 100, []),
        (["G1"] * 100, ["G1"] * 88 + [None] * 12, [("GRADE", "null_share", 0.0, 0.12)]),
        (["G1"] * 100, ["G1"] * 92 + [None] * 8, []),
        (["G1"] * 100, ["G1"] * 40, [("", "rows", 100, 40)]),
        (["G1"] * 20, ["G1"] * 41, []),
        (["G1"] * 20, [None] * 20, []),
        (["G1", "G2"] * 50, ["G1", "G2", "G3", "G4"] * 25, [("GRADE", "distinct", 2, 4)]),
        ([f"{n}" for n in range(100)], ["same"] * 100, []),
    ],
)
def test_a_delivery_is_compared_with_the_one_before(tmp_path, before, now, expected):
    lake = str(tmp_path)
    land(lake, "d0", 1, ["G1"] * 1000)
    land(lake, "d1", 2, before)
    land(lake, "d2", 3, now)
    assert warned(lake, "d2") == expected


def test_rows_set_aside_more_often_are_noticed(tmp_path):
    land(str(tmp_path), "d0", 1, ["G1"] * 100)
    land(str(tmp_path), "d1", 2, ["G1"] * 100, ["VALUE_INVALID"] * 3 + [None] * 97)
    assert warned(str(tmp_path), "d1") == [("", "set_aside_share", 0.0, 0.03)]


def test_only_snapshots_are_held_to_the_rows_of_the_first_delivery(tmp_path):
    land(str(tmp_path), "d0", 1, ["G1"] * 1000)
    land(str(tmp_path), "d1", 2, ["G1"] * 100)
    assert warned(str(tmp_path), "d1") == []
    assert warned(str(tmp_path), "d1", snapshots=True) == [("", "rows", 1000, 100)]


def test_a_first_delivery_and_an_empty_lake_have_no_drift(tmp_path):
    assert drift.measure(str(tmp_path), "gr", "d0") == []
    land(str(tmp_path), "d0", 1, ["G1"] * 100)
    assert drift.measure(str(tmp_path), "gr", "d0") == []


def test_a_delivery_that_is_measured_again_has_one_set_of_measures(tmp_path):
    lake = str(tmp_path)
    land(lake, "d0", 1, ["G1"] * 100)
    land(lake, "d1", 2, ["G1"] * 100)
    land(lake, "d2", 3, ["G1"] * 100)
    for delivery in ("d1", "d2", "d1"):
        drift.record(lake, drift.measure(lake, "gr", delivery))
    assert sorted(drift.recorded(lake).select("delivery_id", "column", "measure").rows()) == sorted(
        (delivery, column, measure)
        for delivery in ("d1", "d2")
        for column, measure in [("", "rows"), ("", "set_aside_share"), ("GRADE", "null_share"), ("GRADE", "distinct")]
    )


def person(number, **values):
    return valid_row(PERSON, number) | values


def test_completeness_is_counted_by_hospital_over_current_rows(tmp_path):
    work = Pass(tmp_path)
    work.publish(
        PERSON,
        [
            person(1, center="gr", residence_dept="94"),
            person(2, center="gr", residence_dept=None),
            person(3, center="gr", residence_dept=None, is_current=False),
            person(4, center="curie", residence_dept=None),
        ],
    )
    shares = comparison.completeness(work.lake)
    of_dept = {row["center"]: row["share"] for row in shares.iter_rows(named=True) if row["column"] == "residence_dept"}
    assert of_dept == {"gr": 0.5, "curie": 0.0}
    assert [(row["column"], row["center"]) for row in comparison.gaps(shares).iter_rows(named=True)] == [
        ("residence_dept", "curie")
    ]


def test_data_docs_show_every_table_and_no_value_of_a_row(tmp_path):
    work = Pass(tmp_path)
    bad = person(1, sex="SECRETSEX", residence_dept="SECRETDEPT", birth_date=date(1877, 7, 7), center="gr")
    work.stage(PERSON, [bad, bad])
    (verdict,) = gate.check_pass([PERSON], work.lake, work.staged)
    verdicts.record(work.lake, 4, [verdict])
    work.publish(PERSON, [bad])
    land(work.lake, "d0", 1, ["SECRETGRADE"] * 100)
    land(work.lake, "d1", 2, [None] * 100)
    drift.record(work.lake, drift.measure(work.lake, "gr", "d1"))

    folder = Path(build_docs(work.lake)).parent
    pages = {page.name: page.read_text() for page in folder.iterdir()}
    assert sorted(pages) == ["drift.html", "hospitals.html", "index.html", "silver.person.html"]
    assert "silver.person" in pages["index.html"]
    assert "failed" in pages["index.html"]
    assert "sex is one of M, F, UN" in pages["silver.person.html"]
    assert "GRADE" in pages["drift.html"]
    everything = "".join(pages.values())
    assert [value for value in ("SECRET", "1877", bad["person_id"]) if value in everything] == []
    # Nothing is fetched from anywhere.
    assert "http" not in everything


def test_data_docs_of_an_empty_lake_say_so(tmp_path):
    assert "Nothing yet" in Path(build_docs(str(tmp_path))).read_text()
