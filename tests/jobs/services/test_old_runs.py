"""What Airflow's database holds of old runs: deleted by Airflow's own command once a day, of what is old alone."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from jobs.services import old_runs
from jobs.services.place import Place, prepared
from tests import postgres

NIGHT = datetime(2026, 11, 27, 4, tzinfo=UTC)
AIRFLOW = [sys.executable, "-m", "airflow"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = prepared(tmp_path / "services", {})
    made.logs.mkdir(exist_ok=True)
    return made


def begun(place: Place, monkeypatch: pytest.MonkeyPatch, *moments: datetime, script: str = "") -> list[datetime]:
    """At which of these moments the command is begun, a shell's `script` in its place."""
    found = []

    def instead(days: int, at: datetime) -> list[str]:
        found.append(at)
        return ["/bin/sh", "-c", script]

    monkeypatch.setattr(old_runs, "command", instead)
    monkeypatch.setattr(old_runs.confine, "is_possible", lambda: False)
    for at in moments:
        if running := old_runs.look(place, None, at):
            running.wait(60)
            assert old_runs.look(place, running, at) is None
    return found


def test_old_runs_are_looked_for_once_a_day_after_the_night_and_not_when_services_start_for_the_first_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = timedelta(days=1)
    early = NIGHT.replace(hour=2)
    moments = [NIGHT, NIGHT + timedelta(hours=9), early + day, NIGHT + day, NIGHT + timedelta(hours=30), NIGHT + 5 * day]
    assert begun(place, monkeypatch, *moments) == [NIGHT + day, NIGHT + 5 * day]


def test_one_that_is_at_work_is_not_begun_again_and_one_that_fails_is_told_of_and_tried_the_day_after(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    day = timedelta(days=1)
    assert begun(place, monkeypatch, NIGHT, NIGHT + day, NIGHT + 2 * day, script="echo why; exit 1") == [
        NIGHT + day,
        NIGHT + 2 * day,
    ]
    log = place.logs / "old-runs.log"
    sentence = (
        f"Expected Airflow to delete old runs from its database, found that it could not: see {log}. It tries again tomorrow."
    )
    assert capsys.readouterr().out.splitlines() == [sentence] * 2
    assert log.read_text() == "why\n"
    assert log.stat().st_mode & 0o077 == 0
    with subprocess.Popen(["/bin/sleep", "60"]) as running:
        assert old_runs.look(place, running, NIGHT + 9 * day) is running
        running.kill()


def test_the_days_are_those_of_the_setting(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    command, asked = old_runs.command, []

    def instead(days: int, at: datetime) -> list[str]:
        asked.extend(command(days, at))
        return ["/bin/true"]

    monkeypatch.setenv("PSCC_KEEP_RUNS_DAYS", "120")
    monkeypatch.setattr(old_runs, "command", instead)
    monkeypatch.setattr(old_runs.confine, "is_possible", lambda: False)
    assert old_runs.begin(place, NIGHT).wait(60) == 0
    assert asked[asked.index("--clean-before-timestamp") + 1] == "2026-07-30T04:00:00+00:00"


@pytest.fixture(scope="module")
def airflow_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a database with Airflow's tables, and the environment by which Airflow finds it."""
    with postgres.server() as address:
        name = f"airflow_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        own = psycopg.conninfo.make_conninfo(address, dbname=name)
        url = address.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")
        told = {f"AIRFLOW__DATABASE__{each}": url for each in ("SQL_ALCHEMY_CONN", "SQL_ALCHEMY_CONN_ASYNC")}
        environment = os.environ | told | {"AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow"))}
        subprocess.run([*AIRFLOW, "db", "migrate"], check=True, capture_output=True, env=environment)
        yield own, environment
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def told_of(connection: "psycopg.Connection[tuple[object, ...]]", run: str, at: datetime) -> None:
    """A scheduled run of the DAG `alerts` with a task, a value that it handed on and a line of the log, all of that moment."""
    task = uuid.uuid4()
    values = {"run": run, "at": at, "task": task}
    (number,) = connection.execute(
        "insert into dag_run (dag_id, run_id, run_type, run_after, start_date, state) "
        "values ('alerts', %(run)s, 'scheduled', %(at)s, %(at)s, 'success') returning id",
        values,
    ).fetchone() or (None,)
    for statement in (
        "insert into task_instance (id, task_id, dag_id, run_id, try_number, pool, pool_slots, start_date, state, map_index) "
        "values (%(task)s, 'look', 'alerts', %(run)s, 1, 'default_pool', 1, %(at)s, 'success', -1)",
        "insert into xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, timestamp) "
        "values (%(number)s, 'look', -1, 'return_value', 'alerts', %(run)s, %(at)s)",
        "insert into log (event, dag_id, run_id, dttm) values ('success', 'alerts', %(run)s, %(at)s)",
        "insert into asset_event (asset_id, extra, timestamp, source_run_id) values (1, '{}', %(at)s, %(run)s)",
        "insert into asset_partition_dag_run (target_dag_id, partition_key, created_at, updated_at) "
        "values ('delivery_ingest', %(run)s, %(at)s, %(at)s)",
    ):
        connection.execute(statement, values | {"number": number})


# Airflow itself, twice: a minute on a busy machine.
@pytest.mark.acceptance
def test_runs_that_are_old_go_with_all_that_hangs_on_them_and_what_asks_for_runs_stays(
    airflow_database: tuple[str, dict[str, str]],
) -> None:
    address, environment = airflow_database
    with psycopg.connect(address) as connection:
        for run, days in ("old", 200), ("older", 91), ("kept", 89), ("new", 0):
            told_of(connection, run, NIGHT - timedelta(days=days))
    done = subprocess.run(old_runs.command(90, NIGHT), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with psycopg.connect(address) as connection:
        left = {
            table: {
                run
                for (run,) in connection.execute(
                    sql.SQL("select {} from {}").format(sql.Identifier(column), sql.Identifier(table))
                )
            }
            for table, column in (
                ("dag_run", "run_id"),
                ("task_instance", "run_id"),
                ("xcom", "run_id"),
                ("log", "run_id"),
                ("asset_event", "source_run_id"),
                ("asset_partition_dag_run", "partition_key"),
            )
        }
        copies = connection.execute("select count(*) from pg_tables where tablename like '\\_airflow\\_deleted%'").fetchone()
    every, new = {"old", "older", "kept", "new"}, {"kept", "new"}
    assert {table: runs - {None} for table, runs in left.items()} == dict.fromkeys(
        ("dag_run", "task_instance", "xcom", "log"), new
    ) | dict.fromkeys(("asset_event", "asset_partition_dag_run"), every)
    assert copies == (0,)
