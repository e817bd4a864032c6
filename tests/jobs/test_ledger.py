"""The ledger, in SQLite and in PostgreSQL: what follows what in a chain, legal steps, leases, and lakes that are not ours."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect, text, update
from sqlalchemy.exc import SQLAlchemyError

from jobs.errors import LakehouseError, LeaseLost, WrongUse
from jobs.ledger import Announcement, Lease, Ledger
from jobs.ledger import lease as leases
from jobs.ledger.schema import LAKE, LEASE
from jobs.ledger.store import SCHEMA
from jobs.settings import Settings
from tests import postgres
from tests.jobs.deliveries import delivery_id, know


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A lake without a ledger yet, which will lie in either database."""
    shared = postgres.emptied(request.getfixturevalue("postgresql")) if request.param == "postgresql" else None
    return Settings(lake=str(tmp_path / "lake"), database_url=shared)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    made = Ledger(settings)
    yield made
    made.close()


@pytest.fixture
def lease(ledger: Ledger) -> Iterator[Lease]:
    with ledger.hold("hospital/gr") as held:
        yield held


@pytest.mark.parametrize(
    ("known", "previous", "problem", "after", "position"),
    [
        # known: name state previous replaces
        ("", None, None, None, 1),
        ("", "a", "CHAIN_GAP", None, 1),
        ("a loaded - -", "a", None, "a", 2),
        ("a loading - -", "a", None, "a", 2),
        ("a loaded - -", None, "CHAIN_FORK", None, 1),
        ("a held - -", None, None, None, 1),
        ("a rejected - -", "a", "CHAIN_GAP", None, 1),
        ("a rejected - -, b loaded - a", "a", None, "b", 2),
        ("a rejected - -, b rejected - a, c loaded - b", "a", None, "c", 2),
        ("a rejected - -, b rejected - a, c loaded - a", "b", "CHAIN_GAP", None, 1),
        ("a loaded - -, b loaded a -", "a", "CHAIN_FORK", "a", 2),
        ("a loaded - -, b held a -", "a", None, "a", 2),
        ("a rejected - -, b loaded - a, c loaded b -", "a", "CHAIN_FORK", "b", 2),
        ("a loaded - -, b loaded a -, c loaded b -", "c", None, "c", 4),
    ],
)
def test_the_place_of_a_delivery_follows_from_the_chain_and_not_from_its_arrival(
    ledger: Ledger, lease: Lease, known: str, previous: str | None, problem: str | None, after: str | None, position: int
) -> None:
    for line in filter(None, known.split(", ")):
        name, state, before, replaces = (None if part == "-" else part for part in line.split())
        know(ledger, lease, str(name), str(state), before, replaces)
    place = ledger.place(know(ledger, lease, "z", "verifying", previous))
    assert (place.problem, place.after or None, place.position) == (problem, delivery_id(after), position)


def test_only_one_delivery_can_load_behind_the_same_predecessor(ledger: Ledger, lease: Lease) -> None:
    know(ledger, lease, "a", "loaded")
    one, other = know(ledger, lease, "b", "verifying", "a"), know(ledger, lease, "c", "verifying", "a")
    ledger.move(one, "loading", lease, predecessor=delivery_id("a"), chain_position=2)
    with pytest.raises(Exception, match=r"(?i)unique"):
        ledger.move(other, "loading", lease, predecessor=delivery_id("a"), chain_position=2)


@pytest.mark.parametrize(
    ("state", "refused"),
    [
        ("loaded", ["loading", "rejected", "held"]),
        ("rejected", ["loading", "held"]),
        ("loading", ["rejected"]),
        ("verifying", ["loaded"]),
    ],
)
def test_a_step_that_is_not_legal_is_refused(ledger: Ledger, lease: Lease, state: str, refused: list[str]) -> None:
    found = know(ledger, lease, "a", state)
    for step in refused:
        with pytest.raises(LakehouseError, match="legal step"):
            ledger.move(found, step, lease)  # type: ignore[arg-type]
    assert ledger.delivery("gr", found.delivery_id).state == state


def test_every_step_is_in_the_journal(ledger: Ledger, lease: Lease) -> None:
    know(ledger, lease, "a", "loaded")
    steps = [(each.from_state, each.to_state) for each in ledger.steps("GR-20200101-001")]
    assert steps == [("announced", "verifying"), ("verifying", "loading"), ("loading", "loaded")]


def test_a_manifest_is_new_when_its_time_or_size_is(ledger: Ledger) -> None:
    seen = [("x", 1, 10), ("x", 1, 10), ("x", 1, 11), ("x", 2, 11), ("y", 1, 10)]
    assert [ledger.announce(*each, folder="f") for each in seen] == [True, False, True, True, True]


def test_announcements_come_in_the_order_of_their_manifests(ledger: Ledger) -> None:
    for path, time_ns in [("b", 2), ("c", 1), ("a", 2)]:
        ledger.announce(path, 1, time_ns, "f")
    assert [each.path for each in ledger.announcements()] == ["c", "a", "b"]


def test_an_announcement_keeps_its_first_verdict(ledger: Ledger, lease: Lease) -> None:
    held = ledger.move(know(ledger, lease, "a", "verifying"), "held", lease, ["CHAIN_GAP"], report={"delivery_id": "x"})
    loading = ledger.move(held, "loading", lease, predecessor="", chain_position=1)
    ledger.move(loading, "loaded", lease, report={"delivery_id": "x"})
    assert ledger.announcement(held.announcement_id).outcome == "held"
    assert ledger.announcements(unsettled=True) == []


def test_a_worker_that_lost_its_lease_writes_nothing_more(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.2)
    monkeypatch.setattr(Lease, "renew", lambda self: None)
    with closing(Ledger(settings)) as zombie, closing(Ledger(settings)) as fresh, zombie.hold("hospital/gr") as old:
        found = know(zombie, old, "a", "verifying")
        with fresh.hold("hospital/gr", patience=5) as new:
            assert new.token > old.token
            with pytest.raises(LeaseLost):
                old.check()
            with pytest.raises(LeaseLost):
                zombie.move(found, "held", old)
            fresh.move(found, "held", new)
        assert fresh.delivery("gr", found.delivery_id).state == "held"


def test_a_lease_is_refused_while_another_worker_renews_it(settings: Settings) -> None:
    with (
        closing(Ledger(settings)) as one,
        closing(Ledger(settings)) as other,
        one.hold("hospital/gr"),
        pytest.raises(LakehouseError, match="still held"),
        other.hold("hospital/gr", patience=0.5),
    ):
        pass


def test_a_lease_outlasts_a_database_that_is_away_for_a_moment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 1.2)
    with closing(Ledger(settings)) as one, closing(Ledger(settings)) as other, one.hold("hospital/gr"):
        _rename(other, LEASE.name, "away")
        time.sleep(0.6)
        _rename(other, "away", LEASE.name)
        time.sleep(1.2)
        with pytest.raises(LakehouseError, match="still held"), other.hold("hospital/gr", patience=0.1):
            pass


def _rename(ledger: Ledger, table: str, name: str) -> None:
    prefix = f"{SCHEMA}." if ledger.engine.dialect.name == "postgresql" else ""
    with ledger.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {prefix}{table} RENAME TO {name}"))


def test_the_lease_of_a_killed_process_is_free_at_once(settings: Settings) -> None:
    code = (
        "import os, signal; from jobs.ledger import Ledger; from jobs.settings import Settings\n"
        f"ledger = Ledger(Settings(lake={settings.lake!r}, database_url={settings.database_url!r}))\n"
        "with ledger.hold('hospital/gr'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -9
    began = time.monotonic()
    with closing(Ledger(settings)) as ledger, ledger.hold("hospital/gr", patience=5) as lease:
        assert lease.token == 2
    assert time.monotonic() - began < 2


def test_workers_that_start_at_once_make_one_ledger(settings: Settings) -> None:
    def start(_: int) -> list[Announcement]:
        with closing(Ledger(settings)) as ledger:
            ledger.hold_to_key("a" * 32, first=True)
            return ledger.announcements()

    with ThreadPoolExecutor(8) as workers:
        assert list(workers.map(start, range(8))) == [[]] * 8


def test_a_lake_keeps_the_first_platform_key_that_loads_into_it(ledger: Ledger) -> None:
    ledger.hold_to_key("b" * 32)
    ledger.hold_to_key("a" * 32, first=True)
    ledger.hold_to_key("a" * 32)
    with pytest.raises(WrongUse, match="another one"):
        ledger.hold_to_key("b" * 32, first=True)


def test_a_lease_can_be_held_twice_by_its_holder(ledger: Ledger, lease: Lease) -> None:
    with ledger.hold("hospital/gr") as again:
        assert again is lease
    lease.check()


def test_a_decision_says_who_when_what_and_why(ledger: Ledger, lease: Lease) -> None:
    ledger.decide(know(ledger, lease, "a", "held"), "approve", "M. Curie", "counted by hand")
    decision = ledger.decisions()[0]
    assert (decision.delivery_id, decision.verdict, decision.by, decision.why) == (
        "GR-20200101-001",
        "approve",
        "M. Curie",
        "counted by hand",
    )
    assert decision.at.endswith("Z")


def test_a_lake_of_another_version_is_left_alone(settings: Settings, ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(update(LAKE).where(LAKE.c.name == "format").values(value="99"))
        LEASE.drop(connection)
    with pytest.raises(WrongUse, match="format 99"):
        Ledger(settings)
    schema = "ledger" if settings.database_url else None
    assert not inspect(ledger.engine).has_table("lease", schema=schema)


def test_a_database_without_a_ledger_is_no_lake(settings: Settings) -> None:
    with pytest.raises(WrongUse, match="Expected a lake in"):
        Ledger(settings, create=False)


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda lake: None, "Expected a lake in"),
        (lambda lake: lake.write_text("no folder"), "Expected a lake in"),
        (
            lambda lake: (
                lake.mkdir(),
                (lake / "ledger.sqlite").write_text("no database, but long enough to be read as one" * 30),
            ),
            "cannot be used",
        ),
    ],
)
def test_what_is_no_lake_gets_a_sentence(tmp_path: Path, prepare: object, sentence: str) -> None:
    lake = tmp_path / "lake"
    prepare(lake)  # type: ignore[operator]
    with pytest.raises(WrongUse, match=sentence):
        Ledger(Settings(lake=str(lake)), create=False)


def test_an_object_store_needs_a_shared_ledger() -> None:
    with pytest.raises(WrongUse, match="PSCC_DATABASE_URL"):
        Ledger(Settings(lake="s3a://bucket/lake"))


def test_a_copied_lake_is_complete(tmp_path: Path) -> None:
    ledger = Ledger(Settings(lake=str(tmp_path / "one")))
    with ledger.hold("hospital/gr") as lease:
        know(ledger, lease, "a", "loaded")
    ledger.close()
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    copied = Ledger(Settings(lake=str(tmp_path / "two")), create=False)
    assert [each.state for each in copied.deliveries()] == ["loaded"]


def test_a_lease_that_cannot_be_given_back_hides_nothing_and_ends_by_itself(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Lease) -> None:
        raise SQLAlchemyError

    monkeypatch.setattr(Lease, "release", away)
    with pytest.raises(LakehouseError, match="what went wrong"), ledger.hold("one"):
        raise LakehouseError("what went wrong")
    with ledger.hold("two"):
        pass
    assert time.time() < leases.ends(ledger.engine, "two") <= time.time() + leases.LEASE_SECONDS
