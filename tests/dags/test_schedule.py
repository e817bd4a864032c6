"""What the scheduler makes of the assets: announcements start ingests, publications start a build, by Airflow's own code and database."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A process of its own: Airflow reads its settings once. Runs are made as a tick of the scheduler makes them, none is executed.
TICKS = """
import json, sys
from airflow.assets.manager import asset_manager
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.asset import AssetModel
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import select, update

initdb()
DagBundlesManager().sync_bundles_to_db()
sync_bag_to_db(DagBag(dag_folder=sys.argv[1]), "dags-folder", None)
with create_session() as session:
    session.execute(update(DagModel).values(is_paused=False))

def change(key, *names):
    with create_session() as session:
        for asset in session.scalars(select(AssetModel).where(AssetModel.name.in_(names))):
            asset_manager.register_asset_change(asset=asset, partition_key=key, session=session)

def tick():
    with create_session() as session:
        SchedulerJobRunner(Job())._create_dagruns_for_partitioned_asset_dags(session)
    with create_session() as session:
        return sorted(f"{run.dag_id} {run.partition_key}" for run in session.scalars(select(DagRun)))

change("7", "landing.announced")
change("8", "landing.announced")
announced = tick()
change("7", "silver.person", "silver.variant")
change("8", "silver.person")
published = tick()
change("9", "silver.specimen")
later = tick()
# A look at night that found gold up to date, then one that did not.
change(None, "gold.due")
fresh = tick()
change("everything", "gold.due")
print("RUNS" + json.dumps([announced, published, later, fresh, tick()]))
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The runs that there are after two announcements, after both were published, after a third was, and after two looks at night."""
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", TICKS, str(ROOT / "dags")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RUNS")), None)
    assert line, done.stdout[-2000:] + done.stderr[-2000:]
    found: list[list[str]] = json.loads(line.removeprefix("RUNS"))
    return found


def test_every_announcement_starts_an_ingest_of_its_own(runs):
    assert runs[0] == ["delivery_ingest 7", "delivery_ingest 8"]


def test_what_was_published_between_two_looks_of_the_scheduler_starts_one_build(runs):
    assert runs[1] == [*runs[0], "gold_build everything"]


def test_a_publication_after_the_run_of_a_build_was_made_has_another_one_so_that_no_look_of_the_first_can_lose_it(runs):
    assert runs[2] == [*runs[1], "gold_build everything"]


def test_what_no_run_has_published_is_built_the_night_after_and_only_then(runs):
    assert runs[3] == runs[2]
    assert runs[4] == [*runs[3], "gold_build everything"]
