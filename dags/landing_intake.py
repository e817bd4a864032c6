"""landing_intake: the doorbell. Finds deliveries that were announced and asks for one run of delivery_ingest each.

Triage
- `find` failed: the landing area or the ledger cannot be reached. Nothing was lost: the next run finds the same
  announcements. Check PSCC_LANDING, the mount, and the ledger's database; then clear the task.
- `find` is green and no run of delivery_ingest follows: the folder has no `manifest.json` yet (the hospital is still
  writing), its name starts with `.` or ends in `.part`, or the ledger has seen this very manifest: `pscc status`.
"""

from airflow.sdk import Asset, task

from dags.policy import SWEEP, house_dag

announced = Asset(name="landing.announced", uri="file://landing/announced")


@house_dag(schedule=SWEEP, max_active_runs=1, doc_md=__doc__, tags=["landing"])
def landing_intake() -> None:
    @task(outlets=[announced])
    def find(*, outlet_events) -> list[str]:  # type: ignore[no-untyped-def]
        """The keys of new announcements: one partition, so one run, each."""
        from jobs import tasks

        keys = tasks.find()
        if keys:
            outlet_events[announced].add_partitions(keys)
        return keys

    find()


landing_intake()
