"""Intake: which folders are deliveries, and which are not there yet."""

import os
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize("stray", ["", "gr/", "gr/2020/", "gr/2020/01/"])
def test_a_manifest_that_strayed_hides_no_delivery_below_it(tmp_path: Path, stray: str) -> None:
    written(tmp_path, f"{stray}manifest.json", "gr/2020/01/GR-20200101-001/manifest.json")
    assert "GR-20200101-001" in [each.parent.name for each in intake.manifests(tmp_path)]


def test_a_folder_that_is_closed_is_named_and_the_others_are_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    written(tmp_path, "curie/2020/01/CURIE-20200101-001/manifest.json", "gr/2020/01/GR-20200101-001/manifest.json")
    look = os.scandir

    def closed(place: str) -> Any:
        if str(place).endswith("curie"):
            raise PermissionError(13, "Permission denied", place)
        return look(place)

    monkeypatch.setattr(os, "scandir", closed)
    assert [each.parent.name for each in intake.manifests(tmp_path)] == ["GR-20200101-001"]
    [said] = [each.getMessage() for each in caplog.records]
    assert "found curie closed (Permission denied)" in said


def test_a_manifest_in_a_folder_that_may_be_listed_only_is_named_and_the_others_are_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    landing = written(
        tmp_path / "landing", "gr/2020/01/GR-20200101-001/manifest.json", "gr/2020/01/GR-20200102-001/manifest.json"
    )
    look = Path.lstat

    def closed(place: Path) -> os.stat_result:
        if place.parent.name == "GR-20200101-001":
            raise PermissionError(13, "Permission denied", str(place))
        return look(place)

    monkeypatch.setattr(Path, "lstat", closed)
    found = intake.announcements(landing, Ledger(Settings(lake=str(tmp_path / "lake"))))
    assert [each.path for each in found] == ["gr/2020/01/GR-20200102-001/manifest.json"]
    assert "found gr/2020/01/GR-20200101-001/manifest.json closed" in caplog.text


def test_a_name_that_is_not_utf_8_is_announced_as_it_can_be_written(tmp_path: Path) -> None:
    landing = written(tmp_path / "landing", "gr/2020/01/GR-\udcff/manifest.json", "gr/2020/01/GR-20200101-001/manifest.json")
    found = intake.announcements(landing, Ledger(Settings(lake=str(tmp_path / "lake"))))
    assert sorted(each.path for each in found) == [
        "gr/2020/01/GR-20200101-001/manifest.json",
        "gr/2020/01/GR-\\xff/manifest.json",
    ]
    assert [intake.is_plain(each.path) for each in sorted(found, key=lambda each: each.path)] == [True, False]


def test_a_landing_area_whose_own_path_is_not_utf_8_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "land\udcff").mkdir()
    with pytest.raises(WrongUse, match=r"Expected a landing folder with a path in UTF-8, found .*land\\xff"):
        intake.check(tmp_path / "land\udcff")


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
