"""What the DAGs call, with one refused delivery among simulated ones: task by task, then by the DAGs themselves."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer

import polars as pl
import pytest

from jobs import tasks
from jobs.errors import ContractViolation, EngineSilent, LakehouseError, WrongUse
from jobs.lake import Lake
from jobs.simulate import Answer, Faults, simulate
from quality.contracts import contracts
from tests.jobs.test_ingest_samples import NoEngine

ROOT = Path(__file__).parents[2]
REFUSED, RESENT = "CURIE-20250704-001", "CURIE-20250704-002"
# The DAGs run in a process of their own: Airflow reads its settings once, and the engine of this one has another lake.
RUN = """
import json, sys
from pathlib import Path
from rich.console import Console
from jobs.demo import run_dags
from jobs import demo, tasks
runs = run_dags(Path(sys.argv[1]), Console())

def nobody():
    raise AssertionError("a run with nothing to make asked for an engine")

# A run that waited behind the first.
again = demo._airflow(Path(sys.argv[1]))["gold_build"]
tasks.engine = nobody
runs.append(demo._run(again, {}))
print("RUNS" + json.dumps(runs))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """One delivery of each hospital, and before Curie's the first attempt at it, damaged on its way."""
    return simulate(30, 1, 7, tmp_path_factory.mktemp("world") / "hospitals", faults=Faults(refused=True))


@pytest.fixture
def lake(world: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake, and the settings by which the tasks find it and the deliveries."""
    (tmp_path / "platform.key").write_text("11" * 32)
    (tmp_path / "platform.key").chmod(0o600)
    for name in ("PSCC_DATABASE_URL", "SPARK_REMOTE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PSCC_PLATFORM_KEY_FILE", str(tmp_path / "platform.key"))
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "lake"))
    monkeypatch.setenv("PSCC_LANDING", str(world.landing))
    monkeypatch.setenv("PSCC_KEYS", str(world.keys))
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def nobody_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks get an engine that publishes nothing: this is about the steps, not about silver."""
    monkeypatch.setattr(tasks, "engine", NoEngine)


def waiting() -> dict[str, str]:
    """The keys of the announcements that no task has judged yet, by the name of their folder."""
    return {tasks.named(key): key for key in tasks.find()}


def test_the_keys_are_found_in_order_of_arrival_until_they_are_judged(world: Answer, lake: Lake) -> None:
    assert [tasks.named(key) for key in tasks.find()] == list(world.deliveries)
    tasks.verify(waiting()[REFUSED])
    assert [tasks.named(key) for key in tasks.find()] == [each for each in world.deliveries if each != REFUSED]


@pytest.mark.parametrize(
    ("kind", "minutes_later", "asks"),
    [
        ("asset_triggered", -1, True),
        ("asset_triggered", 1, False),
        ("asset_triggered", 60, False),
        ("scheduled", 1, False),
        ("scheduled", 60, True),
        ("manual", 1, True),
    ],
)
def test_a_run_is_asked_for_once_and_again_by_a_sweep_where_it_was_lost(
    lake: Lake, kind: str, minutes_later: int, asks: bool
) -> None:
    noted = tasks.find()
    began = datetime.now(UTC) + timedelta(minutes=minutes_later)
    assert tasks.find(kind, began.isoformat()) == (noted if asks else [])


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Where SPARK_REMOTE points, and nobody listens yet."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = int(taken.getsockname()[1])
    monkeypatch.setenv("SPARK_REMOTE", f"sc://127.0.0.1:{found}/;token=secret")
    return found


def test_a_task_that_begins_while_the_engine_is_started_again_waits_for_it(lake: Lake, port: int) -> None:
    began = time.monotonic()
    server = []
    starting = Timer(1.5, lambda: server.append(socket.create_server(("127.0.0.1", port))))
    starting.start()
    try:
        assert tasks.engine().settings.spark_remote
        assert time.monotonic() - began >= 1.5
    finally:
        starting.join()
        server[0].close()
        tasks._engine.cache_clear()


@pytest.mark.parametrize(
    "task",
    [lambda: tasks.publish("1"), lambda: tasks.build("endpoint"), lambda: tasks.all_built([])],
    ids=["publish", "build", "all_built"],
)
def test_a_task_gives_up_on_an_engine_that_stays_silent_before_it_begins(
    lake: Lake, port: int, monkeypatch: pytest.MonkeyPatch, task: Callable[[], object]
) -> None:
    monkeypatch.setattr(tasks, "ENGINE_SECONDS", 0)
    with pytest.raises(
        EngineSilent, match=f"^Expected a Spark Connect server at 127.0.0.1:{port}, found none that answers"
    ) as told:
        task()
    assert "secret" not in str(told.value)
    assert not Path(lake.root).exists()


def test_a_refused_delivery_fails_in_its_verdict_and_in_no_task_before(lake: Lake, nobody_publishes: None) -> None:
    key = waiting()[REFUSED]
    assert tasks.verify(key) == key
    tasks.land(key)
    tasks.publish(key)
    with pytest.raises(ContractViolation, match=f"^{REFUSED} is rejected: FILE_HASH_MISMATCH. The return report says where.$"):
        tasks.verdict(key)
    assert lake.tables("bronze") == []


@pytest.mark.parametrize(("name", "said"), [(REFUSED, "rejected: FILE_HASH_MISMATCH"), (RESENT, "duplicate")])
def test_a_delivery_that_is_announced_again_is_as_red_or_green_as_the_first_time(
    world: Answer, lake: Lake, nobody_publishes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    def run(key: str) -> str:
        for step in (tasks.verify, tasks.land, tasks.publish):
            step(key)
        try:
            return tasks.verdict(key)
        except ContractViolation as refusal:
            return f"red: {refusal}"

    landing = tmp_path / "landing"
    shutil.copytree(world.landing, landing)
    monkeypatch.setenv("PSCC_LANDING", str(landing))
    keys = waiting()
    first = {each: run(keys[each]) for each in (REFUSED, RESENT)}
    assert first[name].startswith("red") == (name == REFUSED)
    os.utime(next(landing.glob(f"*/*/*/{name}/manifest.json")))
    second = run(waiting()[name])
    assert (second.startswith("red"), said in second) == (name == REFUSED, True)


def test_a_delivery_announced_again_while_it_is_worked_on_waits_for_its_verdict(
    world: Answer, lake: Lake, nobody_publishes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = tmp_path / "landing"
    shutil.copytree(world.landing, landing)
    monkeypatch.setenv("PSCC_LANDING", str(landing))
    keys = waiting()
    for name in (REFUSED, RESENT):
        tasks.verify(keys[name])
    os.utime(next(landing.glob(f"*/*/*/{RESENT}/manifest.json")))
    key = waiting()[RESENT]
    tasks.verify(key)
    # Of a kind that is tried again.
    with pytest.raises(LakehouseError, match=f"^Expected a verdict on {RESENT}.* still worked on") as told:
        tasks.verdict(key)
    assert type(told.value) is LakehouseError


def test_what_a_library_says_of_rows_does_not_reach_the_log(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise pl.exceptions.ComputeError("born 1950-03")

    monkeypatch.setattr("jobs.ingest.waiting", fail)
    with pytest.raises(LakehouseError, match=r"found ComputeError at jobs/tasks\.py, line") as told:
        tasks.find()
    assert "1950" not in "".join(traceback.format_exception(told.value))


def test_a_good_delivery_is_green_when_it_is_published_and_not_before(lake: Lake, nobody_publishes: None) -> None:
    keys = waiting()
    tasks.verify(keys[REFUSED])
    key = keys[RESENT]
    for step in (tasks.verify, tasks.land):
        step(key)
        with pytest.raises(ContractViolation, match=f"^Expected a verdict on announcement {key}, found its work unfinished"):
            tasks.verdict(key)
    assert set(lake.frame("bronze", "record")["delivery_id"]) == {RESENT}
    tasks.publish(key)
    assert tasks.verdict(key) == f"{RESENT} accepted"


def test_tasks_that_were_cleared_and_run_again_change_nothing(lake: Lake, nobody_publishes: None) -> None:
    def run(key: str) -> str:
        for step in (tasks.verify, tasks.land, tasks.publish):
            step(key)
        return tasks.verdict(key)

    name, key = next(iter(waiting().items()))
    said = run(key)
    versions = {table: lake.version("bronze", table) for table in lake.tables("bronze")}
    assert said == f"{name} accepted"
    assert versions
    assert run(key) == said
    assert {table: lake.version("bronze", table) for table in lake.tables("bronze")} == versions


@pytest.mark.parametrize("unset", ["PSCC_LANDING", "PSCC_KEYS"])
def test_a_setting_that_is_missing_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch, unset: str) -> None:
    key = tasks.find()[0]
    monkeypatch.delenv(unset)
    with pytest.raises(WrongUse, match=f"^Expected {unset} to be set, found it unset"):
        tasks.verify(key) if unset == "PSCC_KEYS" else tasks.find()


@pytest.mark.jvm
def test_only_the_run_of_the_refused_delivery_fails_and_only_in_its_verdict(world: Answer, lake: Lake, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    log = tmp_path / "demo.log"
    line = next((line for line in done.stdout.splitlines() if line.startswith("RUNS")), None)
    assert line, done.stdout[-2000:] + done.stderr[-2000:] + (log.read_text()[-4000:] if log.exists() else "")
    intake, *ingests, gold, again = json.loads(line.removeprefix("RUNS"))
    assert (intake["dag"], {each["dag"] for each in ingests}, gold["dag"]) == (
        "landing_intake",
        {"delivery_ingest"},
        "gold_build",
    )
    assert (intake["state"], intake["tasks"]) == ("success", {"find": "success"})
    green = dict.fromkeys(("verify", "land", "conform", "verdict"), "success")
    assert {tasks.named(each["key"]): (each["state"], each["tasks"]) for each in ingests} == {
        name: ("failed", green | {"verdict": "failed"}) if name == REFUSED else ("success", green) for name in world.deliveries
    }
    assert (gold["state"], gold["tasks"]) == ("success", dict.fromkeys(["stale", *contracts("gold"), "verdict"], "success"))
    # What waited behind it found everything made, and no engine was asked.
    looked = dict.fromkeys(("stale", "verdict"), "success")
    assert (again["state"], again["tasks"]) == ("success", looked | dict.fromkeys(contracts("gold"), "skipped"))
