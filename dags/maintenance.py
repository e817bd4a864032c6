"""maintenance: every night, what keeps the lake well. Verify, compact, backup, the drill that restores it, shorten logs, vacuum, retention,
and Airflow's own old logs. Then gold_build is asked for, where gold is behind silver.

Triage
- `verify` failed: the lake is damaged, and nothing after it was done. `pscc verify` names tables and files; docs/runbooks.md says how to restore.
- `backup` failed: disk or rights of PSCC_BACKUP. Backups that were complete stay, and nothing old is deleted until one is made again; clear the task.
- `drill` failed: the newest backup cannot be restored. Clear `backup`, with those after it; until `drill` is green only earlier backups count, and nothing old is deleted.
- `logs` failed: a checkpoint does not know all transactions. The log is as it was; keep it, and report it. What follows was not done.
- `airflow` failed: a file in Airflow's folder of logs belongs to somebody else, or the disk is damaged; the log names it. Give it to the user of the tasks; clear it.
- `ask_for_gold` failed: the ledger, the platform key or the tables' logs cannot be read. Clear it, or `pscc build`.
- A task waits: a hospital's deliveries are being loaded; it has the lake when they are done, and they wait for it.
"""

from airflow.sdk import Asset, CronTriggerTimetable, TriggerRule, chain, task

from dags.policy import NIGHTLY, house_dag, not_green

STEPS = ("verify", "compact", "backup", "drill", "logs", "vacuum", "retention", "airflow")

due = Asset(name="gold.due", uri="file://gold/due")


@house_dag(schedule=CronTriggerTimetable(NIGHTLY, timezone="UTC"), max_active_runs=1, doc_md=__doc__, tags=["maintenance"])
def maintenance() -> None:
    made = {}
    for step in STEPS:

        @task(task_id=step)
        def maintain(step: str) -> str:
            """One step over all tables; what came of it."""
            from jobs import tasks

            return tasks.maintain(step)

        made[step] = maintain(step)
    chain(*made.values())

    # Of a lake that is whole, whatever became of the steps after, and when nobody holds it any more.
    @task(outlets=[due], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    def ask_for_gold(*, outlet_events) -> bool:  # type: ignore[no-untyped-def]
        """Whether gold is behind silver, for a command published or a build was lost; then gold_build gets a run."""
        from jobs import tasks

        is_behind = tasks.has_to_build()
        if is_behind:
            outlet_events[due].add_partitions("everything")
        return is_behind

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def verdict(**context) -> None:  # type: ignore[no-untyped-def]
        """Green only when every step is."""
        from jobs import tasks

        tasks.all_maintained(not_green(context, [*STEPS, "ask_for_gold"]))

    [made["verify"], made[STEPS[-1]]] >> ask_for_gold() >> verdict()


maintenance()
