"""Has old runs deleted from Airflow's database, once a day: `python -m jobs.site.old_runs`, a service of its own, for tasks have no way to that database."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from jobs.services import old_runs
from jobs.settings import asked
from jobs.site.probe import SIGN

EVERY_SECONDS = 60


def look(note: Path, at: datetime) -> None:
    """Have them deleted where that is due; says so when it came to no good end, and tries again the day after."""
    SIGN.touch()
    if not old_runs.is_due(note, at):
        return
    old_runs.done(note, at)
    if subprocess.run(old_runs.command(int(asked("PSCC_KEEP_RUNS_DAYS")), at), check=False).returncode:
        print(old_runs.failed("what it said stands above"), file=sys.stderr, flush=True)


def main() -> None:
    """Look again and again. What was done last is kept in the volume of logs: this container's own folders end with it."""
    note = Path(os.environ["AIRFLOW__LOGGING__BASE_LOG_FOLDER"], "runs-deleted")
    while True:
        look(note, datetime.now(UTC))
        time.sleep(EVERY_SECONDS)


if __name__ == "__main__":
    main()
