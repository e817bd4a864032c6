"""Leases: one worker at a time for a hospital, and a token that shuts out the one who lost it."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from jobs.errors import LakehouseError, LeaseLost
from jobs.ledger.schema import LEASE

LEASE_SECONDS = 60.0
PATIENCE_SECONDS = 1800.0


@dataclass(frozen=True)
class Lease:
    """The right to work on something, until somebody with a greater token has it."""

    name: str
    token: int
    engine: Engine = field(repr=False)
    # How long it lasts without a sign of life.
    seconds: float = LEASE_SECONDS

    def check(self) -> None:
        """Nothing while this worker still has the lease; LeaseLost otherwise. Called before everything that others will see."""
        with self.engine.begin() as connection:
            self.check_within(connection)

    def check_within(self, connection: Connection) -> None:
        """`check` inside a transaction, so that nothing can come between it and what is written."""
        token = connection.execute(select(LEASE.c.token).where(LEASE.c.name == self.name)).scalar()
        if token != self.token:
            raise LeaseLost(
                f"Expected to hold {self.name}, found that another worker took it over: this one stops and publishes nothing."
            )

    def renew(self) -> None:
        """Push the end of the lease away; no effect once it is lost."""
        mine = (LEASE.c.name == self.name) & (LEASE.c.token == self.token)
        with self.engine.begin() as connection:
            connection.execute(update(LEASE).where(mine).values(expires=time.time() + self.seconds))

    def release(self) -> None:
        """Give the lease back; the token stays, so that the next one is greater."""
        mine = (LEASE.c.name == self.name) & (LEASE.c.token == self.token)
        with self.engine.begin() as connection:
            connection.execute(update(LEASE).where(mine).values(holder=None, expires=0.0))


@contextmanager
def held(engine: Engine, name: str, patience: float = PATIENCE_SECONDS) -> Iterator[Lease]:
    """The lease while the block runs, renewed in the background; LakehouseError when somebody else keeps it too long."""
    lease = _wait_for(engine, name, patience)
    stop = threading.Event()
    beat = threading.Thread(target=_keep_alive, args=(lease, stop), name=f"lease {name}", daemon=True)
    beat.start()
    try:
        yield lease
    finally:
        stop.set()
        beat.join()
        # One that cannot be given back ends by itself; what the block did, or failed of, is not to be hidden by that.
        with suppress(SQLAlchemyError):
            lease.release()


def _keep_alive(lease: Lease, stop: threading.Event) -> None:
    while not stop.wait(lease.seconds / 3):
        # A database that is busy or away for a moment: the lease lasts until it was asked twice more, and who has lost it is told by `check`.
        with suppress(SQLAlchemyError):
            lease.renew()


def taken(engine: Engine, name: str, seconds: float) -> Lease | None:
    """The lease where nobody holds it, to be renewed by who asked for it; None where somebody does."""
    _make_row(engine, name)
    return _take(engine, name, seconds)


def ends(engine: Engine, name: str) -> float:
    """When the lease ends if nobody renews it, in seconds since 1970; 0 for one that is free."""
    with engine.begin() as connection:
        return float(connection.execute(select(LEASE.c.expires).where(LEASE.c.name == name)).scalar() or 0)


def _wait_for(engine: Engine, name: str, patience: float) -> Lease:
    _make_row(engine, name)
    until = time.monotonic() + patience
    while (lease := _take(engine, name, LEASE_SECONDS)) is None:
        if time.monotonic() > until:
            raise LakehouseError(
                f"Expected to get {name} within {patience:.0f} seconds, found it still held by another worker: try again when that one is done."
            )
        time.sleep(0.2)
    return lease


def _make_row(engine: Engine, name: str) -> None:
    try:
        with engine.begin() as connection:
            if connection.execute(select(LEASE.c.token).where(LEASE.c.name == name)).scalar() is None:
                connection.execute(insert(LEASE).values(name=name, token=0, expires=0.0))
    except IntegrityError:
        pass  # Another worker made the row in the same moment.


def _take(engine: Engine, name: str, seconds: float) -> Lease | None:
    with engine.begin() as connection:
        found = connection.execute(select(LEASE.c.token, LEASE.c.holder).where(LEASE.c.name == name)).one()
        free = or_(LEASE.c.holder.is_(None), LEASE.c.expires < time.time())
        if found.holder and _is_dead(found.holder):
            free = LEASE.c.holder == found.holder
        taken = connection.execute(
            update(LEASE)
            .where(LEASE.c.name == name, LEASE.c.token == found.token, free)
            .values(token=found.token + 1, holder=this_worker(), expires=time.time() + seconds)
        )
    return Lease(name, found.token + 1, engine, seconds) if taken.rowcount == 1 else None


def this_worker() -> str:
    """This process, so that it can be told from another one that gets the same number later."""
    return f"{_numbering()}:{os.getpid()}:{_started(os.getpid()) or ''}"


def _numbering() -> str:
    """The machine, and in which of its process namespaces this one is: in another one the same number is somebody else."""
    try:
        inside = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return socket.gethostname()
    # The namespace of the machine itself always has this number.
    return socket.gethostname() if inside == "pid:[4026531836]" else f"{socket.gethostname()} {inside.partition('[')[2][:-1]}"


def _is_dead(holder: str) -> bool:
    """True when the holder was a process of this machine, as far as this one sees them, that runs no more: nobody has to wait for its lease to end."""
    host, number, started = holder.rsplit(":", 2)
    if host != _numbering() or not Path("/proc/self/stat").exists():
        return False
    return _started(int(number)) != started


def _started(number: int) -> str | None:
    """When a process of this machine started (in ticks), None when it runs no more."""
    try:
        said = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    state, *rest = said.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]
