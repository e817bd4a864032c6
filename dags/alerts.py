"""alerts: every ten minutes, who has to know of what. Deliveries held or refused, hospitals that are silent, runs that failed or never ended: each told once.

Triage
- `look` failed: the ledger cannot be reached, or PSCC_DELIVERY_DAYS is no list of hospitals and days.
- `verdict` failed: an alert could not be sent. The log names the setting: PSCC_SMTP, PSCC_ALERT_MAIL or PSCC_ALERT_WEBHOOK. The alerts stay
  in `pscc alerts`, and the next run sends them.
- Nobody hears anything: neither PSCC_ALERT_MAIL nor PSCC_ALERT_WEBHOOK is set; or this DAG does not run. Nothing here can tell that: let
  something outside watch `pscc_alerts_looked_at_timestamp_seconds`.
"""

from airflow.sdk import CronTriggerTimetable, task

from dags.policy import WATCH, house_dag


@house_dag(schedule=CronTriggerTimetable(WATCH, timezone="UTC"), max_active_runs=1, doc_md=__doc__, tags=["alerts"])
def alerts() -> None:
    @task
    def look() -> int:
        """Open an alert for every new cause, close those whose cause is gone; how many are open."""
        from jobs import tasks

        return tasks.look_for_alerts()

    @task
    def verdict() -> int:
        """Green once every open alert was sent."""
        from jobs import tasks

        return tasks.send_alerts()

    look() >> verdict()


alerts()
