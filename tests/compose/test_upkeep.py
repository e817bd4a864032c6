"""What the nights do in containers: a backup in its volume that restores, old runs that leave Airflow's database."""

import re

import pytest

from tests.compose.stack import Stack

pytestmark = pytest.mark.compose
STEPS = ("env", "PSCC_BACKUP=/var/lib/pscc/backup", "python", "-m", "jobs.cli", "maintain", "--only", "backup,drill,airflow")
CLEAN = """
import subprocess, sys
from datetime import UTC, datetime
from jobs.services.old_runs import command
sys.exit(subprocess.run(command(90, datetime.now(UTC))).returncode)
"""


def test_a_backup_is_made_in_its_volume_and_restored_there(stack: Stack, gold: None) -> None:
    told = stack.inside("scheduler", *STEPS, patience=600)
    assert re.search(r"^backup: The backup \S+ is in /var/lib/pscc/backup\.$", told, re.MULTILINE), told
    restored = re.search(r"^drill: The backup \S+ was restored: (\d+) tables", told, re.MULTILINE)
    assert restored, told
    assert int(restored[1]) > 30
    print(f"\n{told.strip()}")


def test_old_runs_leave_airflow_s_database_and_those_of_today_stay(stack: Stack, gold: None) -> None:
    before = len(stack.runs("delivery_ingest"))
    stack.inside("old-runs", "python", "-c", CLEAN)
    assert len(stack.runs("delivery_ingest")) == before > 0
    assert stack.health("old-runs") == "healthy"
