"""Intake: which folders are deliveries, and which are not there yet."""

import os
from pathlib import Path

import pytest

from jobs import intake
from jobs.errors import WrongUse
from jobs.ledger import Ledger
from jobs.settings import Settings


def written(root: Path, *names: str) -> Path:
    for place in names:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text("{}")
    return root


@pytest.mark.parametrize(
    ("file", "is_announced"),
    [
        ("gr/2020/01/GR-20200101-001/manifest.json", True),
        ("below/another/landing/gr/2020/01/GR-20200101-001/manifest.json", True),
        ("gr/2020/01/GR-20200101-001/GR_PATIENT.csv.gz", False),
        ("gr/2020/01/GR-20200101-001/.manifest.json", False),
        ("gr/2020/01/GR-20200101-001/manifest.json.part", False),
        ("gr/2020/01/GR-20200101-001.part/manifest.json", False),
        ("gr/2020/01/.GR-20200101-001/manifest.json", False),
        (".incoming/gr/2020/01/GR-20200101-001/manifest.json", False),
    ],
)
def test_the_manifest_is_the_event(tmp_path: Path, file: str, is_announced: bool) -> None:
    assert bool(list(intake.manifests(written(tmp_path, file)))) is is_announced


def test_a_manifest_inside_a_delivery_is_one_of_its_files(tmp_path: Path) -> None:
    written(tmp_path, "gr/2020/01/A/manifest.json", "gr/2020/01/A/person/manifest.json")
    assert [each.parent.name for each in intake.manifests(tmp_path)] == ["A"]


def test_a_linked_folder_is_not_followed(tmp_path: Path) -> None:
    written(tmp_path / "elsewhere", "A/manifest.json")
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "A").symlink_to(tmp_path / "elsewhere" / "A")
    assert list(intake.manifests(tmp_path / "landing")) == []


def test_what_was_seen_is_not_announced_again_until_the_manifest_is_written_anew(tmp_path: Path) -> None:
    landing, ledger = written(tmp_path / "landing", "gr/2020/01/A/manifest.json"), Ledger(Settings(lake=str(tmp_path / "lake")))
    first = intake.announcements(landing, ledger)
    ledger.settle(first[0].id, "rejected", {})
    assert intake.announcements(landing, ledger) == []
    os.utime(landing / "gr/2020/01/A/manifest.json", ns=(1, 1))
    assert [each.mtime_ns for each in intake.announcements(landing, ledger)] == [1]


def test_a_path_that_is_no_folder_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="Expected a landing folder"):
        intake.announcements(tmp_path / "nothing", Ledger(Settings(lake=str(tmp_path / "lake"))))
