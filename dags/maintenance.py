"""maintenance: every night, what keeps the lake well. Verify, compact, shorten logs, vacuum, retention, backup, and the drill that restores it.

Triage
- `verify` failed: the lake is damaged, and nothing after it was done. `pscc verify` names tables and files; docs/runbooks.md says how to restore.
- `logs` failed: a checkpoint does not know all transactions. The log is as it was; keep it, and report it. What follows was not done.
- `backup` failed: disk or rights of PSCC_BACKUP. Backups that were complete stay; clear the task.
- `drill` failed: the newest backup cannot be restored. Clear `backup`, then `drill`; until that is green only earlier backups count.
- A task waits: a hospital's deliveries are being loaded; it has the lake when they are done, and they wait for it.
"""

from airflow.sdk import CronTriggerTimetable, TriggerRule, task

from dags.policy import NIGHTLY, house_dag, not_green

STEPS = ("verify", "compact", "logs", "vacuum", "retention", "backup", "drill")


@house_dag(schedule=CronTriggerTimetable(NIGHTLY, timezone="UTC"), max_active_runs=1, doc_md=__doc__, tags=["maintenance"])
def maintenance() -> None:
    before = None
    for step in STEPS:

        @task(task_id=step)
        def maintain(step: str) -> str:
            """One step over all tables; what came of it."""
            from jobs import tasks

            return tasks.maintain(step)

        done = maintain(step)
        if before is not None:
            before >> done
        before = done

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def verdict(**context) -> None:  # type: ignore[no-untyped-def]
        """Green only when every step is."""
        from jobs import tasks

        tasks.all_maintained(not_green(context, STEPS))

    before >> verdict()


maintenance()
