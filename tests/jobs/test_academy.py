"""`pscc academy up` without a lake: what is asked for, and what is made before the hub starts."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from jobs import academy
from jobs.academy import OwnLake, lake_of, own_lake, simulated
from jobs.errors import WrongUse
from jobs.releases import listed
from jobs.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "to", "release"),
    [
        ("up", "academy", None),
        ("up --to here", "here", None),
        ("up --to=here --port 9000", "here", None),
        ("up --release large-20260301 --to here", "here", "large-20260301"),
    ],
)
def test_up_without_a_lake_gets_one_in_the_folder_that_was_named(words, to, release):
    assert own_lake(words.split()) == OwnLake(Path(to), release)


@pytest.mark.parametrize(
    "words", ["", "down", "status --to here", "up --lake l", "up --lake=l", "up -h", "up --help", "up --dry-run"]
)
def test_nothing_is_made_for_any_other_command(words):
    assert own_lake(words.split()) is None


def test_a_new_lake_has_no_releases_and_a_ledger_and_engine_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("PSCC_DATABASE_URL", "postgresql://nobody@192.0.2.1/production")
    monkeypatch.setenv("SPARK_REMOTE", "sc://192.0.2.1")
    settings = lake_of(tmp_path / "academy")
    assert listed(settings) == []
    assert settings.database_url is None
    assert settings.spark_remote is None
    assert settings == lake_of(tmp_path / "academy")


def test_hospitals_that_an_interruption_left_half_made_are_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(academy, "DELIVERIES", 1)
    (tmp_path / "hospitals.part" / "landing").mkdir(parents=True)
    (tmp_path / "hospitals.part" / "landing" / "half").touch()
    said: list[str] = []
    for _ in range(2):
        simulated(tmp_path / "hospitals", said.append, 30)
    assert said == ["three hospitals simulate 30 patients"]
    assert not (tmp_path / "hospitals" / "landing" / "half").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["hospitals"]


def test_a_folder_of_somebody_else_is_not_taken_for_hospitals(tmp_path):
    (tmp_path / "hospitals").mkdir()
    (tmp_path / "hospitals" / "notes").touch()
    with pytest.raises(WrongUse, match="found something else"):
        simulated(tmp_path / "hospitals", print, 30)
    assert (tmp_path / "hospitals" / "notes").exists()


def test_a_hub_that_could_not_start_is_said_before_anything_is_made(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as door:
        words = ["up", "--to=new", "--port", str(door.getsockname()[1]), "--isolation", "none", "--let-trainees-read-each-other"]
        done = subprocess.run(
            [sys.executable, "-m", "jobs.cli", "academy", *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "to be free, found it taken" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_release_that_was_named_is_handed_on_as_it_was(tmp_path, monkeypatch):
    from jobs.commands.academy import _class_of_its_own

    monkeypatch.setattr(academy, "build_lessons", lambda *_: None)
    settings = Settings.from_environment(tmp_path / "lake")
    assert _class_of_its_own(tmp_path, "small-20260301") == ["--lake", settings.lake, "--release", "small-20260301"]
