"""All real deliveries of three hospitals as one backlog: every count, value, person, tumour and row set aside of the answer key."""

import shutil
from pathlib import Path

import pytest

from jobs.lake import Lake
from tests.flow.answer_key import (
    compared,
    count_differences,
    gene_differences,
    linked,
    opposed_rows,
    person_id,
    rows,
    state,
    waiting_differences,
)
from tests.flow.conftest import KEY, Lakehouse

pytestmark = pytest.mark.samples
LAST = "APHP-20260206-001"


@pytest.fixture(scope="module")
def backlog(samples: Path, spark: object, tmp_path_factory: pytest.TempPathFactory) -> Lakehouse:
    """A lake that took all deliveries at once, and built gold."""
    house = Lakehouse(tmp_path_factory.mktemp("backlog") / "lake", spark)
    reports = house.ingest(samples / "landing", samples / "keys.json")
    assert {report.outcome for report in reports if report.delivery_id} <= {"accepted", "held"}
    assert sum(report.outcome == "accepted" for report in reports) == 24
    house.engine.build()
    return house


def test_every_silver_count_is_that_of_the_answer_key(samples: Path, backlog: Lakehouse) -> None:
    assert count_differences(samples, Lake(str(backlog.root)), LAST) == {}


def test_every_waiting_row_is_that_of_the_answer_key(samples: Path, backlog: Lakehouse) -> None:
    assert waiting_differences(samples, Lake(str(backlog.root)), LAST) == {}


def test_every_silver_value_is_that_of_the_answer_key(samples: Path, backlog: Lakehouse) -> None:
    code, words = compared(samples, "compare_values.py", str(backlog.root / "silver"))
    assert code == 0, words


def test_every_tumour_person_and_row_set_aside_is_that_of_the_answer_key(samples: Path, backlog: Lakehouse) -> None:
    code, words = compared(samples, "compare_rows.py", str(backlog.root), "--platform-key", KEY)
    assert code == 0, words


def test_nothing_of_an_opposed_patient_is_left_in_any_zone(samples: Path, backlog: Lakehouse) -> None:
    assert opposed_rows(samples, Lake(str(backlog.root)), KEY) == {}


def test_people_are_linked_as_in_the_answer_key(samples: Path, backlog: Lakehouse) -> None:
    wanted = {
        frozenset((person_id(KEY, r["center_a"], r["patient_a"]), person_id(KEY, r["center_b"], r["patient_b"])))
        for r in rows(samples, "linked_pairs.csv")
        if r["linked"] == "1" and r["both_visible"] == "1"
    }
    groups = linked(Lake(str(backlog.root)))
    assert [pair for pair in wanted if not any(pair <= group for group in groups)] == []


def test_gene_counts_are_those_of_the_answer_key(samples: Path, backlog: Lakehouse) -> None:
    assert gene_differences(samples, Lake(str(backlog.root))) == {}


def test_running_everything_again_changes_no_table(samples: Path, backlog: Lakehouse) -> None:
    lake = Lake(str(backlog.root))
    before = {
        (zone, table): lake.version(zone, table)
        for zone in ("bronze", "quarantine", "silver", "gold")
        for table in lake.tables(zone)
    }
    content = state(lake)
    assert backlog.ingest(samples / "landing", samples / "keys.json") == []
    assert backlog.engine.build() == {}
    assert {place: lake.version(*place) for place in before} == before
    assert state(lake) == content


@pytest.mark.acceptance
def test_silver_made_again_from_bronze_has_the_same_content(backlog: Lakehouse, tmp_path: Path) -> None:
    from jobs.ingest import rebuild_silver

    content = state(Lake(str(backlog.root)))
    again = backlog.copy(tmp_path / "again")
    shutil.rmtree(again.root / "silver")
    rebuild_silver(again.settings, again.engine)
    again.engine.build()
    assert state(Lake(str(again.root))) == content
