"""The house rules of DAGs: which there are, that each ends in a verdict, says how to triage it, and is cheap to read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DAGS = Path(__file__).parents[2] / "dags"
EXPECTED = {"landing_intake", "delivery_ingest", "gold_build"}
READ = """
import sys, time, json
from airflow.dag_processing.dagbag import DagBag
from pathlib import Path
bag, seconds = DagBag(dag_folder="/nonexistent"), {}
for file in sorted(Path(sys.argv[1]).glob("*.py")):
    started = time.process_time()
    bag.process_file(str(file), only_if_updated=False)
    seconds[file.name] = time.process_time() - started
dags = {d.dag_id: {"doc": d.doc_md or "", "leaves": [t.task_id for t in d.leaves], "catchup": d.catchup,
        "retries": {t.task_id: [t.retries, t.retry_policy is not None] for t in d.tasks}, "tasks": [t.task_id for t in d.tasks],
        "outlets": sorted(o.name for t in d.tasks for o in t.outlets)} for d in bag.dags.values()}
print("READ" + json.dumps({"errors": bag.import_errors, "seconds": seconds, "dags": dags, "heavy": [m for m in ("pyspark", "great_expectations", "polars") if m in sys.modules]}))
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict:  # type: ignore[type-arg]
    """What a process that reads the DAG folder, and nothing else, finds there."""
    import json

    home = tmp_path_factory.mktemp("airflow")
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(DAGS.parent),
    }
    done = subprocess.run([sys.executable, "-c", READ, str(DAGS)], capture_output=True, text=True, env=environment, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("READ")), None)
    assert line, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(line.removeprefix("READ"))


def test_the_dags_are_those_of_the_architecture_and_import_without_an_error(read):
    assert read["errors"] == {}
    assert set(read["dags"]) == EXPECTED


def test_reading_a_dag_file_takes_at_most_a_second_and_imports_no_engine(read):
    assert max(read["seconds"].values()) <= 1.0
    assert read["heavy"] == []


def test_every_dag_says_how_to_triage_it(read):
    assert {dag for dag, said in read["dags"].items() if "Triage" not in said["doc"]} == set()


@pytest.mark.parametrize("dag", sorted(EXPECTED - {"landing_intake"}))
def test_a_dag_ends_in_its_verdict_so_that_green_means_done(read, dag):
    assert read["dags"][dag]["leaves"] == ["verdict"]


def test_every_task_is_tried_again_and_knows_what_never_to_try_again(read):
    lacking = [
        (dag, task)
        for dag, said in read["dags"].items()
        for task, (retries, policy) in said["retries"].items()
        if retries < 1 or not policy
    ]
    assert lacking == []


def test_every_silver_and_gold_table_is_an_asset(read):
    from quality.contracts import contracts

    outlets = {name for said in read["dags"].values() for name in said["outlets"]}
    assert {f"{layer}.{name}" for layer in ("silver", "gold") for name in contracts(layer)} - outlets == set()


def test_gold_build_has_one_task_a_product(read):
    from quality.contracts import contracts

    assert set(read["dags"]["gold_build"]["tasks"]) == {*contracts("gold"), "verdict"}
