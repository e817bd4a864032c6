"""The nightly DAG as Airflow runs it: a damaged lake stops it and is told of once, a mended one closes the alert."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.maintenance import STEPS
from jobs.settings import Settings
from jobs.silver.tables import ensure_table
from quality.contracts import contracts

# Airflow itself, twice: a quarter of a minute.
pytestmark = pytest.mark.acceptance
ROOT = Path(__file__).parents[2]
# In a process of its own: Airflow reads its settings once. Between the two nights somebody puts the file back.
RUN = """
import json, sys
from pathlib import Path
from jobs.alerts import listed
from jobs.demo import _airflow, _run
from jobs.settings import Settings
file, dags = Path(sys.argv[2]), _airflow(Path(sys.argv[1]))
content, runs, causes = file.read_bytes(), [], []
for found in content[:-9], content:
    file.write_bytes(found)
    runs.append(_run(dags["maintenance"], {})["tasks"])
    runs.append(_run(dags["alerts"], {})["tasks"])
    causes.append([each.cause for each in listed(Settings.from_environment())])
from airflow.models.asset import AssetEvent, AssetModel
from airflow.utils.session import create_session
with create_session() as session:
    events = session.query(AssetModel.name, AssetEvent.partition_key).join(AssetEvent, AssetEvent.asset_id == AssetModel.id)
    asked = [list(each) for each in events]
print("RUNS" + json.dumps([runs, causes, asked]))
"""


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, str]], list[list[str]], list[list[str]]]:
    """The states of the tasks of maintenance and alerts in the first night, then in the second; the causes that were open after each; what was
    told of assets in both."""
    root = tmp_path_factory.mktemp("nightly")
    lake = Lake(str(root / "lake"))
    Ledger(Settings(lake=lake.root)).close()
    lake.write("ops", "t", pa.table({"a": [1]}))
    for table in contracts("silver").values():
        ensure_table(lake, table)
    file = next(Path(lake.path("ops", "t")).glob("*.parquet"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PSCC_ALERT", "PSCC_DATABASE"))}
    key = root / "platform.key"
    key.write_text("11" * 32)
    key.chmod(0o600)
    environment |= {"LAKE_ROOT": lake.root, "PYTHONPATH": str(ROOT), "PSCC_BACKUP": str(root / "backups")}
    environment["PSCC_PLATFORM_KEY_FILE"] = str(key)
    asked = [sys.executable, "-c", RUN, str(root), str(file)]
    done = subprocess.run(asked, capture_output=True, text=True, env=environment, cwd=root, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RUNS")), None)
    assert line, done.stdout[-2000:] + done.stderr[-2000:]
    runs, causes, asked = json.loads(line.removeprefix("RUNS"))
    return runs, causes, asked


def test_a_damaged_lake_stops_the_night_before_anything_is_deleted_and_is_told_of_once(nights):
    runs, causes, _ = nights
    assert runs[0] == {"verify": "failed", "verdict": "failed"} | dict.fromkeys(
        [*list(STEPS)[1:], "ask_for_gold"], "upstream_failed"
    )
    assert causes[0] == ["run/maintenance"]


def test_the_next_night_is_green_and_closes_the_alert(nights):
    runs, causes, _ = nights
    assert runs[2] == dict.fromkeys([*STEPS, "ask_for_gold", "verdict"], "success")
    assert causes[1] == []


def test_of_a_lake_that_is_whole_gold_is_asked_for_where_none_was_made(nights):
    assert nights[2] == [["gold.due", "everything"]]


def test_the_dag_of_alerts_is_green_where_nobody_is_to_be_told(nights):
    assert [nights[0][at] for at in (1, 3)] == [{"look": "success", "verdict": "success"}] * 2
