"""`pscc deliver`: the manifest comes last, to where a hospital would put it."""

import json
from pathlib import Path

import pytest

from jobs import delivering
from jobs.delivering import deliver
from jobs.errors import WrongUse

MANIFEST = {"delivery_id": "GR-20240301-001", "center": "gr", "created_at": "2024-03-01T02:00:00Z"}


def sent(folder: Path, manifest: object = MANIFEST) -> Path:
    """A delivery as it lies at the hospital's."""
    (folder / "part").mkdir(parents=True)
    (folder / "part" / "patient.csv").write_text("a;b")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_delivery_comes_to_its_place_whole(tmp_path: Path) -> None:
    source, landing = sent(tmp_path / "out"), tmp_path / "landing"
    landing.mkdir()
    place = deliver(source, landing)
    assert place == landing / "gr/2024/03/GR-20240301-001"
    assert sorted(path.relative_to(place).as_posix() for path in place.rglob("*")) == [
        "manifest.json",
        "part",
        "part/patient.csv",
    ]


def test_nothing_is_announced_while_files_are_still_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, landing = sent(tmp_path / "out"), tmp_path / "landing"
    landing.mkdir()
    copied = delivering.shutil.copy2

    def seen(from_: Path, to: Path) -> object:
        assert not list(landing.rglob("manifest.json"))
        assert list(landing.rglob("patient.csv")) or to.name == "patient.csv"
        return copied(from_, to)

    monkeypatch.setattr(delivering.shutil, "copy2", seen)
    assert (deliver(source, landing) / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"delivery_id": "../../etc", "center": "gr", "created_at": "2024-03-01T02:00:00Z"}, "missing or odd"),
        ({"delivery_id": "GR-20240301-001", "center": "..", "created_at": "2024-03-01T02:00:00Z"}, "missing or odd"),
        ({"delivery_id": "GR-20240301-001", "center": "gr", "created_at": "../.."}, "missing or odd"),
        ({}, "missing or odd"),
    ],
)
def test_a_manifest_leads_nowhere_else(tmp_path: Path, manifest: object, said: str) -> None:
    (tmp_path / "landing").mkdir()
    with pytest.raises(WrongUse, match=said):
        deliver(sent(tmp_path / "out", manifest), tmp_path / "landing")
    assert not list((tmp_path / "landing").iterdir())


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    deliver(sent(tmp_path / "out"), tmp_path / "landing")
    with pytest.raises(WrongUse, match="found a delivery there"):
        deliver(tmp_path / "out", tmp_path / "landing")


@pytest.mark.parametrize(("mode", "read"), [(0o2750, 0o040), (0o750, 0o000)])
def test_a_group_to_which_the_landing_area_is_handed_on_reads_what_is_delivered_there(
    tmp_path: Path, mode: int, read: int
) -> None:
    source, landing = sent(tmp_path / "out"), tmp_path / "landing"
    landing.mkdir()
    landing.chmod(mode)
    for path in source.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    place = deliver(source, landing)
    assert {
        path.stat().st_mode & 0o040 for path in (place / "manifest.json", place / "part", place / "part" / "patient.csv")
    } == {read}
