"""The house rules of DAGs in CONTRIBUTING.md: how each ends, what its tasks call and exchange, what reading it costs."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Any, get_type_hints

import pytest

from jobs import tasks
from jobs.maintenance import STEPS

DAGS = Path(__file__).parents[2] / "dags"
EXPECTED = {"alerts", "landing_intake", "delivery_ingest", "gold_build", "maintenance", "rights_requests", "teaching_release"}
LOOPS = {"gold_build": {"stale", "product", "verdict"}, "maintenance": {"maintain", "ask_for_gold", "verdict"}}
# What a person does is no task of ours.
BY_PERSONS = {"approval"}
# Keys of announcements, names of tables, tasks and releases, bounds; `bool` says whether something was done.
IDS = {str, list[str], int, bool, NoneType}
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
        "after": {t.task_id: sorted(t.upstream_task_ids) for t in d.tasks},
        "outlets": sorted(o.name for t in d.tasks for o in t.outlets)} for d in bag.dags.values()}
print("READ" + json.dumps({"errors": bag.import_errors, "seconds": seconds, "dags": dags,
    "heavy": [m for m in ("pyspark", "great_expectations", "polars") if m in sys.modules]}))
"""

# The task that publishes a release, as it runs after an answer; in whose name is told instead of done.
PUBLISH = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from jobs import tasks
bag, names = DagBag(dag_folder="/nonexistent"), []
bag.process_file(sys.argv[1] + "/teaching_release.py", only_if_updated=False)
tasks.approve_release = lambda release, by: names.append(by)

class Answered:
    def __init__(self, user):
        self.pulled = {"make": "r1", "approval": {"responded_by_user": user}}
    def xcom_pull(self, task_ids):
        return self.pulled[task_ids]

for user in (None, {"id": "7", "name": None}, {"id": "7", "name": "Ada"}):
    bag.dags["teaching_release"].get_task("publish").python_callable(ti=Answered(user))
print("READ" + json.dumps(names))
"""

# What the retry policy says of each error of the family: "default" is another attempt, as many as the DAG allows.
TRIED_AGAIN = """
import json
from dags.policy import RETRY
from jobs import errors
family = {name: each for name, each in vars(errors).items() if isinstance(each, type)}
print("READ" + json.dumps({name: RETRY.evaluate(each("so"), 1, 3).action.value for name, each in family.items()}))
"""


# A verdict that began and was killed outright, as the dag-processor is told of it: first where it has no lake, then where it has one.
KILLED = """
import json, logging, os, sys, uuid
from datetime import UTC, datetime
import structlog
from airflow.api_fastapi.execution_api.datamodels.taskinstance import DagRun, TaskInstance, TIRunContext
from airflow.callbacks.callback_requests import TaskCallbackRequest
from airflow.dag_processing.dagbag import DagBag
from airflow.dag_processing.processor import _execute_task_callbacks
from jobs import alerts
from jobs.ledger import Ledger
from jobs.settings import Settings

now = datetime.now(UTC)
bag = DagBag(dag_folder="/nonexistent")
bag.process_file(sys.argv[1] + "/gold_build.py", only_if_updated=False)
said = []
logging.getLogger("dags.policy").addHandler(type("Kept", (logging.Handler,), {"emit": lambda _, record: said.append(record.getMessage())})())

def context(task, run):
    from types import SimpleNamespace as Some
    dag_run = Some(dag_id="gold_build", run_id=run, partition_key="everything")
    return {"task": bag.dags["gold_build"].get_task(task), "ti": Some(task_id=task), "dag_run": dag_run}

def killed(run):
    ti = TaskInstance(id=uuid.uuid4(), dag_version_id=uuid.uuid4(), dag_id="gold_build", run_id=run, task_id="verdict", try_number=3, map_index=-1)
    of_run = DagRun(dag_id="gold_build", run_id=run, logical_date=None, data_interval_start=None, data_interval_end=None, run_after=now,
                    start_date=now, end_date=None, clear_number=0, run_type="manual", state="running", conf={}, consumed_asset_events=[], partition_key="everything")
    server = TIRunContext(dag_run=of_run, max_tries=2, variables=[], connections=[], xcom_keys_to_clear=[])
    request = TaskCallbackRequest(filepath="", bundle_name="b", bundle_version=None, msg="", ti=ti, task_callback_type="failed", context_from_server=server)
    _execute_task_callbacks(bag, request, structlog.get_logger())

def causes(later):
    from datetime import timedelta
    return [each.cause for each in alerts.look(lake, now + timedelta(hours=later))]

lake = Settings(lake=os.environ["LAKE"])
Ledger(lake).close()
begin = bag.dags["gold_build"].get_task("stale").on_execute_callback[0]
os.environ["LAKE_ROOT"] = lake.lake
for task in "stale", "verdict":
    begin(context(task, "r1"))
del os.environ["LAKE_ROOT"]
killed("r1")
found = [causes(0), causes(13)]
with_no_lake = list(said)
os.environ["LAKE_ROOT"] = lake.lake
alerts.run_succeeded(lake, alerts.Run("gold_build", "r2"))
killed("r3")
print("READ" + json.dumps({"without": found, "with": causes(0), "said": with_no_lake, "left": [each for each in os.listdir(".")]}))
"""


def run(script: str, home: Path, **variables: str) -> Any:
    """What a process that knows Airflow and the DAG folder prints as JSON."""
    environment = (
        os.environ
        | variables
        | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": str(DAGS.parent),
        }
    )
    done = subprocess.run([sys.executable, "-c", script, str(DAGS)], capture_output=True, text=True, env=environment, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("READ")), None)
    assert line, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(line.removeprefix("READ"))


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict:  # type: ignore[type-arg]
    """What a process that reads the DAG folder, and nothing else, finds there."""
    return run(READ, tmp_path_factory.mktemp("airflow"))


def test_the_dags_are_those_of_the_architecture_and_import_without_an_error(read):
    assert read["errors"] == {}
    assert set(read["dags"]) == EXPECTED


def test_with_a_wrong_setting_no_dag_is_read_and_the_import_error_says_why(tmp_path):
    found = run(READ, tmp_path, PSCC_KEEP_LANDING_DAYS="0")
    assert found["dags"] == {}
    assert {Path(file).stem for file in found["errors"]} == EXPECTED | {"policy"}
    sentence = "Expected PSCC_KEEP_LANDING_DAYS to be a number of days from 1 to 36,500, found '0': correct it."
    assert [error for error in found["errors"].values() if sentence not in error] == []


def test_reading_a_dag_file_takes_at_most_a_second_and_imports_no_engine(read):
    assert max(read["seconds"].values()) <= 1.0
    assert read["heavy"] == []


def test_every_dag_says_how_to_triage_it(read):
    assert {dag for dag, said in read["dags"].items() if "Triage" not in said["doc"]} == set()


@pytest.mark.parametrize("dag", sorted(EXPECTED - {"landing_intake"}))
def test_a_dag_ends_in_its_verdict_so_that_green_means_done(read, dag):
    assert read["dags"][dag]["leaves"] == ["verdict"]


def test_the_doorbell_has_one_task_which_only_announces(read):
    intake = read["dags"]["landing_intake"]
    assert (intake["tasks"], intake["outlets"]) == (["find"], ["landing.announced"])


def test_no_dag_makes_up_for_runs_that_were_missed(read):
    assert {dag for dag, said in read["dags"].items() if said["catchup"]} == set()


def tasks_of(dag: str) -> Iterator[ast.FunctionDef]:
    """The functions of a DAG's file that are tasks."""
    for found in ast.walk(ast.parse((DAGS / f"{dag}.py").read_text(encoding="utf-8"))):
        if isinstance(found, ast.FunctionDef):
            decorators = [each.func if isinstance(each, ast.Call) else each for each in found.decorator_list]
            if any(ast.unparse(each).partition(".")[0] == "task" for each in decorators):
                yield found


def called_by(task: ast.FunctionDef) -> list[str]:
    """The functions of jobs.tasks that a task calls."""
    calls = [each.func for each in ast.walk(task) if isinstance(each, ast.Call)]
    return [each.attr for each in calls if isinstance(each, ast.Attribute) and ast.unparse(each.value) == "tasks"]


def imported(tree: ast.AST) -> list[str]:
    """What is imported of the project anywhere in a piece of code."""
    found = [each for each in ast.walk(tree) if isinstance(each, ast.Import | ast.ImportFrom)]
    names = [ast.unparse(each) for each in found]
    return [name for name in names if "jobs" in name or "quality" in name]


@pytest.mark.parametrize("dag", sorted(EXPECTED))
def test_a_task_calls_one_function_of_jobs_tasks_and_nothing_else_of_the_jobs(dag):
    found = {task.name: (called_by(task), imported(task)) for task in tasks_of(dag)}
    assert found
    assert {name: (len(calls), imports) for name, (calls, imports) in found.items()} == dict.fromkeys(
        found, (1, ["from jobs import tasks"])
    )
    everywhere = imported(ast.parse((DAGS / f"{dag}.py").read_text(encoding="utf-8")))
    # The doorbell is no work: an asset has to name its trigger.
    doorbell = {"from jobs.services.landing_trigger import landing_bell"}
    assert set(everywhere) <= {"from jobs import tasks", "from quality.contracts import contracts"} | doorbell


def test_every_task_that_airflow_knows_is_one_that_was_looked_at(read):
    looked_at = {dag: {task.name for task in tasks_of(dag)} for dag in EXPECTED}
    # One function makes a task for each product, or for each step.
    assert {dag: looked_at.pop(dag) for dag in LOOPS} == LOOPS
    assert {dag: set(read["dags"][dag]["tasks"]) - BY_PERSONS for dag in looked_at} == looked_at


def test_the_nightly_tasks_are_the_steps_of_maintenance_one_after_the_other(read):
    night = read["dags"]["maintenance"]
    assert night["tasks"] == [*STEPS, "ask_for_gold", "verdict"]
    assert [night["after"][step] for step in STEPS] == [[], *([step] for step in [*STEPS][:-1])]
    # Of a lake that is known to be whole, when nobody holds it for maintenance any more.
    assert night["after"]["ask_for_gold"] == sorted([[*STEPS][-1], "verify"])


def handed_on(task: ast.FunctionDef) -> set[str]:
    """What a task returns, which Airflow keeps in its database; a name stands for what it was given."""
    given = {ast.unparse(each.targets[0]): each.value for each in ast.walk(task) if isinstance(each, ast.Assign)}
    returned = [each.value for each in ast.walk(task) if isinstance(each, ast.Return) and each.value]
    return {ast.unparse(given.get(ast.unparse(each), each)) for each in returned}


@pytest.mark.parametrize("dag", sorted(EXPECTED))
def test_tasks_exchange_ids_only(dag):
    for task in tasks_of(dag):
        [function] = called_by(task)
        assert set(get_type_hints(getattr(tasks, function)).values()) <= IDS, function
        assert {each.partition("(")[0] for each in handed_on(task)} <= {f"tasks.{function}"}, task.name


def test_every_task_is_tried_again_and_knows_what_never_to_try_again(read):
    lacking = [
        (dag, task)
        for dag, said in read["dags"].items()
        for task, (retries, policy) in said["retries"].items()
        if retries < 1 or not policy
    ]
    assert lacking == []


def test_the_world_outside_is_tried_again_and_what_stays_so_is_not(tmp_path):
    assert run(TRIED_AGAIN, tmp_path) == {
        "ContractViolation": "fail",
        "EngineSilent": "default",
        "GateFailed": "fail",
        "LakehouseError": "default",
        "LeaseLost": "default",
        "WrongUse": "fail",
    }


def test_a_killed_task_is_told_of_though_the_dag_processor_that_hears_of_it_has_no_lake(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.delenv("LAKE_ROOT", raising=False)
    found = run(KILLED, tmp_path, LAKE=str(tmp_path / "lake"))
    assert (found["without"], found["with"]) == ([[], ["run/gold_build"]], ["run/gold_build"])
    [said] = found["said"]
    assert said.startswith("Not noted here, for this process has no lake to note it in: Expected a lake in ")
    # And it made none.
    assert found["left"] == []


def test_every_silver_and_gold_table_is_an_asset(read):
    from quality.contracts import contracts

    outlets = {name for said in read["dags"].values() for name in said["outlets"]}
    assert {f"{layer}.{name}" for layer in ("silver", "gold") for name in contracts(layer)} - outlets == set()


def test_gold_build_has_one_task_a_product_each_after_the_look_whether_there_is_something_to_make(read):
    from quality.contracts import contracts

    said = read["dags"]["gold_build"]
    assert set(said["tasks"]) == {"stale", *contracts("gold"), "verdict"}
    assert [name for name in contracts("gold") if "stale" not in said["after"][name]] == []
    # Behind it directly, the verdict would be skipped with them.
    assert said["after"]["verdict"] == sorted(contracts("gold"))


def test_no_release_is_published_before_a_person_has_approved_it(read):
    said = read["dags"]["teaching_release"]
    assert said["after"]["publish"] == ["approval"]


def test_nobody_is_no_name_in_which_a_release_is_approved(tmp_path):
    assert run(PUBLISH, tmp_path) == ["", "", "Ada"]


def test_a_lesson_that_blocks_a_release_is_met_before_the_release_is_published(read):
    said = read["dags"]["teaching_release"]
    assert said["after"]["courses"] == ["make"]
    assert said["after"]["approval"] == ["courses"]
