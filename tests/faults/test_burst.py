"""A burst of deliveries while every program on their way is killed once: each is loaded once, and each program is back before long."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from jobs.delivering import deliver
from jobs.ingest import gold_is_fresh
from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.services import supervisor
from jobs.services.place import Place
from jobs.services.probes import TOLD_AS, health
from jobs.services.programs import named, programs
from jobs.silver.engine import Engine
from jobs.simulate import Answer, simulate
from tests.flow.answer_key import count_differences, gene_differences, waiting_differences
from tests.jobs.services.stack import by_program, program_itself, services_for, settings_of

pytestmark = pytest.mark.acceptance
ROUNDS = 10  # of three hospitals each
# By how many steps of deliveries in the ledger each is killed: the first while they are dropped. A delivery takes three steps, four if it waits for another.
KILLED = {"triggerer": 0, "scheduler": 15, "dag-processor": 30, "api-server": 45, "postgresql": 60, "clinical-engine": 80}
BACK_SECONDS = 90
# A run that was lost altogether is asked for again after a quarter of an hour.
PATIENCE_SECONDS = 2400


@dataclass(frozen=True)
class Kill:
    """A program that was killed, while so many deliveries were loaded: when, and the process that guarded it."""

    program: str
    loaded: int
    at: float
    guard: int


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    pytest.importorskip("supervisor", reason="the supervisor is not installed: pscc-lakehouse[services]")
    return simulate(60, ROUNDS, 7, tmp_path_factory.mktemp("hospitals") / "made")


@pytest.fixture(scope="module")
def place(hospitals: Answer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The services of one machine without a class."""
    with services_for(hospitals, tmp_path_factory.mktemp("b"), without=("academy",)) as made:
        yield made


def states(place: Place) -> Counter[str]:
    """How many deliveries are in which state."""
    with closing(Ledger(settings_of(place))) as ledger:
        return Counter(each.state for each in ledger.deliveries())


def wait_for_steps(place: Place, number: int) -> None:
    """Until the deliveries have taken so many steps together."""
    until, done = time.monotonic() + PATIENCE_SECONDS, -1
    while done < number:
        if time.monotonic() > until:
            pytest.fail(f"the deliveries stand still after {done} steps: {dict(states(place))}")
        with closing(Ledger(settings_of(place))) as ledger:
            done = sum(len(ledger.steps(each.delivery_id)) for each in ledger.deliveries())
        time.sleep(0.2)


def killed(place: Place, name: str) -> Kill:
    """SIGKILL a program, and see it dead."""
    loaded, guard, itself = states(place)["loaded"], by_program(place, name)[0].pid, program_itself(place, name)
    itself.kill()
    psutil.wait_procs([itself], timeout=30)
    return Kill(name, loaded, time.time(), guard)


def seconds_until_back(place: Place, kill: Kill) -> float:
    """Waits until the successor of a killed program is well."""
    while not is_back(place, kill):
        if time.time() - kill.at > PATIENCE_SECONDS:
            pytest.fail(f"{kill.program} is not back after {PATIENCE_SECONDS} s: see {place.logs}")
        time.sleep(0.5)
    return time.time() - kill.at


def is_back(place: Place, kill: Kill) -> bool:
    """True where another process runs and is well. A sign of life from before the kill is one of the dead."""
    known = supervisor.states(place)[kill.program]
    if known["statename"] != "RUNNING" or known["pid"] == kill.guard or named(kill.program).probe(place) is not None:
        return False
    return kill.program not in TOLD_AS or last_sign_of_life(place, kill.program) > kill.at


def last_sign_of_life(place: Place, name: str) -> float:
    """When a process of Airflow was last heard of; 0 where nobody tells."""
    told = health(f"http://127.0.0.1:{place.ports['api-server']}")
    if isinstance(told, str):
        return 0
    return datetime.fromisoformat(told[TOLD_AS[name]][f"latest_{TOLD_AS[name]}_heartbeat"]).timestamp()


def in_order(hospitals: Answer) -> list[Path]:
    found = {each.parent.name: each.parent for each in hospitals.landing.rglob("manifest.json")}
    return [found[name] for name in hospitals.deliveries]


def wait_until_all_is_loaded(place: Place, number: int, since: float) -> tuple[float, float]:
    """Seconds until all deliveries are loaded, and until gold holds them."""
    engine, loaded = Engine(settings_of(place)), None
    while time.monotonic() - since < PATIENCE_SECONDS:
        if loaded is None and states(place)["loaded"] == number:
            loaded = time.monotonic() - since
        if loaded is not None and gold_is_fresh(settings_of(place), engine):
            return loaded, time.monotonic() - since
        time.sleep(1)
    pytest.fail(
        f"after {PATIENCE_SECONDS} s of {number} deliveries: {dict(states(place))}; gold lacks some: {loaded is not None}"
    )


def test_a_burst_is_loaded_once_though_every_program_is_killed_meanwhile(
    place: Place, hospitals: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    deliveries, started = in_order(hospitals), time.monotonic()
    half = len(deliveries) // 2
    for each in deliveries[:half]:
        deliver(each, Path(place.landing))
    kills = {}
    for name, steps in KILLED.items():
        wait_for_steps(place, steps)
        kill = killed(place, name)
        # The rest is dropped while nobody is there to see it.
        for each in deliveries[half:] if name == "triggerer" else ():
            deliver(each, Path(place.landing))
        kills[kill] = seconds_until_back(place, kill)
    loaded, gold = wait_until_all_is_loaded(place, len(deliveries), started)
    with capsys.disabled():
        print(told(kills, len(deliveries), loaded, gold))

    assert [kill.program for kill in kills if kill.loaded == len(deliveries)] == [], "killed when all was over"
    assert once(place) == dict.fromkeys(hospitals.deliveries, ("loaded", 1, 1))
    lake = Lake(place.lake)
    record = lake.frame("bronze", "record", ["delivery_id", "source_file", "source_row_no"])
    assert dict(record.group_by("delivery_id").len().iter_rows()) == {each.name: rows_of(each) for each in deliveries}
    assert record.unique().height == record.height
    last = hospitals.deliveries[-1]
    assert count_differences(hospitals.root, lake, last) == {}
    assert waiting_differences(hospitals.root, lake, last) == {}
    assert gene_differences(hospitals.root, lake) == {}
    assert {kill.program: seconds for kill, seconds in kills.items() if seconds > BACK_SECONDS} == {}
    assert unwell(place) == {}


def unwell(place: Place) -> dict[str, str]:
    """What is wrong with a program, for each that is not well."""
    known = supervisor.states(place)
    stopped = {name: known[name]["statename"] for name in supervisor.names(place) if known[name]["statename"] != "RUNNING"}
    return {each.name: wrong for each in programs(place) if (wrong := each.probe(place)) is not None} | stopped


def once(place: Place) -> dict[str, tuple[str, int, int]]:
    """The state of each delivery, how often it came to be loaded, and in how many passes."""
    with closing(Ledger(settings_of(place))) as ledger:
        passes = Counter(name for _, _, names in ledger.passes() for name in names)
        return {
            each.delivery_id: (
                each.state,
                [step.to_state for step in ledger.steps(each.delivery_id)].count("loaded"),
                passes[each.delivery_id],
            )
            for each in ledger.deliveries()
        }


def rows_of(delivery: Path) -> int:
    """The rows that its manifest declares."""
    return sum(each["rows"] for each in json.loads((delivery / "manifest.json").read_text())["files"])


def told(kills: dict[Kill, float], number: int, loaded: float, gold: float) -> str:
    lines = [
        f"{kill.program}: killed with {kill.loaded} loaded, well again after {seconds:.0f} s" for kill, seconds in kills.items()
    ]
    return "\n".join(["", *lines, f"{number}/{number} loaded after {loaded:.0f} s, in gold after {gold:.0f} s"])
