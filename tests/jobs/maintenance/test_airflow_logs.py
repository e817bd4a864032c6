"""Airflow's logs: what is old goes, with the folders that this empties; nothing else, and nothing behind a link."""

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.errors import WrongUse
from jobs.ledger import Ledger
from jobs.maintenance import airflow_logs, maintain
from jobs.settings import Settings

NOW = datetime.now(UTC)


def written(path: Path, days: int) -> Path:
    """A file that was written so many days ago, in folders as old."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a line")
    aged(path, days)
    return path


def aged(path: Path, days: int) -> None:
    at = (NOW - timedelta(days=days)).timestamp()
    for each in (path, *list(path.parents)[:4]):
        os.utime(each, (at, at))


def files(root: Path) -> set[str]:
    """The files below a folder, and its empty folders, by their path."""
    return {str(each.relative_to(root)) for each in root.rglob("*") if not each.is_dir() or not any(each.iterdir())}


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What Airflow has logged: tasks of two runs, DAG files of two days, and what others keep beside."""
    root = tmp_path / "services" / "logs"
    for name, days in (
        ("tasks/dag_id=alerts/run_id=old/task_id=look/attempt=1.log", 91),
        ("tasks/dag_id=alerts/run_id=old/task_id=look/attempt=2.log", 91),
        ("tasks/dag_id=alerts/run_id=new/task_id=look/attempt=1.log", 89),
        ("tasks/lineage/2025-01.jsonl", 500),
        ("tasks/scheduler.log", 500),
        ("dag-files/2025-01-01/dags-folder/alerts.py.log", 500),
        (f"dag-files/{NOW.date()}/dags-folder/alerts.py.log", 0),
        ("dag-files/other/alerts.py.log", 500),
    ):
        written(root / name, days)
    monkeypatch.setenv(airflow_logs.LOGS, str(root / "tasks"))
    monkeypatch.setenv(airflow_logs.DAG_FILES, str(root / "dag-files"))
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    return root


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(lake=str(tmp_path / "lake"))
    with closing(Ledger(made)):
        return made


def test_logs_that_are_old_go_and_what_else_lies_there_stays(logs: Path, settings: Settings) -> None:
    assert maintain(settings, "airflow") == "3 files of Airflow's logs that are older than 90 days are gone."
    assert files(logs) == {
        "tasks/dag_id=alerts/run_id=new/task_id=look/attempt=1.log",
        "tasks/lineage/2025-01.jsonl",
        "tasks/scheduler.log",
        f"dag-files/{NOW.date()}/dags-folder/alerts.py.log",
        "dag-files/other/alerts.py.log",
    }
    assert maintain(settings, "airflow").startswith("0 files")


def test_the_days_are_those_of_the_setting(logs: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSCC_KEEP_RUNS_DAYS", "100")
    assert maintain(settings, "airflow").startswith("1 files of Airflow's logs that are older than 100 days")
    monkeypatch.setenv("PSCC_KEEP_RUNS_DAYS", "29")
    with pytest.raises(WrongUse, match=r"^Expected PSCC_KEEP_RUNS_DAYS to be a number of days from 30 to 36,500, found '29'"):
        maintain(settings, "airflow")


def test_nothing_behind_a_link_goes_and_no_link_does(logs: Path, settings: Settings, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    kept = written(elsewhere / "a" / "b" / "c" / "attempt=1.log", 500)
    run = logs / "tasks" / "dag_id=alerts" / "run_id=linked"
    run.mkdir()
    for link, target in (
        (logs / "tasks" / "dag_id=linked", elsewhere),
        (run / "task_id=look", elsewhere / "a"),
        (run / "attempt=1.log", kept),
        (logs / "dag-files" / "2025-02-02", elsewhere),
        (logs / "dag-files" / "latest", logs / "dag-files" / "2025-01-01"),
    ):
        link.symlink_to(target)
    os.utime(run / "attempt=1.log", (0, 0), follow_symlinks=False)
    assert maintain(settings, "airflow").startswith("3 files")
    assert kept.is_file()
    assert {each.name for each in run.iterdir()} == {"task_id=look", "attempt=1.log"}
    assert (logs / "tasks" / "dag_id=linked").is_symlink()
    assert (logs / "dag-files" / "latest").is_symlink()


def test_an_empty_folder_in_which_a_task_is_about_to_log_stays(logs: Path, settings: Settings) -> None:
    begun = logs / "tasks" / "dag_id=alerts" / "run_id=now" / "task_id=look"
    begun.mkdir(parents=True)
    maintain(settings, "airflow")
    assert begun.is_dir()


def test_where_airflow_is_told_of_by_its_home_alone_its_own_names_are_looked_for(
    logs: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(airflow_logs.LOGS)
    monkeypatch.delenv(airflow_logs.DAG_FILES)
    monkeypatch.setenv("AIRFLOW_HOME", str(logs.parent))
    (logs / "tasks" / "dag_id=alerts").rename(logs / "dag_id=alerts")
    (logs / "dag-files").rename(logs / "dag_processor")
    assert maintain(settings, "airflow").startswith("3 files")


def test_where_there_is_no_airflow_there_is_nothing_to_do(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (airflow_logs.LOGS, airflow_logs.DAG_FILES, "AIRFLOW_HOME"):
        monkeypatch.delenv(name, raising=False)
    sentence = (
        "No logs of Airflow are here, where AIRFLOW__LOGGING__BASE_LOG_FOLDER or AIRFLOW_HOME would name them: nothing to do."
    )
    assert maintain(settings, "airflow") == sentence
