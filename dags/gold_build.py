"""gold_build: refreshes the products that analysts read, one task a table, in the order of what they read.

A run that waited behind one which made gold of everything already sees that in its first task: the rest is skipped, and the run is green.

Triage
- `stale` failed: the ledger, the platform key or the tables' logs cannot be read. Clear it with those after it.
- A table's task failed with GateFailed: its new rows broke the contract; the published table is the one before,
  without who is hidden since (the verdict task takes them out), and stays readable. `ops.quality_result` names the rule.
  Correct the product or the rule, clear the task.
- Anything else: clear the task; a product whose inputs and rules did not change is left as it is.
"""

from airflow.sdk import Asset, AssetAny, FixedKeyMapper, PartitionedAssetTimetable, TriggerRule, task

from dags.policy import all_skipped, house_dag, not_green
from quality.contracts import contracts

# Deliveries are published by their runs; what commands publish is seen at night, by maintenance.
published = AssetAny(*(Asset.ref(name=f"silver.{name}") for name in contracts("silver")), Asset.ref(name="gold.due"))
# The partition of silver is a delivery, that of gold is everything: what several passes published waits for one build.
any_delivery = PartitionedAssetTimetable(assets=published, default_partition_mapper=FixedKeyMapper("everything"))


@house_dag(schedule=any_delivery, max_active_runs=1, doc_md=__doc__, tags=["gold"])
def gold_build() -> None:
    # What a pass publishes after this look has a run of its own, for Airflow hears of it when the pass is done.
    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def stale() -> bool:
        """Whether there is anything to make; products are skipped where there is not."""
        from jobs import tasks

        return tasks.has_to_build()

    first, made = stale(), {}
    for name, table in contracts("gold").items():

        @task(task_id=name, outlets=[Asset(name=f"gold.{name}", uri=f"file://gold/{name}")])
        def product(table: str) -> None:
            """Make one product again, if what it reads or its rules have changed."""
            from jobs import tasks

            tasks.build(table)

        made[name] = product(name)
        first >> made[name]
        for read in table.reads:
            if read.startswith("gold."):
                made[read.removeprefix("gold.")] >> made[name]

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def verdict(**context) -> None:  # type: ignore[no-untyped-def]
        """Green only when every product is, or none had to be made."""
        from jobs import tasks

        skipped = all_skipped(context, made)
        tasks.all_built([] if skipped else not_green(context, made), skipped)

    list(made.values()) >> verdict()


gold_build()
