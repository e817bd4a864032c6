"""An object store of the tests' own: moto's server in a process beside them, in memory, gone with them."""

import contextlib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobs.errors import WrongUse
from jobs.java import STORE_JARS, fetch_jars

BUCKET = "pscc"
PATIENCE_SECONDS = 60


@contextmanager
def server() -> Iterator[dict[str, str]]:
    """The environment by which delta-rs, polars, pyarrow and Spark find a fresh store with one bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    # In a process of its own: delta-rs keeps Python's lock while it waits for an answer.
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(address, running)
        urllib.request.urlopen(urllib.request.Request(f"{address}/{BUCKET}", method="PUT")).close()
        yield {
            "AWS_ENDPOINT_URL": address,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
        }
    finally:
        running.terminate()
        running.wait()


def _await(address: str, running: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/moto-api/").close()
            return
        assert running.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)


def jars() -> None:
    """Fetch what Spark needs for an object store, once; skips where Maven Central cannot be reached."""
    try:
        fetch_jars(STORE_JARS, "make object-store")
    except WrongUse as error:
        pytest.skip(f"the jars for an object store are not here: {error}")
