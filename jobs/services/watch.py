"""The watch: asks every program whether it is well, starts again who is silent for too long or was given up, and keeps what it found. Once a day it has
old runs deleted from Airflow's database.

`python -m jobs.services.watch STATE`, under the supervisor; `pscc status` reads `run/health.json`.
"""

import json
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from jobs.services import old_runs, supervisor
from jobs.services.place import Place, opened, write_private
from jobs.services.probes import UNKNOWN
from jobs.services.program import Program
from jobs.services.programs import programs

EVERY_SECONDS = 10
# Who ends again and again is tried at growing intervals, for ever: at 3 a.m. nobody else does.
LONGEST_WAIT = 300


@dataclass
class Seen:
    """Since when a program is not well, and how often it was started again for that."""

    since: float | None = None
    wrong: str | None = None
    restarts: int = 0
    not_before: float = field(default=0.0)


def main(state: Path) -> None:
    """Watch until told to stop."""
    seen: dict[str, Seen] = defaultdict(Seen)
    cleaning = None
    while True:
        # Anew each time: `pscc up` may have changed what runs here.
        place = opened(state)
        look(place, seen, time.monotonic())
        cleaning = _cleaned(place, cleaning)
        time.sleep(EVERY_SECONDS)


def look(place: Place, seen: dict[str, Seen], now: float) -> None:
    """Ask all programs once, do what has to be done, and write down what was found."""
    states = supervisor.states(place)
    for program in programs(place):
        wrong = _asked(place, program) if states[program.name]["statename"] == "RUNNING" else "does not run"
        act(place, program, seen[program.name], wrong, states[program.name]["statename"], now)
    found = {
        name: {"wrong": each.wrong, "for_seconds": round(now - each.since) if each.since else 0, "restarts": each.restarts}
        for name, each in seen.items()
    }
    write_private(place.run / "health.json", json.dumps({"at": datetime.now(UTC).isoformat(), "programs": found}) + "\n")


def _cleaned(place: Place, running: "subprocess.Popen[bytes] | None") -> "subprocess.Popen[bytes] | None":
    try:
        return old_runs.look(place, running)
    except Exception as error:  # As with a probe: a full disk must not end who watches.
        print(old_runs.failed(type(error).__name__), flush=True)
        return running


def _asked(place: Place, program: Program) -> str | None:
    try:
        return program.probe(place)
    except Exception as error:  # Whatever it is: who watches the others must not end of it. A message could quote an answer.
        return f"{UNKNOWN} ({type(error).__name__})"


def act(place: Place, program: Program, seen: Seen, wrong: str | None, state: str, now: float) -> None:
    """Note how a program is; start it again where the supervisor gave it up, or it runs and is silent for too long."""
    seen.wrong = wrong
    if wrong is None:
        seen.since, seen.not_before = None, 0.0
        begun(place, program).unlink(missing_ok=True)
        return
    if wrong.startswith(UNKNOWN):
        return
    seen.since = seen.since or now
    if now < seen.not_before:
        return
    if state == "FATAL" or (state == "STOPPED" and begun(place, program).exists()):
        _again(place, program, seen, now, wrong)
    elif state == "RUNNING" and now - seen.since > program.patience_seconds:
        # Who is found stopped stays so: a person did it. This says who did it here, should the watch be killed before the start.
        begun(place, program).touch()
        supervisor.stop_program(place, program.name)
        _again(place, program, seen, now, wrong)


def begun(place: Place, program: Program) -> Path:
    """The file that is there while a program is stopped in order to be started again."""
    return place.run / f"{program.name}.restart"


def _again(place: Place, program: Program, seen: Seen, now: float, wrong: str) -> None:
    print(f"{program.name} {wrong}: started again", flush=True)
    supervisor.start_program(place, program)
    begun(place, program).unlink(missing_ok=True)
    seen.restarts += 1
    seen.since = now
    seen.not_before = now + min(LONGEST_WAIT, EVERY_SECONDS * 2**seen.restarts)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
