"""A process that is killed, wherever it is, is followed by one that ends as if nothing had happened, and nothing is there twice."""

import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from jobs import ingest
from jobs.failpoint import VARIABLE
from jobs.lake import Lake, content_hash
from jobs.ledger import Ledger
from quality.contracts import contracts
from tests.flow.answer_key import differences, state, waiting
from tests.flow.conftest import Lakehouse, announce

pytestmark = pytest.mark.samples
ROOT = Path(__file__).parents[2]
FIRST = "base/landing/gr/2021/08/GR-20210831-001"
# The later one arrives first, waits, and is released by the other: the two pass every place.
LATER_FIRST = ("out_of_order/landing/gr/2023/09/GR-20230926-130", "out_of_order/landing/gr/2022/12/GR-20221203-131")
# What identifies a row of the operators' tables.
OPS_KEYS = {
    "delivery": ["center", "delivery_id"],
    "load_process": ["load_id", "table"],
    "quality_result": ["pass_number", "table"],
    "build": ["build", "table"],
    "drift": ["delivery_id", "domain", "column", "measure"],
}


@dataclass(frozen=True)
class Place:
    """Where a process dies, and how many silver tables bear new rows by then (None: some)."""

    failpoint: str
    committed: int | None = 0


BEFORE_SILVER = [Place("staging"), Place("before_bronze"), Place("after_bronze")]
RELEASING = Place("release_held")
IN_SILVER = [Place("after_staging_silver"), Place("between_silver", 1), Place("before_ledger", None)]


def load(house: Lakehouse, samples: Path, landing: Path) -> None:
    house.ingest(landing, samples / "faulty" / "keys.json")


def announce_all(samples: Path, landing: Path, *deliveries: str) -> Path:
    for each in deliveries:
        announce(samples / "faulty" / each, landing)
    return landing


def killed(house: Lakehouse, failpoint: str, *command: str) -> bool:
    """Run a command in a process of its own that kills itself at a place; False when it ended in another way."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PSCC_DATABASE_URL", "SPARK_REMOTE")}
    environment |= {VARIABLE: failpoint, "PSCC_PLATFORM_KEY_FILE": str(house.settings.platform_key_file)}
    # Not into pipes: its JVM holds them a moment longer than the process lives.
    with (house.root.parent / f"{failpoint}.log").open("w") as said:
        done = subprocess.run(
            [sys.executable, "-m", "jobs.cli", *command, "--lake", str(house.root)],
            cwd=ROOT,
            env=environment,
            stdout=said,
            stderr=said,
            check=False,
            timeout=600,
        )
    return done.returncode == -signal.SIGKILL


def silver_versions(house: Lakehouse) -> dict[str, int]:
    lake = Lake(str(house.root))
    return {table: lake.version("silver", table) for table in lake.tables("silver")}


def outcome(house: Lakehouse) -> dict[str, object]:
    """Everything that must be the same whether or not a process was killed: rows of all zones, waiting rows, the ledger."""
    lake = Lake(str(house.root))
    found: dict[str, object] = dict(state(lake))
    found |= {f"bronze.{table}": content_hash(lake.frame("bronze", table), ["since"]) for table in lake.tables("bronze")}
    found |= {"waiting": waiting(lake)}
    return found | told(house)


def told(house: Lakehouse) -> dict[str, object]:
    """What the ledger says: the state of each delivery, how often it was loaded and in how many passes, the verdict of each announcement."""
    ledger = Ledger(house.settings, create=False)
    try:
        found: dict[str, object] = {
            each.delivery_id: (
                each.state,
                each.chain_position,
                [step.to_state for step in ledger.steps(each.delivery_id)].count("loaded"),
            )
            for each in ledger.deliveries()
        }
        passes = Counter(delivery for _, _, deliveries in ledger.passes() for delivery in deliveries)
        return found | {
            "passes": passes,
            "verdicts": Counter((each.delivery_id, each.outcome) for each in ledger.announcements()),
        }
    finally:
        ledger.close()


def twice(house: Lakehouse) -> dict[str, int]:
    """Rows that stand twice in a table of the operators, by table."""
    lake = Lake(str(house.root))
    found = {}
    for table in lake.tables("ops"):
        frame = lake.frame("ops", table)
        if table == "quality_result":
            # A line for the table as a whole; its rules have lines of their own.
            frame = frame.filter(pl.col("expectation") == "*")
        found[table] = frame.height - frame.select(OPS_KEYS[table]).unique().height
    return {table: count for table, count in found.items() if count}


def counted(house: Lakehouse) -> Counter[str]:
    """New rows by silver table, as the passes counted them."""
    frame = Lake(str(house.root)).frame("ops", "load_process", ["table", "new"])
    return Counter(dict(frame.group_by("table").agg(pl.col("new").sum()).iter_rows()))


@pytest.fixture(scope="module")
def base(samples: Path, spark: object, tmp_path_factory: pytest.TempPathFactory) -> Lakehouse:
    """A lake that holds the first delivery of a hospital."""
    folder = tmp_path_factory.mktemp("one")
    house = Lakehouse(folder / "lake", spark)
    load(house, samples, announce_all(samples, folder / "landing", FIRST))
    return house


@pytest.fixture(scope="module")
def undisturbed(base: Lakehouse, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Lakehouse:
    """What comes of two deliveries more when nothing goes wrong."""
    folder = tmp_path_factory.mktemp("undisturbed")
    house = base.copy(folder / "lake")
    load(house, samples, announce_all(samples, folder / "landing", *LATER_FIRST))
    return house


def check(place: Place, base: Lakehouse, undisturbed: Lakehouse, samples: Path, folder: Path) -> None:
    """Kill a process at a place, start another: it ends like the lake that was left alone."""
    house = base.copy(folder / "lake")
    landing = announce_all(samples, folder / "landing", *LATER_FIRST)
    before = silver_versions(house)
    assert killed(house, place.failpoint, "ingest", str(landing), "--keys", str(samples / "faulty" / "keys.json"))
    committed = len(differences(before, silver_versions(house)))
    assert committed == place.committed if place.committed is not None else committed > 1
    load(house, samples, landing)
    assert differences(outcome(undisturbed), outcome(house)) == {}
    assert [each for each in told(house).values() if isinstance(each, tuple) and (each[0], each[2]) != ("loaded", 1)] == []
    assert twice(house) == {}
    # The dead pass may have taken its counts along; no row may be counted by both.
    assert counted(house) <= counted(undisturbed)


def test_a_process_killed_while_it_releases_a_held_delivery(
    base: Lakehouse, undisturbed: Lakehouse, samples: Path, tmp_path: Path
) -> None:
    check(RELEASING, base, undisturbed, samples, tmp_path)


@pytest.mark.acceptance
@pytest.mark.parametrize("place", BEFORE_SILVER, ids=lambda place: place.failpoint)
def test_a_process_killed_on_the_way_to_bronze(
    place: Place, base: Lakehouse, undisturbed: Lakehouse, samples: Path, tmp_path: Path
) -> None:
    check(place, base, undisturbed, samples, tmp_path)


@pytest.mark.acceptance
@pytest.mark.parametrize("place", IN_SILVER, ids=lambda place: place.failpoint)
def test_a_process_killed_on_the_way_to_silver(
    place: Place, base: Lakehouse, undisturbed: Lakehouse, samples: Path, tmp_path: Path
) -> None:
    check(place, base, undisturbed, samples, tmp_path)


@pytest.mark.acceptance
def test_a_process_killed_in_the_middle_of_a_gold_build(undisturbed: Lakehouse, tmp_path: Path) -> None:
    alone = undisturbed.copy(tmp_path / "alone")
    assert set(ingest.build(alone.settings, alone.engine)) == set(contracts("gold"))
    house = undisturbed.copy(tmp_path / "lake")
    done, rest = list(contracts("gold"))[:2], list(contracts("gold"))[2:]
    assert all(ingest.build_table(house.settings, house.engine, table) for table in done)
    assert killed(house, "gold_build", "build")
    # What the dead build had staged was never seen; what was there before stands.
    assert [table for table in rest if Lake(str(house.root)).frame("gold", table).height] == []
    assert list(ingest.build(house.settings, house.engine)) == rest
    assert differences(state(Lake(str(alone.root))), state(Lake(str(house.root)))) == {}
    assert twice(house) == {}
    assert ingest.build(house.settings, house.engine) == {}
