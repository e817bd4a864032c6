"""rights_requests, run for real by Airflow: red while somebody waits, green when nobody does, and never a word of whom it is about."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs import rights
from jobs.rights import certificate
from tests.jobs.rights.test_requests import KEY, OTHER, OTHER_SENT, PATIENT_ID, SENT, TOKEN, WHO, House, made

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]
# A process of its own: Airflow reads its settings once. A folder of logs that is not there stops the first run before anything is erased.
RUN = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.db import upgradedb
upgradedb()
runs = []
for conf in ({"logs": ["/nowhere"]}, {}):
    # Read anew: a run by hand leaves its parameters in the DAG.
    bag = DagBag(dag_folder=sys.argv[1] + "/dags")
    run = bag.dags["rights_requests"].test(run_conf=conf)
    runs.append({"state": str(run.state), "tasks": [[t.task_id, str(t.state)] for t in run.get_task_instances()]})
print("RUNS" + json.dumps(runs))
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Two patients in bronze and vault; one asks for erasure, the other opposes."""
    found = made(tmp_path)
    rights.received(found.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    rights.received(found.settings, "oppose", "gr", [OTHER_SENT], "genetics", "A. Officer", "a call")
    return found


def test_a_run_is_red_until_everybody_is_answered_and_airflow_learns_of_nobody(house: House, tmp_path: Path) -> None:
    home = tmp_path / "airflow"
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONPATH": str(ROOT),
        "LAKE_ROOT": house.settings.lake,
        "PSCC_PLATFORM_KEY_FILE": str(house.settings.platform_key_file),
    }
    done = subprocess.run([sys.executable, "-c", RUN, str(ROOT)], capture_output=True, text=True, env=environment, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RUNS")), None)
    assert line, done.stdout[-3000:] + done.stderr[-3000:]
    red, green = json.loads(line.removeprefix("RUNS"))
    assert (red["state"], green["state"]) == ("failed", "success"), [
        line for line in done.stdout.splitlines() if line.startswith("jobs.errors")
    ]
    assert ["verdict", "failed"] in red["tasks"]
    assert {state for _, state in green["tasks"]} == {"success"}
    assert [each.state for each in rights.listed(house.settings)] == ["done", "done"]
    proof = certificate.verify(house.settings, Path(rights.listed(house.settings)[0].certificate or ""))
    # Airflow's own database and logs were searched as well, and had something to be searched.
    assert (proof["after"]["logs 1"]["files"] > 0, proof["before"]["logs 1"]["hits"]) == (True, 0)
    told = [done.stdout.encode(), done.stderr.encode(), *(each.read_bytes() for each in home.rglob("*") if each.is_file())]
    ids = [WHO, OTHER, SENT, OTHER_SENT, PATIENT_ID, TOKEN, KEY]
    assert [number for number, each in enumerate(ids) if any(each.encode() in text for text in told)] == []
    # The control: what was looked at is what Airflow keeps.
    assert any(b"RIGHTS-" in text for text in told[2:])
