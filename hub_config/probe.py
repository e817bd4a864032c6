"""Which level of isolation this machine offers: each is tried, with the very command that servers are started with."""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub_config.errors import WrongUse
from hub_config.place import PROJECT
from hub_config.sandbox import LEVELS, Room, command, missing, seccomp_filter, write_etc

# Run inside: what can be reached from there. The hub's packages and what starts a server must be readable there too.
LOOK = """
import json, os, socket, sys
import jupyterhub, hub_config.server
def succeeds(do):
    try:
        do()
        return True
    except (OSError, ValueError):
        return False
secret, stranger, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
print(json.dumps({
    "a file of the hub": succeeds(lambda: open(secret).read()),
    "a process of the hub": succeeds(lambda: open(f"/proc/{stranger}/cmdline").read().index("sleep")),
    "the hub's environment": succeeds(lambda: open(f"/proc/{stranger}/environ").read()),
    "the network": succeeds(lambda: socket.create_connection(("127.0.0.1", port), 2)),
    "root": os.getuid() == 0,
}))
"""
HIDDEN = {
    "none": (),
    "uid": ("a file of the hub", "the hub's environment", "root"),
    "bwrap": ("a file of the hub", "the hub's environment", "a process of the hub"),
    "airgap": ("a file of the hub", "the hub's environment", "a process of the hub", "the network"),
}


@dataclass(frozen=True)
class Verdict:
    """Whether a level works on this machine, and if not why."""

    level: str
    works: bool
    why: str

    def __str__(self) -> str:
        return f"{self.level:<7} {'works' if self.works else 'no'}{': ' + self.why if self.why else ''}"


def probe(level: str) -> Verdict:
    """Try one level for real."""
    if why := missing(level):
        return Verdict(level, False, why)
    with (
        tempfile.TemporaryDirectory(prefix="pscc-probe-") as folder,
        _stranger() as stranger,
        socket.create_server(("127.0.0.1", 0)) as door,
    ):
        # At level uid the home inside has to be reached by somebody else, as homes below an academy are.
        Path(folder).chmod(0o711)
        secret = Path(folder, "secret")
        secret.touch(0o600)
        secret.write_text(secrets.token_hex())
        run = [sys.executable, "-c", LOOK, str(secret), str(stranger), str(door.getsockname()[1])]
        done = _run(level, Path(folder), run)
    if done.returncode != 0:
        return Verdict(level, False, _last_line(done.stderr))
    seen = json.loads(done.stdout.splitlines()[-1])
    leaks = [what for what in HIDDEN[level] if seen[what]]
    return Verdict(level, not leaks, f"it does not hide {', '.join(leaks)}" if leaks else "")


def choose(wanted: str | None, unprotected: bool = False) -> tuple[str, list[Verdict]]:
    """The level to run at and what was found on the way: the one that was asked for, else the strongest that works.

    WrongUse where that would be `none` and nobody said in as many words that it may be.
    """
    if wanted is not None and wanted not in LEVELS:
        raise WrongUse(f"Expected one of the isolation levels {', '.join(LEVELS)}, found {wanted!r}.")
    found = []
    for level in [wanted] if wanted else reversed(LEVELS):
        found.append(probe(level))
        if found[-1].works:
            break
    last = found[-1]
    if not last.works:
        raise WrongUse(f"Expected isolation level {last.level} to work here, found that it does not: {last.why}.")
    if last.level == "none" and not unprotected:
        reasons = "; ".join(f"{verdict.level}: {verdict.why}" for verdict in found if not verdict.works)
        raise WrongUse(
            f"Expected a way to keep trainees apart, found none{f' ({reasons})' if reasons else ' asked for'}: install bubblewrap, "
            "or say --let-trainees-read-each-other if everybody here may see everything."
        )
    return last.level, found


def _run(level: str, folder: Path, run: list[str]) -> "subprocess.CompletedProcess[str]":
    home = folder / "home"
    home.mkdir()
    room = Room("probe", 0, home, PROJECT, folder / "etc")
    write_etc(room)
    if os.geteuid() == 0:
        os.chown(home, room.uid, room.uid)
    with open_filter() as seccomp:
        argv = command(level, room, run, seccomp if level in ("bwrap", "airgap") else None)
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"}
        environment |= {"PYTHONPATH": room.code_at(level), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=60, check=False, pass_fds=[seccomp] if seccomp else []
        )


@contextmanager
def open_filter() -> Iterator[int | None]:
    """An open file with the system-call filter, read once by the sandbox that inherits it."""
    program = seccomp_filter()
    if program is None:
        yield None
        return
    descriptor = os.memfd_create("seccomp", 0)
    try:
        os.write(descriptor, program)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _stranger() -> Iterator[int]:
    """A process that a sandbox must not see."""
    process = subprocess.Popen(["sleep", "120"], start_new_session=True)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it ended without a word"
