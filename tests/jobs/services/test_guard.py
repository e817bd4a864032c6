"""The guard: nothing of a program is left when it ends, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from jobs.services import confine
from jobs.services.place import prepared
from jobs.services.programs import PROGRAMS

ROOT = Path(__file__).parents[3]
# Says its own number, starts something that would outlive it, and waits; told to stop, it says so and obeys.
PROGRAM = "trap 'echo told; exit 7' TERM; sleep 987 & echo $$; while :; do sleep 0.1; done"
GUARD = """
import os, signal, subprocess, sys, time
from pathlib import Path
from jobs.services import confine, users
from jobs.services.guard import guarded
confined = [*users.machine([]), *confine.OWN_TREE, *users.clinical()] if sys.argv[1] == "bwrap" else []
command = ["bash", "-c", sys.argv[2]]
if sys.argv[4:]:
    start = subprocess.Popen
    def told_at_once(*words, **how):
        program = start(*words, **how)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)
        return program
    subprocess.Popen = told_at_once
sys.exit(guarded(command, confined, environment=dict(os.environ), folder=Path.cwd(), stop_signal="TERM", stop_seconds=int(sys.argv[3])))
"""
# Another program under the name of the engine.
ENGINE = """
import sys
from dataclasses import replace
from pathlib import Path
from jobs.services import guard
from jobs.services.programs import named
guard.named = lambda name: replace(named(name), command=lambda _: ["sh", "-c", sys.argv[2]], confine=lambda _: [])
sys.exit(guard.main("clinical-engine", Path(sys.argv[1])))
"""


@pytest.fixture(params=["bwrap", "plain"])
def kind(request: pytest.FixtureRequest) -> str:
    """With a tree of processes of its own, and without bubblewrap."""
    if request.param == "bwrap" and not confine.is_possible():
        pytest.skip("bubblewrap is not there, or may not make namespaces")
    return str(request.param)


def started(kind: str, program: str = PROGRAM, patience: int = 30) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", GUARD, kind, program, str(patience)]
    guard = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert guard.stdout is not None
    assert guard.stdout.readline().strip().isdigit()
    return guard


def head_of(guard: "subprocess.Popen[str]") -> psutil.Process:
    below = psutil.Process(guard.pid).children(recursive=True)
    return next(each for each in below if each.name() == "bash")


def nothing_left(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=10)
    return not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]


def end_by(guard: "subprocess.Popen[str]", deed: Callable[[], None]) -> bool:
    """Whether nothing is left after a deed of what the guard had started."""
    head = psutil.Process(guard.pid)
    # Its number is told before it is what it will be.
    until = time.monotonic() + 10
    while "sleep" not in {each.name() for each in head.children(recursive=True)} and time.monotonic() < until:
        time.sleep(0.05)
    before = head.children(recursive=True)
    assert "sleep" in {each.name() for each in before}
    deed()
    return nothing_left(before)


def test_what_a_killed_program_had_started_is_gone_too(kind: str) -> None:
    guard = started(kind)
    assert end_by(guard, head_of(guard).kill)
    assert guard.wait(10) == 128 + signal.SIGKILL


def test_a_program_is_told_to_stop_and_its_exit_code_is_handed_on(kind: str) -> None:
    guard = started(kind)
    assert end_by(guard, guard.terminate)
    assert guard.wait(10) == 7
    assert guard.stdout is not None
    assert "told" in guard.stdout.read()


def test_a_program_that_does_not_obey_is_killed(kind: str) -> None:
    guard = started(kind, "trap '' TERM; sleep 987 & echo $$; while :; do sleep 0.1; done", patience=1)
    at = time.monotonic()
    assert end_by(guard, guard.terminate)
    assert guard.wait(10) != 0
    assert time.monotonic() - at >= 1


def test_told_to_stop_while_it_starts_a_program_it_leaves_nothing() -> None:
    mark = "sleep 986.31"
    command = [sys.executable, "-c", GUARD, "plain", f"{mark} & {mark}", "1", "at once"]
    assert subprocess.run(command, cwd=ROOT, timeout=30, check=False).returncode != 0
    assert not [each for each in psutil.process_iter(["cmdline"]) if " ".join(each.info["cmdline"] or []) == mark]


def test_what_an_engine_spilled_before_it_was_killed_is_gone_when_it_starts_and_when_it_ends(tmp_path: Path) -> None:
    place = prepared(tmp_path / "s", {})
    kept = tmp_path / "of-somebody-else"
    kept.mkdir()
    spilled = confine.scratch(place)
    for folder in ("blockmgr-1/0c", "spark-2"):
        (spilled / folder).mkdir(parents=True)
        (spilled / folder / "rows").write_text("of a patient")
    (spilled / "link").symlink_to(kept)
    engine = "ls -A; mkdir blockmgr-3; touch hs_err blockmgr-3/rows; kill -9 $$"
    done = subprocess.run([sys.executable, "-c", ENGINE, str(place.state), engine], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (128 + signal.SIGKILL, ""), done.stderr
    assert list(spilled.iterdir()) == []
    assert kept.is_dir()


def test_nothing_is_taken_from_a_program_that_keeps_things_in_its_folder() -> None:
    assert [each.name for each in PROGRAMS if each.spills] == ["clinical-engine"]


def test_with_bubblewrap_even_a_killed_guard_leaves_nothing() -> None:
    if not confine.is_possible():
        pytest.skip("bubblewrap is not there, or may not make namespaces")
    guard = started("bwrap")
    assert end_by(guard, lambda: os.kill(guard.pid, signal.SIGKILL))
    guard.wait(10)
