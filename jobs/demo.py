"""`make demo`: the main job through the real DAGs, on one machine, without a server, ending in a summary."""

import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jobs.errors import WrongUse
from jobs.session import check_engine
from jobs.settings import Settings, forget

PATIENTS, DELIVERIES, SEED = 300, 2, 7
DAGS = Path(__file__).parent.parent / "dags"
# The demo has a ledger and an engine of its own, whatever this shell works with otherwise.
ELSEWHERE = ("PSCC_DATABASE_URL", "SPARK_REMOTE")


def prepare(to: Path) -> None:
    """Turn away from other ledgers and engines; WrongUse where there are no DAGs or no engine can be had."""
    forget(*ELSEWHERE)
    if not DAGS.is_dir():
        raise WrongUse(f"Expected the DAGs in {DAGS}, found none: run the demo from a checkout of the project.")
    check_engine(Settings.from_environment(to))


def demo(to: Path, deliveries: Path | None = None, keys: Path | None = None) -> bool:
    """Simulate deliveries below `to` (or take `deliveries` with `keys`), run the DAGs over them, print what came of it.

    False when something failed that should not; a refused delivery is no failure.
    """
    if (deliveries is None) != (keys is None):
        raise WrongUse("Expected DELIVERIES and KEYS together, found one of them: name the landing folder and its key register.")
    console = Console(width=None if sys.stdout.isatty() else 120)
    started = time.perf_counter()
    to.mkdir(parents=True, exist_ok=True)
    lake = to / ("lake" if deliveries is None else "lake-own")
    os.environ |= {"PSCC_PLATFORM_KEY_FILE": str(platform_key(to / "platform.key").resolve()), "LAKE_ROOT": str(lake.resolve())}
    landing, register = (deliveries, keys) if deliveries and keys else simulated(to, console)
    if not landing.is_dir() or not register.is_file():
        raise WrongUse(
            f"Expected a landing folder at {landing} and a key register at {register}, found one of them missing: check the paths."
        )
    os.environ |= {"PSCC_LANDING": str(landing.resolve()), "PSCC_KEYS": str(register.resolve())}
    runs = run_dags(to, console)
    summarise(lake, runs, console, time.perf_counter() - started)
    if wrong := failures(runs):
        said = f"Expected every run to end well, found {', '.join(wrong)} failed: see {to / 'demo.log'}."
        console.print(said, style="red", markup=False)
    return not wrong


def failures(runs: Iterable[dict[str, Any]]) -> list[str]:
    """What failed in these runs. The verdict on a delivery fails when it was refused or is held, as it should."""
    found = []
    for run in runs:
        failed = [task for task, state in run["tasks"].items() if state == "failed"]
        if run["dag"] == "delivery_ingest":
            failed = [task for task in failed if task != "verdict"]
        elif not failed and run["state"] != "success":
            failed = ["the run"]
        found += [f"{run['dag']}.{task}" for task in failed]
    return found


def platform_key(path: Path) -> Path:
    """A key of its own for the demo, readable by its owner alone."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path


def simulated(to: Path, console: Console) -> tuple[Path, Path]:
    """Landing folder and key register of the simulated hospitals, made once."""
    source = to / "hospitals"
    if not (source / "keys.json").is_file():
        _simulate(source, console)
    return source / "landing", source / "keys.json"


def _simulate(source: Path, console: Console) -> None:
    """All of the hospitals or nothing: what an interruption leaves is half of them, made again from the start."""
    from jobs.simulate import simulate

    if source.exists() and (not source.is_dir() or any(source.iterdir())):
        raise WrongUse(
            f"Expected simulated hospitals in {source}, found half of them or something else: remove it, then run again."
        )
    half = source.with_name(f"{source.name}.part")
    shutil.rmtree(half, ignore_errors=True)
    with console.status(f"Three hospitals simulate {PATIENTS} patients …"):
        simulate(PATIENTS, DELIVERIES, SEED, half, faults=True)
    half.rename(source)


def run_dags(to: Path, console: Console) -> list[dict[str, Any]]:
    """Run landing_intake, one delivery_ingest for each announcement and gold_build; each run with the states of its tasks."""
    from jobs import tasks

    waiting = tasks.find()
    if not waiting and tasks.gold_is_fresh():
        return []
    with logged_to(to / "demo.log", console) as screen, progress(screen) as bar:
        tasks.engine().warm_up()
        dags = _airflow(to)
        everything = bar.add_task("landing_intake", total=len(waiting) + 2)
        runs = [_run(dags["landing_intake"], {})]
        for key in waiting:
            bar.update(everything, advance=1, description=f"delivery_ingest {escape(tasks.named(key))}")
            runs.append(_run(dags["delivery_ingest"], {"announcement": key}))
        bar.update(everything, advance=1, description="gold_build")
        runs.append(_run(dags["gold_build"], {}))
        bar.update(everything, advance=1, description="done")
    tasks.engine().close()
    return runs


@contextmanager
def logged_to(path: Path, console: Console) -> Iterator[Console]:
    """What Airflow and the JVM print goes to a file; the console given back still writes to the screen."""
    screen, errors = os.dup(1), os.dup(2)
    with path.open("ab") as log, os.fdopen(os.dup(screen), "w") as shown:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield Console(file=shown, force_terminal=console.is_terminal, width=console.width)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(screen, 1)
            os.dup2(errors, 2)
            os.close(screen)
            os.close(errors)


@contextmanager
def progress(console: Console) -> Iterator[Progress]:
    """A line that says what runs and for how long."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as bar:
        yield bar


def _airflow(to: Path) -> dict[str, Any]:
    """The DAGs of the project, with a metadata database of the demo's own."""
    home = (to / "airflow").resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    sys.path.insert(0, str(DAGS.parent))
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import upgradedb

    upgradedb()
    bag = DagBag(dag_folder=str(DAGS))
    if bag.import_errors:
        raise WrongUse(f"Expected the DAGs to be importable, found errors in {', '.join(sorted(bag.import_errors))}.")
    return dict(bag.dags)


def _run(dag: Any, conf: dict[str, str]) -> dict[str, Any]:
    """One run of a DAG, as the metadata database tells it."""
    run = dag.test(run_conf=conf)
    return {
        "dag": dag.dag_id,
        "run": run.run_id,
        "state": str(run.state),
        "key": conf.get("announcement"),
        "tasks": {t.task_id: str(t.state) for t in run.get_task_instances()},
    }


def summarise(lake: Path, runs: list[dict[str, Any]], console: Console, seconds: float) -> None:
    """What a person wants to know at the end."""
    from jobs.summary import summarise as tell
    from quality.docs import build_docs

    build_docs(str(lake.resolve()))
    tell(Settings.from_environment(lake), runs, console, seconds)
