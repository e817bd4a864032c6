"""Airflow's logs of tasks and of DAG files, deleted when they are old. Whatever else lies in its folders stays: lineage in containers, for one."""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOGS = "AIRFLOW__LOGGING__BASE_LOG_FOLDER"
DAG_FILES = "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY"
# How Airflow calls the folders in which it logs: one a DAG, and of its DAG files one a day.
OF_TASKS, OF_DAG_FILES = "dag_id=*", "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"


def folders() -> list[Path]:
    """What Airflow has made to log in, where its variables or its own defaults say; empty where this process knows of no Airflow."""
    home = os.environ.get("AIRFLOW_HOME")
    logs = os.environ.get(LOGS) or (f"{home}/logs" if home else None)
    dag_files = os.environ.get(DAG_FILES) or (f"{home}/logs/dag_processor" if home else None)
    return [
        found
        for place, name in ((logs, OF_TASKS), (dag_files, OF_DAG_FILES))
        if place
        for found in sorted(Path(place).glob(name))
    ]


def forget(places: Iterable[Path], days: int, at: datetime | None = None) -> int:
    """Delete files that nobody wrote to for so many days, and folders that are left empty; how many files. No link is followed, and none deleted."""
    before = ((at or datetime.now(UTC)) - timedelta(days=days)).timestamp()
    return sum(_forget(each, before) for each in places if each.is_dir() and not each.is_symlink())


def _forget(folder: Path, before: float) -> int:
    # A folder that is new may be empty because a task is about to log in it.
    is_old, gone = folder.stat().st_mtime < before, 0
    for each in list(os.scandir(folder)):
        if each.is_dir(follow_symlinks=False):
            gone += _forget(Path(each.path), before)
        elif each.is_file(follow_symlinks=False) and each.stat(follow_symlinks=False).st_mtime < before:
            Path(each.path).unlink()
            gone += 1
    if is_old and not any(os.scandir(folder)):
        # Somebody may have begun to use it this moment.
        with suppress(OSError):
            folder.rmdir()
    return gone
