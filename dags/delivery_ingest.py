"""delivery_ingest: one delivery from its manifest to silver. One run, one partition key: green means loaded.

Triage
- `verdict` failed and the tasks before it are green: the delivery was refused, or is held. The log names the outcome and
  the reason codes; `returns/<center>/<delivery_id>.html` below the lake is what the hospital was told. Nothing to repair
  here: a rejected delivery comes again under a new id, a held one needs its predecessor or `pscc decide`.
  The run of that predecessor loads it too, and no alert is left; this run stays red until `verdict` is cleared.
- So it is with QUALITY_GATE: `conform` is green and published no row of the delivery, `verdict` says `held`. The staged
  rows broke a contract: `ops.quality_result` names table and rule. Look, then `pscc decide`.
- `land` or `conform` failed: read the last line of its log. Disk, memory, lease: clear the task with those after it; work
  goes on where it stopped and nothing is loaded twice.
- `verify` failed: the landing area, the key register or the platform key cannot be read.
"""

from airflow.sdk import Asset, Param, PartitionedAssetTimetable, TriggerRule, task

from dags.policy import house_dag
from quality.contracts import contracts

announced = Asset.ref(name="landing.announced")
silver = [Asset(name=f"silver.{name}", uri=f"file://silver/{name}") for name in contracts("silver")]


def key_of(context) -> str:  # type: ignore[no-untyped-def]
    """The announcement of a run: its partition key, or the parameter of a run started by hand."""
    return context["dag_run"].partition_key or context["params"]["announcement"]


@house_dag(
    schedule=PartitionedAssetTimetable(assets=announced),
    doc_md=__doc__,
    params={"announcement": Param("", type="string", description="Key of an announcement, for a run started by hand.")},
    tags=["landing", "silver"],
)
def delivery_ingest() -> None:
    @task
    def verify(**context) -> str:  # type: ignore[no-untyped-def]
        """Judge the delivery by all gates that need no lake."""
        from jobs import tasks

        return tasks.verify(key_of(context))

    @task
    def land(**context) -> None:  # type: ignore[no-untyped-def]
        """Commit it to bronze, in its place in the chain."""
        from jobs import tasks

        tasks.land(key_of(context))

    @task(outlets=silver)
    def conform(**context) -> None:  # type: ignore[no-untyped-def]
        """Gate it and publish it to silver."""
        from jobs import tasks

        key = key_of(context)
        tasks.publish(key)
        # A run started by hand has no partition; gold_build hears of partitions alone.
        for table in silver if context["dag_run"].partition_key is None else ():
            context["outlet_events"][table].add_partitions([key])

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def verdict(**context) -> str:  # type: ignore[no-untyped-def]
        """Green only when the delivery is loaded."""
        from jobs import tasks

        return tasks.verdict(key_of(context))

    verify() >> land() >> conform() >> verdict()


delivery_ingest()
