"""Runs one program for the supervisor, so that nothing of it is left when it ends, however it ends.

`python -m jobs.services.guard NAME STATE`: the program with its environment and its confinement; signals are handed to it, its exit code is this one's.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from jobs.services import confine
from jobs.services.place import opened
from jobs.services.program import Program
from jobs.services.programs import named

PR_SET_CHILD_SUBREAPER = 36
HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(name: str, state: Path) -> int:
    """Run the program until it ends; its exit code."""
    place = opened(state)
    program = named(name)
    folder = _folder(place.state, name)
    # Of a program that was killed with its guard; no other uses this folder.
    _empty(folder, program)
    confined = program.confine(place) if confine.is_possible() else []
    try:
        return guarded(
            program.command(place),
            confined,
            environment=program.environment(place),
            folder=folder,
            stop_signal=program.stop_signal,
            stop_seconds=program.stop_seconds,
        )
    finally:
        _empty(folder, program)


def _empty(folder: Path, program: Program) -> None:
    """Take out of a program's folder what it spilled there: rows that no erasure would find."""
    if not program.spills:
        return
    for each in os.scandir(folder):
        if each.is_dir(follow_symlinks=False):
            shutil.rmtree(each.path, ignore_errors=True)
        else:
            Path(each.path).unlink(missing_ok=True)


def guarded(
    command: list[str], confined: list[str], *, environment: dict[str, str], folder: Path, stop_signal: str, stop_seconds: int
) -> int:
    """Run a command behind what confines it, until it ends, and see to it that nothing of it is left; its exit code."""
    # Orphans of the program come to this process.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def hand_on(number: int, _: FrameType | None) -> None:
        if started is None:
            early.append(number)
            return
        # SIGTERM comes from the supervisor, or from the kernel where that died without a word.
        asked = signal.Signals[f"SIG{stop_signal}"] if number == signal.SIGTERM else number
        with contextlib.suppress(ProcessLookupError):
            os.kill(_head(started.pid, wrapped=bool(confined)), asked)
        # Nobody else is left to lose patience where the supervisor itself was killed.
        signal.alarm(stop_seconds)

    # Before the program runs: a guard that died of an early signal would leave what its program had started.
    for number in HANDED_ON:
        signal.signal(number, hand_on)
    # Its head dies with this process, whatever kills that.
    words = ["setpriv", "--pdeathsig", "KILL", *confined, *command]
    started = subprocess.Popen(words, env=environment, cwd=folder, stdin=subprocess.DEVNULL)
    kill = started.kill
    signal.signal(signal.SIGALRM, lambda *_: kill())
    for missed in early:
        hand_on(missed, None)
    code = started.wait()
    _sweep()
    return 128 - code if code < 0 else code


def _folder(state: Path, name: str) -> Path:
    folder = state / name
    if name == "postgresql":
        return state
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _head(pid: int, *, wrapped: bool) -> int:
    """The program itself: bubblewrap's first process starts it, and would die of the signal without handing it on."""
    head = pid
    for _ in range(2 if wrapped else 0):
        head = next(iter(_children(head)), head)
    return head


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _sweep() -> None:
    """Kill what the program left behind, and what that leaves."""
    until = time.monotonic() + 10
    while (left := _children(os.getpid())) and time.monotonic() < until:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
