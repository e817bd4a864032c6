"""A trainee's function, tried in a process of its own and judged by what it gives back, as JSON, for each case."""

import ast
import functools
import json
import logging
import os
import select
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore, Condition, Thread
from typing import Any, Literal

from courses.checking.bubblewrap import become, interpreter, read_only, system
from courses.checking.canonical import Canonical, is_json_value, json_value
from courses.checking.compare import Difference, near, unmatched
from courses.checking.exercise import Case

log = logging.getLogger(__name__)
HERE = Path(__file__).parent
# All that enters the sandbox beside the interpreter. The checks of the courses do not.
MODULES = ("canonical.py", "errors.py", "exercise.py")
SECONDS = 5
MEMORY = 768 * 2**20
OUTPUT = 2**20
DISK = 16 * 2**20
PROCESSES = 48
PATIENCE = 10.0
# Cut out here too: what the sandbox cuts, a function may write itself at any length.
LONGEST_ERROR = 200
# A user that nothing else runs as, where the service is root.
NOBODY = 64_987
# Sandboxes that wait: a class that hands in at one moment finds so many; and how many of them have polars, which takes three
# times as long to load as all else.
KEPT, WITH_POLARS = 8, 2
AT_ONCE = BoundedSemaphore(max(2, os.cpu_count() or 1))
Isolation = Literal["bubblewrap", "process"]


class Busy(Exception):
    """So many functions are being tried that this one did not get its turn."""


@dataclass(frozen=True)
class Ran:
    """How a run ended, and the JSON that came out of it."""

    ended: Literal["well", "time", "output", "died"]
    told: Any = None


def differences(cases: Sequence[Case], given: Canonical, tolerance: float) -> list[Difference]:
    """In what the function differs from what was expected of it; nothing when it is right in every case."""
    with _turn():
        ran = run(str(given["source"]), str(given["name"]), [case.arguments for case in cases])
    if ran.ended != "well":
        return [Difference(f"code_{ran.ended}", {"seconds": SECONDS} if ran.ended == "time" else {})]
    if not _is_report(ran.told, len(cases)):
        return [Difference("code_died")]
    if "syntax" in ran.told:
        return [Difference("code_syntax", {"error": ran.told["syntax"][:LONGEST_ERROR]})]
    if "memory" in ran.told or any("memory" in each for each in ran.told["results"]):
        return [Difference("code_memory")]
    return _judged(cases, ran.told["results"], tolerance)


def _is_report(told: Any, cases: int) -> bool:
    """Whether it has the form that the sandbox gives it: a function can reach the handle, and write there what it likes."""
    if not isinstance(told, dict):
        return False
    if "syntax" in told:
        return isinstance(told["syntax"], str)
    results = told.get("results")
    return "memory" in told or (isinstance(results, list) and len(results) == cases and all(map(_is_result, results)))


def _is_result(result: Any) -> bool:
    if not isinstance(result, dict):
        return False
    if "output" in result:
        return is_json_value(result["output"])
    return "memory" in result or isinstance(result.get("error"), str)


def is_empty(given: Canonical) -> bool:
    """True for a function that was not written yet: a head, perhaps a docstring, and nothing to do."""
    try:
        heads = ast.parse(given["source"]).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return len(heads) == 1 and isinstance(heads[0], ast.FunctionDef) and all(map(_does_nothing, heads[0].body))


def _does_nothing(statement: ast.stmt) -> bool:
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text or isinstance(statement, ast.Pass)


def _judged(cases: Sequence[Case], results: list[dict[str, Any]], tolerance: float) -> list[Difference]:
    failed = [
        (case, result)
        for case, result in zip(cases, results, strict=True)
        if "output" not in result or not same(json_value(case.output), result["output"], tolerance)
    ]
    if not failed:
        return []
    found = [Difference("code_case", {"failed": len(failed), "cases": len(cases)})]
    errors = [result["error"] for _, result in failed if "error" in result]
    if errors:
        found.append(Difference("code_raised", {"error": errors[0][:LONGEST_ERROR]}))
        if errors[0].startswith("NameError"):
            found.append(Difference("code_alone"))
    shown = [case for case, _ in failed if case.shown]
    return found + [Difference("code_shown", {"call": _call(case)}) for case in shown[:1]]


def _call(case: Case) -> str:
    return f"({', '.join(repr(each) for each in case.arguments)})"[:300]


def same(expected: Any, given: Any, tolerance: float) -> bool:
    """Whether two JSON values are alike, numbers within the tolerance."""
    if isinstance(expected, dict) and "table" in expected:
        return isinstance(given, dict) and "table" in given and _same_table(expected["table"], given["table"], tolerance)
    if isinstance(expected, dict):
        return isinstance(given, dict) and same(expected["mapping"], given.get("mapping"), tolerance)
    if isinstance(expected, list):
        if not isinstance(given, list) or len(given) != len(expected):
            return False
        return all(same(ours, theirs, tolerance) for ours, theirs in zip(expected, given, strict=True))
    return near(expected, given, tolerance)


def _same_table(expected: Canonical, given: Canonical, tolerance: float) -> bool:
    wanted, held = [name for name, _ in expected["columns"]], [name for name, _ in given["columns"]]
    if sorted(wanted) != sorted(held):
        return False
    rows = [[row[held.index(name)] for name in wanted] for row in given["rows"]]
    return unmatched(expected["rows"], rows, range(len(wanted)), tolerance) == (0, 0)


@contextmanager
def _turn() -> Iterator[None]:
    if not AT_ONCE.acquire(timeout=PATIENCE):
        raise Busy
    try:
        yield
    finally:
        AT_ONCE.release()


def run(source: str, name: str, arguments: Sequence[Sequence[Any]]) -> Ran:
    """Calls the function of the source once a list of arguments, in a process of its own."""
    bare = isolation() == "process"
    task = {
        "source": source, "name": name, "cases": [[json_value(each) for each in case] for case in arguments], "seconds": SECONDS,
        "memory": MEMORY, "bytes": OUTPUT, "processes": PROCESSES, "bare": bare,
    }  # fmt: skip
    told = json.dumps(task)
    # A guess that costs time only where it is wrong: tables come as polars frames, and a function may import it.
    with _spares(bare).one(has_polars='"table"' in told or "polars" in source) as sandbox:
        return _read(sandbox.process, told.encode(), time.monotonic() + SECONDS + 1)


@dataclass(frozen=True)
class Sandbox:
    """A process that waits for its one task, in an empty folder."""

    process: "subprocess.Popen[bytes]"
    folder: "tempfile.TemporaryDirectory[str]"
    has_polars: bool

    @classmethod
    def start(cls, bare: bool, has_polars: bool) -> "Sandbox":
        folder = tempfile.TemporaryDirectory(prefix="answer-")
        Path(folder.name).chmod(0o755)
        process = subprocess.Popen(
            [*_command(bare), "polars" if has_polars else ""], cwd=folder.name, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True, **_user(),
        )  # fmt: skip
        return cls(process, folder, has_polars)

    def wait_until_loaded(self) -> None:
        """Come back when it has loaded what it needs, which it says by a blank, or was taken before."""
        assert self.process.stdout is not None
        # Who takes it meanwhile may close it.
        with suppress(OSError, ValueError):
            select.select([self.process.stdout], [], [], PATIENCE)

    def end(self) -> None:
        """Ends it and all that it made: killing bubblewrap ends its namespace, without it the group is what is left to end."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        self.folder.cleanup()


class Spares:
    """Sandboxes kept ready, so that nobody waits while Python or polars load. Each is for one function of one trainee."""

    def __init__(self, bare: bool) -> None:
        self._bare = bare
        self._changed = Condition()
        self._ready: deque[Sandbox | OSError] = deque()
        self._at_work = self._waiting = 0
        self._failing = self._ended = False
        # bubblewrap ends its child when the thread ends that started it: one thread starts them all, and stays.
        Thread(target=self._keep, daemon=True, name="sandboxes").start()

    @contextmanager
    def one(self, has_polars: bool) -> Iterator[Sandbox]:
        """A sandbox for as long as the block lasts; then it is ended."""
        with self._changed:
            self._at_work += 1
        try:
            sandbox = self._take(has_polars)
            try:
                yield sandbox
            finally:
                sandbox.end()
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def _take(self, has_polars: bool) -> Sandbox:
        while True:
            with self._changed:
                self._waiting += 1
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._ready)
                self._waiting -= 1
                sandbox = min(self._ready, key=lambda each: getattr(each, "has_polars", has_polars) != has_polars)
                self._ready.remove(sandbox)
                self._changed.notify_all()
            if isinstance(sandbox, OSError):
                raise sandbox
            if sandbox.process.poll() is None:
                return sandbox
            sandbox.end()

    def _keep(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._is_one_wanted)
                if self._ended:
                    break
                lacking = sum(getattr(each, "has_polars", False) for each in self._ready) < WITH_POLARS
            try:
                sandbox: Sandbox | OSError = Sandbox.start(self._bare, lacking and not self._at_work)
            except OSError as reason:
                sandbox = reason
            with self._changed:
                self._failing = isinstance(sandbox, OSError)
                self._ready.append(sandbox)
                self._changed.notify_all()
                if self._ended:
                    break
            if isinstance(sandbox, Sandbox):
                sandbox.wait_until_loaded()
        self.end()

    def _is_one_wanted(self) -> bool:
        # Loading one takes more of the processor than trying a function: while some are tried, it waits. And what failed is
        # tried again when somebody asks, whose failure it then is.
        return (
            self._ended
            or self._waiting > len(self._ready)
            or (len(self._ready) < KEPT and not self._at_work and not self._failing)
        )

    def end(self) -> None:
        """Ends those that wait."""
        with self._changed:
            self._ended = True
            waiting, self._ready = list(self._ready), deque()
            self._changed.notify_all()
        for sandbox in waiting:
            if isinstance(sandbox, Sandbox):
                sandbox.end()


@functools.cache
def _spares(bare: bool) -> Spares:
    return Spares(bare)


@functools.cache
def isolation() -> Isolation:
    """`bubblewrap` where it works on this machine, else `process`: bounds, another user where possible, Python's own refusals."""
    if shutil.which("bwrap"):
        tried = subprocess.run(
            [*_bubblewrap(), _python(), "-I", "-c", "pass"], cwd="/", capture_output=True, env=ENVIRONMENT, check=False
        )
        if tried.returncode == 0:
            return "bubblewrap"
        log.warning(
            "bubblewrap does not work here (exit code %d): functions are tried in a plain process with bounds", tried.returncode
        )
    return "process"


def _command(bare: bool) -> list[str]:
    if bare:
        return [_python(), "-I", str(HERE / "_sandboxed.py"), str(HERE.parent.parent)]
    return [*_bubblewrap(), _python(), "-I", "/answer/_sandboxed.py", "/answer"]


def _python() -> str:
    return sys.executable


def _bubblewrap() -> list[str]:
    """An empty root with the interpreter in it, read-only: no other file, no network, no other process, no capability."""
    # Root leaves its user behind inside, where the interpreter can be reached even if it lies in root's home.
    by_root = os.geteuid() == 0 and shutil.which("setpriv") is not None
    command = ["bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    command += [] if by_root else ["--unshare-user", "--disable-userns"]
    command += ["--die-with-parent", "--new-session", "--clearenv"]
    for name, value in ENVIRONMENT.items():
        command += ["--setenv", name, value]
    # First: the interpreter may lie below the machine's own /tmp.
    command += ["--perms", "1777", "--size", str(DISK), "--tmpfs", "/tmp"]
    command += system()
    for prefix in interpreter():
        command += read_only(prefix)
    command += ["--proc", "/proc", "--dev", "/dev", "--chdir", "/tmp", "--cap-drop", "ALL"]
    for folder in ("/answer", "/answer/courses", "/answer/courses/checking"):
        command += ["--perms", "0755", "--dir", folder]
    for module in MODULES:
        command += ["--ro-bind", str(HERE / module), f"/answer/courses/checking/{module}"]
    command += ["--ro-bind", str(HERE / "_sandboxed.py"), "/answer/_sandboxed.py"]
    return (
        [*command, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--", *become(NOBODY)] if by_root else [*command, "--"]
    )


# One thread a library: a small machine is shared, and threads count as processes.
ENVIRONMENT = {
    "PATH": "/usr/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}  # fmt: skip


def _user() -> dict[str, Any]:
    """Another user for a plain process, where the service is root and others can reach the interpreter."""
    if os.geteuid() != 0 or isolation() != "process" or not _others_reach(Path(_python()).resolve()):
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _others_reach(path: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))


def _read(process: "subprocess.Popen[bytes]", task: bytes, deadline: float) -> Ran:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin:
            process.stdin.write(task)
    except BrokenPipeError:
        return Ran("died")
    told = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(told) <= OUTPUT:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return Ran("time")
            piece = os.read(process.stdout.fileno(), 65_536)
            if not piece:
                return _told(process, bytes(told), deadline)
            told += piece
    return Ran("output")


def _told(process: "subprocess.Popen[bytes]", told: bytes, deadline: float) -> Ran:
    try:
        return Ran("well", json.loads(told))
    except (ValueError, RecursionError):
        # Who used up the processor time was killed with nothing said.
        return Ran("time" if deadline - time.monotonic() < 1.5 else "died")
