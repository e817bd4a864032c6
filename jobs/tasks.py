"""What the DAGs call: one function a task, by the key of an announcement. The same stages as `pscc ingest`.

What a library says of a failure stays out of Airflow's logs: it may show rows.
"""

import os
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs import ingest
from jobs.errors import ContractViolation, GateFailed
from jobs.failures import own_words
from jobs.ledger import Ledger
from jobs.session import wait_for_server
from jobs.settings import Settings, asked

# A run that has not come to a verdict by now will not: it failed, or was lost.
STRANDED = timedelta(minutes=15)
ENGINE_SECONDS = 120

if TYPE_CHECKING:
    from jobs.silver.engine import Engine


def engine() -> "Engine":
    """The engine of this process, once it answers: one that ended is back before long, and a task that began just then can wait."""
    wait_for_server(Settings.from_environment(), ENGINE_SECONDS)
    return _engine()


@cache
def _engine() -> "Engine":
    """Kept warm between tasks that run in one process."""
    from jobs.silver.engine import Engine

    return Engine(Settings.from_environment())


def _keys() -> dict[str, Any]:
    from jobs.landing.signature import load_keys

    return load_keys(Path(asked("PSCC_KEYS")))


@own_words()
def find(kind: str = "manual", since: str = "") -> list[str]:
    """The keys of announcements that were not judged yet, in order of arrival, and that nobody has asked a run for.

    Of a run by hand: all. Of another, which began at `since`: those that it noted itself. A sweep (`scheduled`) adds those that are
    stranded: noted long ago and still without a verdict, whatever became of their run.
    """
    found = ingest.waiting(Settings.from_environment(), asked("PSCC_LANDING"))
    if kind == "manual":
        return [str(each.id) for each in found]
    began = datetime.fromisoformat(since)
    noted = {each.id: datetime.fromisoformat(each.found_at) for each in found}
    stranded = began - STRANDED
    return [str(key) for key, at in noted.items() if at >= began or (kind == "scheduled" and at < stranded)]


@own_words()
def verify(key: str) -> str:
    """Judge an announcement by all gates that need no lake; the key again."""
    ingest.judge(Settings.from_environment(), int(key), _keys())
    return key


@own_words()
def land(key: str) -> None:
    """Commit the delivery, and those that waited for it, to bronze."""
    ingest.load(Settings.from_environment(), int(key))


@own_words()
def publish(key: str) -> None:
    """Publish everything of the delivery's hospital that lies in bronze to silver, in one pass."""
    ingest.publish(Settings.from_environment(), int(key), engine())


@own_words()
def verdict(key: str) -> str:
    """What became of the delivery; ContractViolation unless it is loaded, or was before."""
    report = ingest.verdict(Settings.from_environment(), int(key))
    if report is None:
        raise ContractViolation(f"Expected a verdict on announcement {key}, found its work unfinished: look at the tasks before.")
    if report.outcome not in ("accepted", "duplicate"):
        codes = ", ".join(report.reason_codes)
        raise ContractViolation(
            f"{report.delivery_id or 'An announced delivery'} is {report.outcome}: {codes}. The return report says where."
        )
    return f"{report.delivery_id} {report.outcome}"


@own_words()
def has_to_build() -> bool:
    """True where gold, the worklist or the Data Docs are behind silver; asks the tables' logs, and no engine that would have to be up."""
    from jobs.silver.engine import Engine

    settings = Settings.from_environment()
    return ingest.has_to_build(settings, Engine(settings))


@own_words()
def build(table: str) -> bool:
    """Make one gold product again; False where nothing that it reads has changed."""
    return bool(ingest.build_table(Settings.from_environment(), engine(), table))


@own_words()
def all_built(failed: list[str], skipped: bool = False) -> None:
    """Finish a build, but one that was skipped; GateFailed when the task of a product failed."""
    if skipped:
        return
    ingest.finish_build(Settings.from_environment(), engine())
    if failed:
        raise GateFailed(
            f"Expected every product to be built, found {', '.join(sorted(failed))} failed: their published rows are those of the build before, without who is hidden since."
        )


def named(key: str) -> str:
    """The folder of an announcement: what a person calls the delivery before it is judged."""
    ledger = Ledger(Settings.from_environment())
    try:
        return Path(ledger.announcement(int(key)).folder).name
    finally:
        ledger.close()


def gold_is_fresh() -> bool:
    """True where no product would be made again."""
    from jobs.silver.engine import Engine

    settings = Settings.from_environment()
    return ingest.gold_is_fresh(settings, Engine(settings))


@own_words()
def make_release(size: str, k: int, diverse: int) -> str:
    """Make a teaching release; its name."""
    from jobs.privacy.anonymise import Bounds
    from jobs.releases import make

    release, _ = make(Settings.from_environment(), size, Bounds(k, diverse))
    return release.name


@own_words()
def approve_release(name: str, by: str) -> str:
    """Approve a release in somebody's name; the name of the release again. Approved before, it stays so."""
    from jobs.releases import approve, shown

    settings = Settings.from_environment()
    if shown(settings, name)[0].state != "approved":
        # The page on which they answered says so at its top, where the release was held to less than usual.
        approve(settings, name, by, accept_lower_bounds=True)
    return name


@own_words()
def examine_courses(name: str) -> str:
    """What who approves a release reads: whether it was held to less than usual, and which lessons still reach all their points.

    GateFailed where a lesson blocks it.
    """
    from jobs.releases import examine_courses as examined
    from jobs.releases import for_approver

    settings = Settings.from_environment()
    return f"{for_approver(settings, name)} Courses: {examined(settings, name)}".strip()


@own_words()
def released(name: str) -> str:
    """A release that is approved; GateFailed for another."""
    from jobs.releases import shown

    state = shown(Settings.from_environment(), name)[0].state if name else "not made"
    if state != "approved":
        raise GateFailed(f"Expected an approved release, found it {state}: look at the tasks before.")
    return f"{name} {state}"


@own_words()
def requests_due() -> list[str]:
    """The ids of requests of people that are not carried out, the most urgent first."""
    from jobs import rights

    return rights.due(Settings.from_environment())


@own_words()
def carry_out_request(request: str, logs: list[str]) -> str:
    """Carry out a request; its id and state. GateFailed where an erasure leaves a trace, in Airflow's own folders and logs too."""
    from jobs import rights

    airflow = [Path(each) for name in ("AIRFLOW_HOME", "AIRFLOW__LOGGING__BASE_LOG_FOLDER") if (each := os.environ.get(name))]
    folders = [*map(Path, logs), *(each for each in airflow if each.is_dir())]
    found = rights.carry_out(Settings.from_environment(), engine(), request, folders)
    return f"{found.id} {found.state}"


@own_words()
def requests_answered() -> str:
    """How many requests are carried out; GateFailed where one waits still."""
    from jobs import rights

    settings = Settings.from_environment()
    if waiting := rights.due(settings):
        raise GateFailed(
            f"Expected every request to be carried out, found {', '.join(waiting)} waiting: look at the tasks before."
        )
    return f"{len(rights.listed(settings))} requests, all carried out"


@own_words()
def maintain(step: str) -> str:
    """One step of the nightly maintenance; what came of it."""
    from jobs.maintenance import maintain as maintained

    return maintained(Settings.from_environment(), step)


def all_maintained(failed: list[str]) -> None:
    """GateFailed when a step of maintenance failed, or was not reached for that."""
    if failed:
        raise GateFailed(f"Expected every step of maintenance to be done, found {', '.join(failed)} not done: look at the first.")


@own_words()
def began(dag: str, run: str, key: str | None, _: str) -> None:
    """Note that a run of a DAG has begun."""
    from jobs.alerts import Run, run_began

    run_began(Settings.from_environment(), Run(dag, run, key))


@own_words()
def failed(dag: str, run: str, key: str | None, task: str) -> None:
    """Note that a run of a DAG failed in a task."""
    from jobs.alerts import Run, run_failed

    run_failed(Settings.from_environment(), Run(dag, run, key), task)


@own_words()
def succeeded(dag: str, run: str, key: str | None, _: str) -> None:
    """Note that a run of a DAG came to its end."""
    from jobs.alerts import Run, run_succeeded

    run_succeeded(Settings.from_environment(), Run(dag, run, key))


@own_words()
def look_for_alerts() -> int:
    """Open and close alerts as the ledger says; how many are open."""
    from jobs.alerts import look

    return len(look(Settings.from_environment()))


@own_words()
def send_alerts() -> int:
    """Send what was not sent yet; how many alerts."""
    from jobs.alerts import tell

    return tell(Settings.from_environment())
