"""The supervisor: what it is told, and what it is asked. It starts nothing by itself: `pscc up` starts each program when what it needs answers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from jobs.errors import LakehouseError, WrongUse
from jobs.services.place import Place, write_private
from jobs.services.program import Program
from jobs.services.programs import PROGRAMS, basic, programs
from jobs.settings import Part, handed, remembered

START_SECONDS = 30
LOG = "10MB"
OLD_LOGS = 5
GUARD, WATCH = "jobs.services.guard", "jobs.services.watch"
NOT_STARTED, ALREADY_STARTED = 70, 60


def configuration(place: Place) -> str:
    """What supervisord reads; no secret stands in it."""
    itself = {
        "logfile": place.logs / "supervisord.log",
        "logfile_maxbytes": LOG,
        "logfile_backups": OLD_LOGS,
        "pidfile": place.run / "supervisord.pid",
        "childlogdir": place.logs,
        "umask": "077",
        "identifier": "pscc",
    }
    sections: dict[str, dict[str, Any]] = {
        "supervisord": itself | ({"user": "root"} if os.geteuid() == 0 else {}),
        "unix_http_server": {"file": _socket(place), "chmod": "0700"},
        "rpcinterface:supervisor": {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        **{f"program:{each.name}": _program(place, each) for each in PROGRAMS},
        "program:watch": _supervised(place, "watch", [WATCH], 10),
    }
    return "\n".join(_section(name, values) for name, values in sections.items())


def _section(name: str, values: dict[str, Any]) -> str:
    # A percent sign would be an expression of supervisor's.
    return "\n".join([f"[{name}]", *(f"{key}={str(value).replace('%', '%%')}" for key, value in values.items()), ""])


def _program(place: Place, program: Program) -> dict[str, Any]:
    told = _supervised(place, program.name, [GUARD, program.name], program.stop_seconds)
    # Groups mean something where root gives folders to them: docs/services.md, "Who reads what".
    return told | ({"umask": program.umask} if os.geteuid() == 0 else {})


def _supervised(place: Place, name: str, module: list[str], stop_seconds: int) -> dict[str, Any]:
    words = ["setpriv", "--pdeathsig", "TERM", sys.executable, "-m", *module, str(place.state)]
    return {
        "command": " ".join(f'"{word}"' if " " in word else word for word in words),
        "directory": place.run,
        "autostart": "false",
        "autorestart": "true",
        "startsecs": 3,
        # The wait between two attempts grows by a second each; who gave up is started again by the watch.
        "startretries": 8,
        # To the guard, which hands on the signal that its program wants.
        "stopsignal": "TERM",
        "stopwaitsecs": stop_seconds,
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": place.logs / f"{name}.log",
        "stdout_logfile_maxbytes": LOG,
        "stdout_logfile_backups": OLD_LOGS,
    }


def _socket(place: Place) -> Path:
    return place.run / "supervisor.sock"


@contextmanager
def asked(place: Place) -> Iterator[Any]:
    """The supervisor's interface; WrongUse where none runs."""
    try:
        from supervisor.xmlrpc import SupervisorTransport
    except ImportError:
        raise WrongUse("Expected the supervisor, found it not installed: install pscc-lakehouse[services].") from None
    server = ServerProxy("http://127.0.0.1", SupervisorTransport(None, None, f"unix://{_socket(place)}"))
    try:
        server.supervisor.getState()
    except (OSError, HTTPException):
        raise WrongUse(f"Expected services that run in {place.state}, found none: start them with `pscc up`.") from None
    except Fault:
        raise LakehouseError(
            f"Expected services that run in {place.state}, found them stopping: try again in a moment."
        ) from None
    try:
        yield server.supervisor
    finally:
        server("close")()


def names(place: Place) -> list[str]:
    """What runs here, in the order in which it starts."""
    return [*[each.name for each in programs(place)], "watch"]


def is_running(place: Place) -> bool:
    """True where a supervisor of this place answers."""
    try:
        with asked(place):
            return True
    except WrongUse:
        return False
    except LakehouseError:
        return True


def clear_leftovers(place: Place) -> None:
    """Kill what a supervisor that was killed has left, and wait until it is gone: two schedulers would work one lake."""
    until = time.monotonic() + START_SECONDS
    while left := _leftovers(place):
        if time.monotonic() > until:
            raise LakehouseError(
                f"Expected nothing of an earlier start to run, found processes {left} that do not end: end them."
            )
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)


def _leftovers(place: Place) -> list[int]:
    """Guards of this place. What they guard dies with them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if GUARD.encode() in words and os.fsencode(place.state) in words:
                found.append(int(folder.name))
    return found


def start(place: Place) -> None:
    """Start the supervisor, which starts nothing."""
    clear_leftovers(place)
    path = place.state / "supervisord.conf"
    write_private(path, configuration(place))
    command = [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=place.run, env=basic(place) | handed(*Part))
    if done.returncode:
        raise LakehouseError(f"Expected the supervisor to start, found: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    until = time.monotonic() + START_SECONDS
    while not is_running(place):
        if time.monotonic() > until:
            raise LakehouseError(f"Expected the supervisor to answer within {START_SECONDS} s, found silence: see {place.logs}.")
        time.sleep(0.1)


def started_with(place: Place) -> dict[str, str]:
    """The settings that the supervisor got when it started, and hands to every program that starts or is started again."""
    with asked(place) as supervisor:
        told = Path(f"/proc/{supervisor.getPID()}/environ").read_bytes()
    words = (os.fsdecode(word).partition("=") for word in told.split(b"\0"))
    return remembered({}, {name: value for name, _, value in words})


def states(place: Place) -> dict[str, dict[str, Any]]:
    """What the supervisor knows of each program."""
    with asked(place) as supervisor:
        return {each["name"]: each for each in supervisor.getAllProcessInfo()}


def start_program(place: Place, program: Program | str) -> None:
    """Start a program without waiting for it; nothing where it runs already."""
    name = program if isinstance(program, str) else program.name
    with asked(place) as supervisor:
        try:
            supervisor.startProcess(name, False)
        except Fault as error:
            if error.faultCode != ALREADY_STARTED:
                raise LakehouseError(
                    f"Expected {name} to start, found it cannot ({error.faultString}): see `pscc logs {name}`."
                ) from None


def stop_program(place: Place, name: str, *, wait: bool = True) -> None:
    """Stop a program; with `wait`, until it is gone."""
    with asked(place) as supervisor:
        try:
            supervisor.stopProcess(name, wait)
        except Fault as error:
            if error.faultCode != NOT_STARTED:
                raise


def shut_down(place: Place, patience: float = 120) -> None:
    """Stop the watch, which would start others again; all programs, those first that others do not need; then the supervisor itself."""
    stop_program(place, "watch")
    needed = {name for each in PROGRAMS for name in each.needs}
    # All that there may be: what ran before may be what this machine does without now.
    every = [each.name for each in PROGRAMS]
    for group in ([name for name in every if name not in needed], [name for name in every if name in needed]):
        for name in group:
            stop_program(place, name, wait=False)
        for name in group:
            stop_program(place, name)
    with asked(place) as supervisor:
        supervisor.shutdown()
    until = time.monotonic() + patience
    while is_running(place):
        if time.monotonic() > until:
            raise LakehouseError(f"Expected the supervisor to end within {patience:.0f} s, found it running: see {place.logs}.")
        time.sleep(0.1)
