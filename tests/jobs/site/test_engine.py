"""One clinical engine a lake: what the lease in the ledger allows, refuses, and ends."""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, text, update

from jobs.errors import LeaseLost, WrongUse
from jobs.ledger import Lease, lease, store
from jobs.ledger.schema import LEASE
from jobs.settings import Settings
from jobs.site import engine, prepare
from tests import postgres

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "EVERY_SECONDS", 0.1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Engine]:
    found = store.open_store(Settings(lake=str(tmp_path / "lake")), create=True)
    yield found
    found.dispose()


def let_another_one_hold(ledger: Engine, *, seconds: float) -> Lease:
    """The lease of an engine on another machine, whose processes nobody here can see."""
    held = lease.taken(ledger, engine.NAME, 60)
    assert held is not None
    with ledger.begin() as connection:
        connection.execute(update(LEASE).values(holder="elsewhere:1:1", expires=time.time() + seconds))
    return held


def test_a_second_engine_is_refused_while_the_first_renews_its_lease(ledger: Engine) -> None:
    first = let_another_one_hold(ledger, seconds=60)
    threading.Timer(0.3, first.renew).start()
    with pytest.raises(WrongUse, match="Expected to be the only clinical engine of s3a://lake, found another one at work"):
        engine.sole(ledger, "s3a://lake")
    first.check()


def test_an_engine_that_died_elsewhere_is_waited_for_until_its_lease_ends(ledger: Engine) -> None:
    dead = let_another_one_hold(ledger, seconds=1.2)
    began = time.monotonic()
    assert engine.sole(ledger, "s3a://lake").token == dead.token + 1
    assert time.monotonic() - began >= 1


def test_the_engine_ends_with_its_own_exit_code_and_a_lease_that_was_renewed(ledger: Engine) -> None:
    held = engine.sole(ledger, "s3a://lake")
    with ledger.begin() as connection:
        connection.execute(update(LEASE).values(expires=0.0))
    assert engine.guarded([sys.executable, "-c", "import time; time.sleep(0.5); raise SystemExit(7)"], {}, held) == 7
    assert lease.ends(ledger, engine.NAME) > time.time()


def test_an_engine_whose_lease_is_lost_is_killed(ledger: Engine) -> None:
    held = engine.sole(ledger, "s3a://lake")
    threading.Timer(0.5, take_over, [ledger]).start()
    began = time.monotonic()
    with pytest.raises(LeaseLost):
        engine.guarded(SLEEPER, {}, held)
    assert time.monotonic() - began < 20


def take_over(ledger: Engine) -> None:
    with ledger.begin() as connection:
        connection.execute(update(LEASE).values(token=LEASE.c.token + 1))


def test_an_engine_that_cannot_reach_the_ledger_ends_before_another_could_start(
    ledger: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SURE_FOR_SECONDS", 0.5)
    held = engine.sole(ledger, "s3a://lake")
    with ledger.begin() as connection:
        connection.execute(text("drop table lease"))
    with pytest.raises(LeaseLost, match="found it silent"):
        engine.guarded(SLEEPER, {}, held)


def test_an_engine_whose_ledger_hangs_ends_before_another_could_start_and_waits_for_nothing(
    postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, lake = tmp_path / "started", "s3a://clinical/lake"
    sleeper = [sys.executable, "-c", f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(60)"]
    monkeypatch.setenv("LAKE_ROOT", lake)
    monkeypatch.setenv("PSCC_DATABASE_URL", postgres.emptied(postgresql))
    monkeypatch.setattr(engine, "SURE_FOR_SECONDS", 2.0)
    monkeypatch.setattr(engine, "command", lambda _: sleeper)
    monkeypatch.setattr(engine, "environment", dict)
    store.open_store(Settings.from_environment(), create=True).dispose()
    over = threading.Event()

    def hang() -> None:
        while not started.exists():
            time.sleep(0.1)
        with postgres.silenced(postgresql):
            over.wait(30)

    hanging = threading.Thread(target=hang)
    hanging.start()
    began = time.monotonic()
    try:
        with pytest.raises(LeaseLost, match="found it silent"):
            engine.main("clinical")
        assert 2 <= time.monotonic() - began < 20
        assert not psutil.pid_exists(int(started.read_text()))
    finally:
        over.set()
        hanging.join()


def test_the_engine_s_role_in_the_database_has_its_own_lease_and_nothing_else(postgresql: str) -> None:
    ledger = store.open_store(Settings(lake="s3a://clinical/lake", database_url=postgres.emptied(postgresql)), create=True)
    lease.taken(ledger, "hospital/gr", 60)
    with ledger.begin() as connection:
        connection.execute(text(f"create role {prepare.ENGINE_ROLE}"))
        prepare.let_engine_in(connection)
    asked = ledger.connect()
    asked.execute(text(f"set role {prepare.ENGINE_ROLE}"))
    asked.execute(text("insert into ledger.lease (name) values (:name)"), {"name": engine.NAME})
    assert asked.execute(text("select name from ledger.lease")).scalars().all() == [engine.NAME]
    asked.commit()
    for refused in (
        "select 1 from ledger.delivery",
        "insert into ledger.lease (name) values ('hospital/x')",
        "delete from ledger.lease",
    ):
        with pytest.raises(Exception, match=r"permission denied|row-level security"):
            asked.execute(text(refused))
        asked.rollback()
        asked.execute(text(f"set role {prepare.ENGINE_ROLE}"))
    asked.execute(text("reset role"))
    asked.commit()
    asked.close()
    with ledger.begin() as connection:
        connection.execute(text(f"drop owned by {prepare.ENGINE_ROLE}"))
        connection.execute(text(f"drop role {prepare.ENGINE_ROLE}"))
    ledger.dispose()
