"""What all DAGs share: how they are declared, who is asked, what is tried again and what never."""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, dag

from jobs import settings

# Every process that reads a DAG imports this: with a wrong setting none is read, and Airflow's page of import errors says why.
settings.validate()

# An event is only a doorbell; the sweep finds what a lost one missed.
SWEEP = "*/5 * * * *"
# When hospitals and analysts sleep.
NIGHTLY = "30 1 * * *"
WATCH = "*/10 * * * *"

# A delivery that broke its contract, a gate that said no and a wrong setting stay so: only the world outside is tried again.
RETRY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=f"jobs.errors.{name}", action=RetryAction.FAIL, reason="trying again will not help")
        for name in ("ContractViolation", "GateFailed", "WrongUse")
    ]
)


log = logging.getLogger(__name__)


def tell_begin(context: Any) -> None:
    """Note in the ledger that a run has begun, in its first task; the DAG `alerts` tells of one that never comes to an end."""
    from jobs import tasks

    if not context["task"].upstream_task_ids:
        _noted(tasks.began, context)


def tell_failure(context: Any) -> None:
    """Note in the ledger which run failed where; the DAG `alerts` sends it.

    For a task that was killed outright the dag-processor calls this, which mostly has no lake. Then the run's verdict tells of it, or, where
    that was killed too, `alerts`, which knows that the run has begun.
    """
    from jobs import tasks

    _noted(tasks.failed, context)


def _noted(note: Callable[..., None], context: Any) -> None:
    from jobs.errors import LakehouseError

    try:
        note(*_named(context))
    except (LakehouseError, OSError) as error:
        log.warning("Not noted here, for this process has no lake to note it in: %s", error)


def tell_success(context: Any) -> None:
    """Note that a run is at its end, so that nobody looks for what is mended."""
    from jobs import tasks

    if context["ti"].task_id in LAST:
        tasks.succeeded(*_named(context))


def not_green(context: Any, names: Iterable[str]) -> list[str]:
    """The tasks among `names` that did not succeed in this run; a task that Airflow tells nothing of is one of them."""
    states = _states(context)
    return [name for name in names if states.get(name) != "success"]


def all_skipped(context: Any, names: Iterable[str]) -> bool:
    """True where this run had nothing to do: every task among `names` was skipped."""
    states = _states(context)
    return all(states.get(name) == "skipped" for name in names)


def _states(context: Any) -> dict[str, Any]:
    run = context["run_id"]
    return dict(context["ti"].get_task_states(dag_id=context["dag"].dag_id, run_ids=[run]).get(run, {}))


def _named(context: Any) -> tuple[str, str, str | None, str]:
    run = context["dag_run"]
    return run.dag_id, run.run_id, run.partition_key, context["ti"].task_id


# The task in which a run ends well: the verdict, of the doorbell its only one.
LAST = ("verdict", "find")
DEFAULTS: dict[str, Any] = {
    "owner": "data-engineering",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_policy": RETRY,
    "on_execute_callback": tell_begin,
    "on_failure_callback": tell_failure,
    "on_success_callback": tell_success,
}

# A run that was missed is not made up for: the next one finds all that there is to do. A DAG is called like its function.
house_dag = partial(dag, catchup=False, default_args=DEFAULTS)
