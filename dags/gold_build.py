"""gold_build: refreshes the products that analysts read, one task a table, in the order of what they read.

Triage
- A table's task failed with GateFailed: its new rows broke the contract; the published table is the one before,
  without who is hidden since (the verdict task takes them out), and stays readable. `ops.quality_result` names the rule.
  Correct the product or the rule, clear the task.
- Anything else: clear the task; a product whose inputs and rules did not change is left as it is.
"""

from airflow.sdk import Asset, AssetAny, FixedKeyMapper, PartitionedAssetTimetable, TriggerRule, task

from dags.policy import house_dag, not_green
from quality.contracts import contracts

published = AssetAny(*(Asset.ref(name=f"silver.{name}") for name in contracts("silver")))
# The partition of silver is a delivery, that of gold is everything: what several passes published waits for one build.
any_delivery = PartitionedAssetTimetable(assets=published, default_partition_mapper=FixedKeyMapper("everything"))


@house_dag(schedule=any_delivery, max_active_runs=1, doc_md=__doc__, tags=["gold"])
def gold_build() -> None:
    made = {}
    for name, table in contracts("gold").items():

        @task(task_id=name, outlets=[Asset(name=f"gold.{name}", uri=f"file://gold/{name}")])
        def product(table: str) -> None:
            """Make one product again, if what it reads or its rules have changed."""
            from jobs import tasks

            tasks.build(table)

        made[name] = product(name)
        for read in table.reads:
            if read.startswith("gold."):
                made[read.removeprefix("gold.")] >> made[name]

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def verdict(**context) -> None:  # type: ignore[no-untyped-def]
        """Green only when every product is."""
        from jobs import tasks

        tasks.all_built(not_green(context, made))

    list(made.values()) >> verdict()


gold_build()
