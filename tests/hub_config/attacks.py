"""Attempts of attack.py against a level, and the table of what came of them."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub_config.place import PROJECT
from hub_config.probe import open_filter
from hub_config.sandbox import Room, command, write_etc

ATTACK = Path(__file__).with_name("attack.py")
FILE_MB, MEMORY_MB, PROCESSES = 32, 700, 160


def targets(
    to: Path, lake: Path, neighbour: int, hub: int, port: int, release: str, project: Path = PROJECT, home: str = "neighbour"
) -> dict[str, Any]:
    """Where everything lies that must stay out of reach."""
    return {
        "neighbour_file": str(to / "homes" / home / "notes.txt"),
        "homes": str(to / "homes"),
        "state": str(to / "state"),
        "log": str(to / "log"),
        "built": str(to / "built"),
        "lake": str(lake),
        "project": str(project),
        "release": release,
        "neighbour": neighbour,
        "hub_pid": hub,
        "mark": "sleep\x00321",
        "port": port,
        "memory_mb": MEMORY_MB + 200,
        "file_mb": FILE_MB,
        "processes": PROCESSES + 40,
    }


@contextmanager
def neighbour_and_port() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process of somebody else and a service that listens on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        process = subprocess.Popen(["sleep", "321"], start_new_session=True)
        try:
            yield process, door.getsockname()[1]
        finally:
            process.kill()
            process.wait()


def outcome(printed: str) -> dict[str, str]:
    """What attack.py printed; AssertionError with all of it where it did not come to an end."""
    lines = [line for line in printed.splitlines() if line.startswith("OUTCOME ")]
    assert lines, printed
    return dict(json.loads(lines[-1].removeprefix("OUTCOME ")))


def attack_in_sandbox(
    level: str, to: Path, lake: Path, project: Path = PROJECT, release: Path | None = None, python: str = sys.executable
) -> dict[str, str]:
    """Run the attempts with the command that a server of this level is started with."""
    home = to / "homes" / f"attacker-{level}"
    home.mkdir(parents=True)
    room = Room(
        f"attacker-{level}",
        7,
        home,
        PROJECT,
        to / f"etc-{level}",
        release or lake / "teaching" / "small",
        None,
        MEMORY_MB,
        PROCESSES,
        FILE_MB,
    )
    write_etc(room)
    if os.geteuid() == 0 and level != "none":
        os.chown(home, room.uid, room.uid)
    # Not a child of the sandbox: handed in as text, the way a notebook would.
    with neighbour_and_port() as (neighbour, port), open_filter() as seccomp:
        told = targets(to, lake, neighbour.pid, os.getpid(), port, room.release_at(level), project)
        run = command(level, room, [python, "-c", ATTACK.read_text(), json.dumps(told)], seccomp)
        environment = {"PATH": os.environ["PATH"], "HOME": room.home_at(level)}
        handed = [seccomp] if seccomp is not None else []
        done = subprocess.run(
            run, env=environment, cwd=home, capture_output=True, text=True, timeout=120, check=False, pass_fds=handed
        )
        found = outcome(done.stdout + done.stderr)
        alive = neighbour.poll() is None
        assert alive == (found["kill a neighbour"] != "succeeded")
    return found


def table(columns: dict[str, dict[str, str]]) -> str:
    """Attempts down, levels across."""
    attempts = next(iter(columns.values()))
    lines = [f"{'attempt':<40}" + "".join(f"{name:<34}" for name in columns)]
    for attempt in attempts:
        lines.append(f"{attempt:<40}" + "".join(f"{column.get(attempt, 'not tried')[:32]:<34}" for column in columns.values()))
    return "\n".join(lines)
