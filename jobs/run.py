"""In which run of the orchestrator this process works, as far as it says so."""

import os


def orchestrator_run() -> str | None:
    """`dag/run` inside a task of Airflow, None elsewhere."""
    dag, run = os.environ.get("AIRFLOW_CTX_DAG_ID"), os.environ.get("AIRFLOW_CTX_DAG_RUN_ID")
    return f"{dag}/{run}" if dag and run else None


def orchestrator_task() -> tuple[str, str, str, str] | None:
    """DAG, run, task and attempt inside a task of Airflow, None elsewhere."""
    dag, run, task = (os.environ.get(f"AIRFLOW_CTX_{name}") for name in ("DAG_ID", "DAG_RUN_ID", "TASK_ID"))
    return (dag, run, task, os.environ.get("AIRFLOW_CTX_TRY_NUMBER") or "1") if dag and run and task else None
