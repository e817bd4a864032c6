"""In which run of the orchestrator this process works, as far as it says so."""

import os


def orchestrator_run() -> str | None:
    """`dag/run` inside a task of Airflow, None elsewhere."""
    dag, run = os.environ.get("AIRFLOW_CTX_DAG_ID"), os.environ.get("AIRFLOW_CTX_DAG_RUN_ID")
    return f"{dag}/{run}" if dag and run else None
