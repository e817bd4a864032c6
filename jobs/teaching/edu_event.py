"""edu_event: what happened to the first cancer, the first of each kind."""

import polars as pl

from jobs.teaching._cohort import day, records
from jobs.teaching._samples import first_sequenced

KINDS = {
    "surgery": "first_surgery_date",
    "radiotherapy": "first_rt_date",
    "metastasis": "first_met_date",
    "recurrence": "first_recurrence_date",
}


def edu_event(
    cohort: pl.DataFrame,
    tumor_summary: pl.DataFrame,
    tumor_event: pl.DataFrame,
    sample_catalog: pl.DataFrame,
    molecular_analysis: pl.DataFrame,
) -> pl.DataFrame:
    """The day of the first operation, radiotherapy, metastasis, recurrence, progression and sequenced sample of each patient."""
    own = records(cohort, tumor_summary)
    dated = [
        own.select("patient_id", kind=pl.lit(kind), day=day(date, "index_dx_date")).drop_nulls() for kind, date in KINDS.items()
    ]
    progressed = (
        tumor_event.filter(pl.col("type") == "progression")
        .join(own.select("patient_id", "tumor_id", "index_dx_date"), on="tumor_id")
        .select("patient_id", kind=pl.lit("progression"), day=day("event_date", "index_dx_date"))
    )
    sequenced = first_sequenced(cohort, tumor_summary, sample_catalog, molecular_analysis)
    taken = sequenced.select("patient_id", kind=pl.lit("sequencing"), day=pl.max_horizontal("day", 0))
    every = pl.concat([*dated, progressed, taken], how="vertical_relaxed").filter(pl.col("day") >= 0)
    return every.group_by("patient_id", "kind").agg(pl.col("day").min()).sort("patient_id", "kind")
