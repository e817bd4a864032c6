"""landing_intake: the doorbell. Finds deliveries that were announced and asks for one run of delivery_ingest each.

It runs when the landing trigger has seen a new manifest, and every five minutes besides: the sweep finds what an event missed.

Triage
- `find` failed: the landing area or the ledger cannot be reached. Nothing was lost: the next run finds the same
  announcements. Check PSCC_LANDING, the mount, and the ledger's database; then clear the task.
- `find` is green and no run of delivery_ingest follows: the folder has no `manifest.json` yet (the hospital is still
  writing), its name starts with `.` or ends in `.part`, or the ledger has seen this very manifest: `pscc status`.
- Deliveries are found by the sweep only: the triggerer does not run, or lacks PSCC_LANDING. `pscc status`, `pscc logs triggerer`.
"""

from airflow.sdk import Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable, task

from dags.policy import SWEEP, house_dag
from jobs.services.landing_trigger import landing_bell

manifest = Asset(
    name="landing.manifest",
    uri="file://landing/manifest",
    watchers=[AssetWatcher(name="landing_trigger", trigger=landing_bell())],
)
announced = Asset(name="landing.announced", uri="file://landing/announced")
schedule = AssetOrTimeSchedule(timetable=CronTriggerTimetable(SWEEP, timezone="UTC"), assets=manifest)


@house_dag(schedule=schedule, max_active_runs=1, doc_md=__doc__, tags=["landing"])
def landing_intake() -> None:
    @task(outlets=[announced])
    def find(*, outlet_events, **context) -> list[str]:  # type: ignore[no-untyped-def]
        """The keys of new announcements: one partition, so one run, each. Run by hand, of all that wait for a verdict."""
        from jobs import tasks

        run = context["dag_run"]
        keys = tasks.find(run.run_type, run.start_date.isoformat())
        if keys:
            outlet_events[announced].add_partitions(keys)
        return keys

    find()


landing_intake()
