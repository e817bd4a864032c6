"""What all DAGs share: how they are declared, who is asked, what is tried again and what never."""

from datetime import timedelta
from functools import partial
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, dag

# An event is only a doorbell; the sweep finds what a lost one missed.
SWEEP = "*/5 * * * *"
# When hospitals and analysts sleep.
NIGHTLY = "30 1 * * *"

# A delivery that broke its contract, a gate that said no and a wrong setting stay so: only the world outside is tried again.
RETRY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=f"jobs.errors.{name}", action=RetryAction.FAIL, reason="trying again will not help")
        for name in ("ContractViolation", "GateFailed", "WrongUse")
    ]
)

DEFAULTS: dict[str, Any] = {
    "owner": "data-engineering",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_policy": RETRY,
}

# A run that was missed is not made up for: the next one finds all that there is to do. A DAG is called like its function.
house_dag = partial(dag, catchup=False, default_args=DEFAULTS)
