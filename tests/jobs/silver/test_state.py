"""Winning versions, deletions, orphans and cycles, as tables of delivered records and of what becomes of them."""

import datetime as dt

import pyarrow as pa
import pytest

from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.silver.state import Bronze, people_of_pass, states, versions, winners

RECORD = pa.schema(
    [
        ("center", pa.string()),
        ("domain", pa.string()),
        ("row_id", pa.string()),
        ("person_id", pa.string()),
        ("inherits", pa.bool_()),
        ("parents", pa.list_(pa.string())),
        ("delivery_id", pa.string()),
        ("chain_position", pa.int32()),
        ("source_file", pa.string()),
        ("source_row_no", pa.int64()),
        ("version_at", pa.timestamp("us", "UTC")),
        ("is_deleted", pa.bool_()),
        ("reason", pa.string()),
        ("group_id", pa.string()),
        ("content_hash", pa.string()),
    ]
)
WITHOUT_PATIENT = {"variant", "stay"}


def land(folder, center: str, records: str, *, merges=(), replaced=()) -> Lake:
    """A lake whose bronze holds these records: `domain row person parents position content reason`, `-` for none, `D` for a deletion."""
    lake, rows = Lake(str(folder)), []
    for number, line in enumerate(records.strip().splitlines(), 1):
        domain, row, person, parents, position, content, reason, *at = line.split()
        empty = {"-": None}
        rows.append(
            {
                "center": center,
                "domain": domain,
                "row_id": row,
                "person_id": empty.get(person, person),
                "inherits": person == "-" and domain in (*WITHOUT_PATIENT, "tumour"),
                "parents": [] if parents == "-" else parents.split("+"),
                "delivery_id": f"D{position}",
                "chain_position": int(position),
                "source_file": f"{domain}.csv",
                "source_row_no": number,
                "version_at": dt.datetime.fromisoformat(at[0]).replace(tzinfo=dt.UTC) if at else None,
                "is_deleted": content == "D",
                "reason": empty.get(reason, reason),
                "group_id": None,
                "content_hash": content,
            }
        )
    lake.write("bronze", "record", pa.Table.from_pylist(rows, RECORD))
    people = sorted({row["person_id"] for row in rows if row["person_id"]})
    touched = [
        {"center": center, "delivery_id": row["delivery_id"], "person_id": row["person_id"]} for row in rows if row["person_id"]
    ]
    lake.write("bronze", "touched", pa.Table.from_pylist(touched))
    replacement = pa.schema(
        [
            ("center", pa.string()),
            ("delivery_id", pa.string()),
            ("chain_position", pa.int32()),
            ("domain", pa.string()),
            ("group_id", pa.string()),
        ]
    )
    lake.write(
        "bronze",
        "replacement",
        pa.Table.from_pylist(
            [
                {"center": center, "delivery_id": f"D{at}", "chain_position": at, "domain": d, "group_id": g}
                for d, g, at in replaced
            ],
            replacement,
        ),
    )
    if merges:
        kept = dict(merges)
        lake.write(
            "bronze",
            "identity",
            pa.Table.from_pylist([{"center": center, "person_id": p, "kept_person_id": kept[p]} for p in people if p in kept]),
        )
    return lake


def judged(lake: Lake, center: str, deliveries: list[str], without: tuple[str, ...] = ()) -> dict[str, str]:
    """What becomes of each row."""
    bronze = Bronze(lake, hospitals()[center], without=frozenset(without))
    people = people_of_pass(bronze, deliveries, [])
    found = states(bronze, winners(bronze, versions(bronze, people)))
    return dict(found.select("row_id", "state").iter_rows())


def test_a_row_counts_only_with_its_patient_and_all_its_strict_parents(tmp_path):
    lake = land(
        tmp_path,
        "gr",
        """
        patient  p1  A  -      1  a  -
        patient  p2  B  -      1  D  -
        tumour   t1  A  -      1  a  -
        tumour   t2  B  -      1  a  -
        tumour   t3  C  -      1  a  -
        line     l1  A  t1     1  a  -
        line     l2  A  t9     1  a  -
        line     l3  B  t2     1  a  -
        line     l4  C  t3     1  a  -
        variant  v1  -  n1     1  a  -
        analysis n1  A  s1     1  a  -
        sample   s1  A  -      1  a  -
        variant  v2  -  n9     1  a  -
    """,
    )
    assert judged(lake, "gr", ["D1"]) == {
        "p1": "current",
        "p2": "ended",
        "t1": "current",
        "t2": "gone",
        "t3": "ORPHAN_PATIENT",
        "l1": "current",
        "l2": "ORPHAN_PARENT",
        "l3": "gone",
        "l4": "ORPHAN_PATIENT",
        "v1": "current",
        "n1": "current",
        "s1": "current",
        "v2": "ORPHAN_PARENT",
    }


def test_a_deleted_parent_wins_over_an_unknown_one_through_any_number_of_levels(tmp_path):
    lake = land(
        tmp_path,
        "gr",
        """
        patient  p1  A  -      1  a  -
        sample   s1  A  -      2  D  -
        sample   s2  A  s1     1  a  -
        sample   s3  A  s2     1  a  -
        sample   s4  A  s3+s9  1  a  -
    """,
    )
    assert judged(lake, "gr", ["D1"]) == {"p1": "current", "s1": "ended", "s2": "gone", "s3": "gone", "s4": "gone"}


def test_parents_that_wait_for_each_other_are_a_cycle_and_their_children_orphans(tmp_path):
    lake = land(
        tmp_path,
        "curie",
        """
        patient  p1  A  -      1  a  -
        tumour   t1  A  t2     1  a  -
        tumour   t2  A  t1     1  a  -
        tumour   t3  A  t2     1  a  -
    """,
    )
    assert judged(lake, "curie", ["D1"]) == {
        "p1": "current",
        "t1": "PARENT_CYCLE",
        "t2": "PARENT_CYCLE",
        "t3": "ORPHAN_PARENT",
    }


def test_the_newest_event_wins_at_aphp_whatever_delivery_carried_it(tmp_path):
    lake = land(
        tmp_path,
        "aphp",
        """
        patient  p1  A  -  1  a  -  2020-01-01
        drug     d1  A  -  1  a  -  2020-03-01
        drug     d1  A  -  2  b  -  2020-02-01
        drug     d2  -  -  1  D  -  2020-03-01
        drug     d2  A  -  2  b  -  2020-02-01
        drug     d3  -  -  1  D  -  2020-03-01
        drug     d3  A  -  2  b  -  2020-04-01
    """,
    )
    assert judged(lake, "aphp", ["D2"]) == {"p1": "current", "d1": "current", "d2": "ended", "d3": "current"}


def test_a_refused_version_replaces_nothing_but_a_cancelled_result_ends_the_one_before(tmp_path):
    lake = land(
        tmp_path,
        "gr",
        """
        patient  p1  A  -  1  a  -
        tumour   t1  A  -  1  a  -
        tumour   t1  A  -  2  b  TYPE_INVALID
        lab      b1  A  -  1  a  -
        lab      b1  A  -  2  b  NOT_VALIDATED
        tumour   t2  A  -  2  b  TYPE_INVALID
        line     l1  A  t2 2  b  -
    """,
    )
    assert judged(lake, "gr", ["D2"]) == {"p1": "current", "t1": "current", "b1": "ended", "l1": "ORPHAN_PARENT"}


def test_rows_of_a_merged_patient_belong_to_the_kept_one_and_wait_until_that_one_comes(tmp_path):
    records = """
        patient  p1  A  -  1  a  -
        patient  p3  C  -  1  a  -
        tumour   t1  A  -  1  a  -
        tumour   t2  C  -  1  a  -
    """
    lake = land(tmp_path, "gr", records + "patient p2 B - 2 a -", merges=[("A", "B"), ("C", "Z")])
    assert judged(lake, "gr", ["D2"]) == {"p1": "gone", "p2": "current", "t1": "current"}
    assert judged(lake, "gr", ["D1"])["t2"] == "ORPHAN_PATIENT"


@pytest.mark.parametrize(("replaced_at", "state"), [(1, "current"), (2, "ended")])
def test_a_key_absent_from_the_last_snapshot_is_deleted(tmp_path, replaced_at, state):
    lake = land(
        tmp_path,
        "curie",
        """
        patient  p1  A  -  1  a  -
        patient  p1  A  -  2  a  -
        drug     d1  A  -  1  a  -
    """,
        replaced=[("drug", "drug", replaced_at)],
    )
    rows = lake.frame("bronze", "record").with_columns(group_id="domain")
    lake.write("bronze", "record", rows.to_arrow().cast(RECORD), mode="overwrite")
    assert judged(lake, "curie", ["D2"]) == {"p1": "current", "d1": state}


def test_a_delivery_that_the_quality_gate_holds_is_not_looked_at(tmp_path):
    lake = land(
        tmp_path,
        "gr",
        """
        patient  p1  A  -   1  a  -
        tumour   t1  A  -   1  a  -
        tumour   t1  A  -   2  D  -
        tumour   t2  A  -   2  a  -
    """,
    )
    assert judged(lake, "gr", ["D1"], without=("D2",)) == {"p1": "current", "t1": "current"}
    assert judged(lake, "gr", ["D1"]) == {"p1": "current", "t1": "ended", "t2": "current"}
