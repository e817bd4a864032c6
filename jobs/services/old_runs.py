"""What Airflow's database holds of old runs, deleted once a day by Airflow's own command.

No task can do that: Airflow keeps its database from them. On one machine the watch does it, in containers a service of its own (jobs/site/old_runs.py).
"""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.services import confine
from jobs.services.place import Place, write_private
from jobs.services.programs import airflow, airflow_command
from jobs.settings import asked

# Runs, with all that hangs on them: tasks, their tries, what they handed on. Who did what, and processes that ended.
# Not events of assets, nor triggers and versions of DAGs: they are few, and what is asked for next is made from them.
TABLES = "dag_run,job,log"
# Rows a transaction: tasks go on meanwhile.
BATCH = 5_000
# After the nightly maintenance has begun; what waits for it then is short.
HOUR = 3


def command(days: int, at: datetime) -> list[str]:
    """Airflow's command that deletes what is so many days old. The last run of a DAG that has a schedule stays, for the next one goes by it."""
    before = (at - timedelta(days=days)).isoformat(timespec="seconds")
    bounds = ["--tables", TABLES, "--clean-before-timestamp", before, "--batch-size", str(BATCH)]
    return airflow_command("db", "clean", *bounds, "--skip-archive", "--error-on-cleanup-failure", "--yes")


def failed(where: str) -> str:
    """The sentence for a command that came to no good end, with the place where more of it stands."""
    return f"Expected Airflow to delete old runs from its database, found that it could not: {where}. It tries again tomorrow."


def is_due(note: Path, at: datetime) -> bool:
    """True once a day, after the night's work, of which the file `note` holds the last. What is begun for the first time has nothing old."""
    if not note.is_file():
        done(note, at)
    return at.hour >= HOUR and note.read_text() < at.date().isoformat()


def done(note: Path, at: datetime) -> None:
    """Nothing more is due today."""
    write_private(note, at.date().isoformat())


def look(place: Place, running: "subprocess.Popen[bytes] | None", at: datetime | None = None) -> "subprocess.Popen[bytes] | None":
    """The command while it is at work, begun where it is due; says so when it came to no good end, and tries again the day after."""
    if running is not None:
        if (code := running.poll()) is None:
            return running
        if code:
            print(failed(f"see {_log(place)}"), flush=True)
        return None
    now = at or datetime.now(UTC)
    return begin(place, now) if is_due(_note(place), now) else None


def begin(place: Place, at: datetime) -> "subprocess.Popen[bytes]":
    """Start the command as one of Airflow's programs, in their room. It dies with the watch."""
    done(_note(place), at)
    confined = confine.airflow_alone(place) if confine.is_possible() else []
    words = ["setpriv", "--pdeathsig", "KILL", *confined, *command(int(asked("PSCC_KEEP_RUNS_DAYS")), at)]
    with os.fdopen(os.open(_log(place), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as log:
        return subprocess.Popen(words, env=airflow(place), cwd=place.state, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _note(place: Place) -> Path:
    # Root's: it would follow a link that another user laid.
    return place.state / "runs-deleted"


def _log(place: Place) -> Path:
    """What the command said last; one of a day, so that it does not grow."""
    return place.logs / "old-runs.log"
