"""rights_requests: opposition, lift and erasure that people asked of the platform itself. Every night, and whenever it is started.

A request comes in by `pscc rights oppose | lift | erase --later`; here only its id goes round, never whom it is about.

Triage
- `carry_out` failed with GateFailed: after an erasure a trace was left, and the log says in which zone, `pscc rights show ID` in which files. Nothing
  is certified. What no table holds (a file somebody put below the lake, a log) has to be removed by hand; then clear the task: it goes on.
- `carry_out` failed with another error: disk, memory, lease. Clear the task; what was done is not done again, nobody comes back meanwhile.
- `carry_out` expects a file with what a request looks for: it was cut short while it looked again, on another machine, or the file is lost.
  Run it there, or make the request again with the same pseudonym: it finds nothing any more and is certified; close the old one by `pscc rights withdraw ID`.
- `verdict` failed: a request waits still. It has to be answered within a month: `pscc rights list` says by when.
- An erasure waits for every hospital's load, a build or a release that is being made, and they wait for it. While it deletes old versions, a
  query that began before may fail: start it again.
"""

from airflow.sdk import Param, TriggerRule, task

from dags.policy import house_dag


@house_dag(
    schedule="0 2 * * *",
    max_active_runs=1,
    doc_md=__doc__,
    params={"logs": Param([], type="array", description="Folders of logs beside the lake that are searched for traces as well.")},
    tags=["rights"],
)
def rights_requests() -> None:
    @task
    def waiting() -> list[str]:
        """The requests that are not carried out, the most urgent first."""
        from jobs import tasks

        return tasks.requests_due()

    @task(max_active_tis_per_dag=1)
    def carry_out(request: str, **context) -> str:  # type: ignore[no-untyped-def]
        """Carry one out."""
        from jobs import tasks

        return tasks.carry_out_request(request, context["params"]["logs"])

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def verdict() -> str:
        """Green only when nobody waits."""
        from jobs import tasks

        return tasks.requests_answered()

    carry_out.expand(request=waiting()) >> verdict()


rights_requests()
