"""Verification: an intact lake has no fault, and each kind of damage is found at its table."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.settings import Settings
from jobs.verification import verify
from tests.jobs.landed import Landed, landed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return landed(tmp_path_factory.mktemp("verification"))


def data(table: Path) -> Path:
    return max(table.glob("*.parquet"), key=lambda each: each.stat().st_size)


def commit(table: Path) -> Path:
    return table / "_delta_log" / f"{0:020}.json"


def flip_end(table: Path) -> None:
    content = data(table).read_bytes()
    data(table).write_bytes(content[:-4] + b"XXXX")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "found none": lambda table: data(table).unlink(),
    "bytes in": lambda table: data(table).write_bytes(data(table).read_bytes()[:-100]),
    "another end": flip_end,
    "Expected JSON in _delta_log/": lambda table: commit(table).write_text("{half"),
    "Expected JSON in _delta_log/_last_checkpoint": lambda table: (table / "_delta_log/_last_checkpoint").write_text("?"),
}


def test_an_intact_lake_has_no_fault(world: Landed) -> None:
    found = verify(world.settings)
    assert found.faults == []
    assert found.tables > 50
    assert found.files >= found.tables / 2


@pytest.mark.parametrize("sentence", DAMAGE)
def test_damage_is_found_at_its_table(world: Landed, tmp_path: Path, sentence: str) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(world.settings.lake, lake)
    DAMAGE[sentence](lake / "bronze" / "gr_patient")
    found = verify(Settings(lake=str(lake)))
    assert {each.table for each in found.faults} == {"bronze.gr_patient"}
    assert any(sentence in each.sentence for each in found.faults)


def test_rows_that_the_ledger_knows_and_bronze_lost_are_found(world: Landed, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(world.settings.lake, lake)
    record = lake / "bronze" / "record" / "_delta_log"
    newest = max(record.glob("*.json"))
    # The last delivery's commit is undone, as by a backup that is too old.
    newest.unlink()
    assert [each.table for each in verify(Settings(lake=str(lake))).faults] == ["bronze.record"]
