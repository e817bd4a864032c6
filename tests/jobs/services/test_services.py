"""The services for real: a delivery that is dropped is in gold with no hand on it, though the clinical engine is killed on its way."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from hub_config import engine
from hub_config.parts import PROXY_UID
from jobs.delivering import deliver
from jobs.ingest import gold_is_fresh
from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.services import supervisor, users
from jobs.services.place import Place
from jobs.services.programs import named, programs
from jobs.services.told import address_of, prepared_from_environment
from jobs.services.updown import down, up
from jobs.silver.engine import Engine
from jobs.simulate import Answer, simulate
from tests.courses.standin import write_release
from tests.hub_config.hub_client import Visitor
from tests.hub_config.lake import make_lessons
from tests.jobs.services.stack import by_program, program_itself, services_for, settings_of

pytestmark = pytest.mark.acceptance
PATIENCE_SECONDS = 600
of_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives each trust domain a user")
# An account that has nothing to do with any of this.
NOBODY = 64699
# An analyst's client, which knows nothing of this project.
CLIENT = """
import sys
from pyspark.sql import SparkSession
rows = SparkSession.builder.getOrCreate().sql(sys.argv[1]).collect()
print("\\n".join(" ".join(map(str, row)) for row in rows))
"""


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    pytest.importorskip("supervisor", reason="the supervisor is not installed: pscc-lakehouse[services]")
    return simulate(60, 1, 7, tmp_path_factory.mktemp("hospitals") / "made")


@pytest.fixture(scope="module")
def place(hospitals: Answer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Services of this machine, up and well; down and gone in the end."""
    with services_for(hospitals, tmp_path_factory.mktemp("s")) as made:
        yield made


def is_loaded(place: Place, name: str) -> bool:
    ledger = Ledger(settings_of(place))
    try:
        return any(each.delivery_id == name and each.state == "loaded" for each in ledger.deliveries())
    finally:
        ledger.close()


def wait_until(what: str, done: object) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not done():  # type: ignore[operator]
        assert time.monotonic() < until, f"{what}: not after {PATIENCE_SECONDS} s"
        time.sleep(0.5)


def test_a_delivery_is_in_gold_with_no_hand_on_it_though_the_engine_is_killed_on_its_way(place: Place, hospitals: Answer) -> None:
    assert all(each.probe(place) is None for each in programs(place))
    folder = next(path.parent for path in sorted(hospitals.landing.rglob("manifest.json")))
    name = deliver(folder, Path(place.landing)).name
    wait_until("in bronze", lambda: Lake(place.lake).exists("bronze", "record"))
    program_itself(place, "clinical-engine").kill()
    wait_until("the engine is back", lambda: named("clinical-engine").probe(place) is None)
    wait_until("loaded", lambda: is_loaded(place, name))
    wait_until("in gold", lambda: gold_is_fresh(settings_of(place), Engine(settings_of(place))))
    assert len(Lake(place.lake).frame("gold", "patient_summary")) > 0


def people(place: Place, name: str) -> set[int]:
    """Who the processes of a program are, all but those that root keeps before it."""
    before = ("bwrap", "setpriv")
    return {each.uids().real for each in by_program(place, name)[1:] if each.name() not in before}


@of_root
def test_each_program_is_the_user_of_its_trust_domain(place: Place) -> None:
    found = {each.name: people(place, each.name) for each in programs(place)}
    clinical = ("clinical-engine", "api-server", "scheduler", "dag-processor", "triggerer")
    # The door of that engine is root's.
    expected = {name: {users.CLINICAL_UID} for name in clinical} | {"curated-engine": {0, engine.CURATED_UID}}
    assert found == expected | {"postgresql": {users.POSTGRES_UID}}
    door, *inside = [each for each in by_program(place, "curated-engine")[1:] if each.name() != "bwrap"]
    assert (door.uids().real, {each.uids().real for each in inside}) == (0, {engine.CURATED_UID})


def pscc(place: Place, *words: str) -> str:
    """What a command prints that an operator types."""
    known = os.environ | {"PSCC_PLATFORM_KEY_FILE": place.platform_key_file, "LAKE_ROOT": place.lake}
    done = subprocess.run([sys.executable, "-m", "jobs.cli", *words], env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def foreign(place: Place) -> list[Path]:
    """What in the lake is not the clinical user's."""
    found = []
    for path in (Path(place.lake), *Path(place.lake).rglob("*")):
        # Somebody is at work there: what is gone again was nobody's for long.
        with suppress(FileNotFoundError):
            found += [path] if path.lstat().st_uid != users.CLINICAL_UID else []
    return found


@of_root
def test_neither_tasks_nor_commands_that_root_types_leave_anything_of_root_s_in_the_lake(place: Place, hospitals: Answer) -> None:
    assert foreign(place) == []
    center = Ledger(settings_of(place)).deliveries()[0].center
    pscc(place, "quarantine", "replay", center)
    pscc(place, "maintain", "--only", "verify,compact,logs")
    pscc(place, "status", "--services", str(place.state))
    assert foreign(place) == []
    folder = sorted(hospitals.landing.rglob("manifest.json"))[1].parent
    name = deliver(folder, Path(place.landing)).name
    wait_until("loaded after commands of root's", lambda: is_loaded(place, name))
    wait_until("in gold", lambda: gold_is_fresh(settings_of(place), Engine(settings_of(place))))
    assert foreign(place) == []


def as_nobody(place: Place, script: str, **known: str) -> subprocess.CompletedProcess[str]:
    """A script of an account of the machine that has nothing to do with the lakehouse."""
    words = [*users.machine([]), "--", *users.become(NOBODY), sys.executable, "-c", script, "SELECT 1"]
    return subprocess.run(words, env=os.environ | known, capture_output=True, text=True, check=False, cwd="/")


@of_root
def test_another_account_reaches_neither_the_clinical_engine_nor_its_token_nor_the_ledger(place: Place) -> None:
    address, _, token = place.engine().partition("token=")
    assert as_nobody(place, CLIENT, SPARK_REMOTE=f"{address}token={token}").stdout.strip() == "1"
    for other in (address, f"{address}token={token[:-1]}x"):
        refused = as_nobody(place, CLIENT, SPARK_REMOTE=other)
        assert (refused.returncode, refused.stdout) == (1, ""), other
    told = program_itself(place, "clinical-engine")
    paths = (f"/proc/{told.pid}/environ", str(place.state / "services.json"), f"{place.lake}/ledger.sqlite")
    for path in paths:
        assert Path(path).read_bytes(), "root reads it"
        assert "PermissionError" in as_nobody(place, f"open({path!r})").stderr


def asked(place: Place, user: str, query: str) -> subprocess.CompletedProcess[str]:
    """What a client of an analyst prints: rows as JSON, or why it was refused."""
    return subprocess.run(
        [sys.executable, "-c", CLIENT, query],
        env=os.environ | {"SPARK_REMOTE": address_of(place.state, user)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_analyst_reads_gold_and_nothing_else_and_changes_nothing(place: Place) -> None:
    lake = Lake(place.lake)
    told = asked(place, "ada", "SELECT count(*) AS n FROM gold.patient_summary")
    assert told.stdout.strip() == str(len(lake.frame("gold", "patient_summary"))), told.stderr
    tables = asked(place, "ada", "SHOW TABLES IN gold").stdout.split()
    assert set(lake.tables("gold")) <= set(tables)
    for query in (
        f"SELECT * FROM delta.`{place.lake}/silver/person`",
        "DELETE FROM gold.patient_summary",
        "INSERT INTO gold.patient_summary SELECT * FROM gold.patient_summary",
        "CREATE TABLE mine AS SELECT 1 AS n",
    ):
        refused = asked(place, "ada", query)
        assert refused.returncode == 1, query
        assert refused.stdout == ""


def test_pscc_sql_asks_the_curated_engine_where_it_is_named(place: Place) -> None:
    command = [sys.executable, "-m", "jobs.cli", "sql", "SELECT count(*) AS n FROM gold.patient_summary", "--format", "csv"]
    told = subprocess.run(
        [*command, "--lake", place.lake],
        env=os.environ | {"SPARK_REMOTE": address_of(place.state, "ada")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.split() == ['"n"', str(len(Lake(place.lake).frame("gold", "patient_summary")))], told.stderr


def test_the_officer_sees_who_read_what(place: Place) -> None:
    asked(place, "ida", "SELECT sex, count(*) FROM gold.patient_summary GROUP BY sex")
    words = ["access", "list", "--who", "ida", "--json", "--lake", place.lake, "--services", str(place.state)]
    found = subprocess.run([sys.executable, "-m", "jobs.cli", *words], capture_output=True, text=True, check=True, env=os.environ)
    (line,) = [json.loads(each) for each in found.stdout.splitlines()]
    assert (line["table"], line["columns"], line["outcome"]) == ("gold.patient_summary", ["sex"], "answered")
    assert line["version"] == Lake(place.lake).version("gold", "patient_summary")
    assert line["rows"] > 0


def test_who_has_no_address_is_not_known(place: Place) -> None:
    forged = address_of(place.state, "ada")[:-1] + "x"
    refused = subprocess.run(
        [sys.executable, "-c", CLIENT, "SELECT 1"],
        env=os.environ | {"SPARK_REMOTE": forged},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "does not know you: ask for your address again" in refused.stderr


def test_everything_is_gone_after_down_and_back_after_up(place: Place) -> None:
    before = [each for program in programs(place) for each in by_program(place, program.name)]
    assert down(place)
    _, alive = psutil.wait_procs(before, timeout=10)
    assert not alive
    assert not supervisor.is_running(place)
    up(place, lambda _: None)
    assert all(each.probe(place) is None for each in programs(place))
    assert len(os.listdir(place.logs)) > len(programs(place))  # noqa: PTH208


def test_a_class_begins_with_its_release_survives_its_hub_and_ends_with_the_services(place: Place) -> None:
    if engine.level()[0] == "none":
        pytest.skip(f"needs a sandbox for the teaching engine, found none: {engine.level()[1]}")
    teaching = Path(place.lake, "teaching")
    write_release(teaching / "small", 100)
    (teaching / "small" / "card.json").write_text("{}")
    (teaching / "releases.json").write_text(json.dumps([{"name": "small", "state": "approved", "at": "2026-01-02"}]))
    make_lessons(place.academy / "built")
    taught = prepared_from_environment(place.state, None, None, None)
    said = up(taught, lambda _: None)
    assert {each.name for each in programs(taught)} - {each.name for each in programs(place)} == {"teaching-engine", "hub"}
    assert all(each.probe(taught) is None for each in programs(taught))

    trainee = Visitor(f"http://127.0.0.1:{taught.ports['hub']}")
    invitation = re.search(r"Invitation of trainee-1, good once: (\S+)", said)
    assert invitation is not None, said
    assert trainee.accept(invitation[1], "une phrase assez longue").status_code == 302
    assert "100" in in_class(trainee)

    if os.geteuid() == 0:
        # Nobody of the network speaks to root.
        assert {0, PROXY_UID} < people(taught, "hub")
    _, *below = by_program(taught, "hub")
    next(each for each in below if "jupyterhub" in each.cmdline()).kill()
    _, alive = psutil.wait_procs(below, timeout=30)
    assert not alive, "the servers of a hub that was killed go with it"
    wait_until("the hub is back", lambda: named("hub").probe(taught) is None)
    assert "100" in in_class(trainee)

    before = [each for program in programs(taught) for each in by_program(taught, program.name)]
    assert down(taught)
    _, alive = psutil.wait_procs(before, timeout=10)
    assert not alive


def in_class(trainee: Visitor) -> str:
    """What a notebook of a trainee prints of the release."""
    trainee.spawn(PATIENCE_SECONDS)
    return trainee.run("from courses.kit import spark; print(spark.table('edu_patient').count())", patience=PATIENCE_SECONDS)
