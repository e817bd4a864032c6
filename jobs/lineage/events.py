"""The events of one written table, as OpenLineage's client has them: a run that began with its work and is complete."""

import os
import uuid
from datetime import UTC, datetime

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState, set_producer
from openlineage.client.facet_v2 import (
    DatasetFacet,
    JobFacet,
    OutputDatasetFacet,
    RunFacet,
    dataset_version_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
    symlinks_dataset,
    tags_run,
)
from openlineage.client.uuid import generate_new_uuid

from jobs.lineage import Source, Work, Written
from jobs.lineage.names import name_of
from jobs.run import orchestrator_task

PRODUCER = "urn:pscc:lakehouse"
# By this name a table is known besides where it lies: what people call it.
HOUSE = "pscc"
set_producer(PRODUCER)


def namespace() -> str:
    """The namespace of our jobs: OPENLINEAGE_NAMESPACE, as with every integration of OpenLineage."""
    return os.environ.get("OPENLINEAGE_NAMESPACE") or HOUSE


def run(written: Written, work: Work, sources: list[Source]) -> list[RunEvent]:
    """START, of the moment in which the work began, and COMPLETE, with what was read and written."""
    of_job: dict[str, JobFacet] = {"jobType": job_type_job.JobTypeJobFacet("BATCH", "PSCC", "TABLE")}
    this = Run(str(generate_new_uuid()), _run_facets(work))
    job = Job(namespace(), f"{work.job}.{written.table.rpartition('.')[2]}", of_job)
    inputs, outputs = [_input(each) for each in sources], [_output(written)]
    now = datetime.now(UTC)
    return [
        RunEvent(
            eventTime=min(work.since, now).isoformat(),
            run=this,
            job=job,
            eventType=RunState.START,
            inputs=[],
            outputs=[],
            producer=PRODUCER,
        ),
        RunEvent(
            eventTime=now.isoformat(),
            run=this,
            job=job,
            eventType=RunState.COMPLETE,
            inputs=inputs,
            outputs=outputs,
            producer=PRODUCER,
        ),
    ]


def _run_facets(work: Work) -> dict[str, RunFacet]:
    facets: dict[str, RunFacet] = {}
    tags = [tags_run.TagsRunFacetFields(name, value, HOUSE) for name, values in work.tags.items() for value in values]
    if tags:
        facets["tags"] = tags_run.TagsRunFacet(tags)
    if task := orchestrator_task():
        facets["parent"] = _parent(*task)
    return facets


def _parent(dag: str, run: str, task: str, attempt: str) -> parent_run.ParentRunFacet:
    """The task of the orchestrator in which this process works, below its run. The same task has the same id in every process."""
    of_run, of_task = (str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(each))) for each in ((dag, run), (dag, run, task, attempt)))
    return parent_run.ParentRunFacet(
        parent_run.Run(of_task),
        parent_run.Job(namespace(), f"{dag}.{task}"),
        parent_run.Root(parent_run.RootRun(of_run), parent_run.RootJob(namespace(), dag)),
    )


def _input(source: Source) -> InputDataset:
    facets: dict[str, DatasetFacet] = {}
    if source.version is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(source.version)
    if source.table is not None:
        facets["symlinks"] = _called(source.table)
    namespace_of, name = name_of(source.place)
    return InputDataset(namespace=namespace_of, name=name, facets=facets)


def _output(written: Written) -> OutputDataset:
    fields = [schema_dataset.SchemaDatasetFacetFields(each.name, each.type, each.meaning) for each in written.columns]
    facets: dict[str, DatasetFacet] = {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(str(written.version)),
        "symlinks": _called(written.table),
        "schema": schema_dataset.SchemaDatasetFacet(fields),
    }
    counted: dict[str, OutputDatasetFacet] = {}
    if written.rows is not None:
        counted["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=written.rows)
    namespace_of, name = name_of(written.place)
    return OutputDataset(namespace=namespace_of, name=name, facets=facets, outputFacets=counted)


def _called(table: str) -> symlinks_dataset.SymlinksDatasetFacet:
    return symlinks_dataset.SymlinksDatasetFacet([symlinks_dataset.Identifier(HOUSE, table, "TABLE")])
