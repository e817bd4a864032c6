"""An academy as its own commands start and stop it, in the strongest sandbox that works here, or in the one that PSCC_ISOLATION names."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub_config.place import PROJECT, Academy
from hub_config.probe import choose


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """An academy command, as somebody types it."""
    command = [sys.executable, "-m", "hub_config.academy", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)


@contextmanager
def academy_up(to: Path, lake: Path, *options: object) -> Iterator[tuple[Academy, str]]:
    """The release `small` of a lake, taught below `to`, and what `up` said; everything is stopped when the block ends."""
    if os.geteuid() == 0 and shutil.which("bwrap") is None:
        subprocess.run(["apt-get", "install", "--quiet", "--yes", "bubblewrap"], check=False, capture_output=True)
    wanted = os.environ.get("PSCC_ISOLATION")
    told = ("--isolation", wanted) if wanted else ()
    told += ("--let-trainees-read-each-other",) if choose(wanted, unprotected=True)[0] == "none" else ()
    started = run("up", "--lake", lake, "--to", to, "--release", "small", "--port", free_port(), *options, *told)
    assert started.returncode == 0, started.stderr
    try:
        yield Academy.read(to), started.stdout
    finally:
        stopped = run("down", "--to", to)
        assert stopped.returncode == 0, stopped.stderr
