"""edu_survival: how long each patient was followed after the diagnosis, and with which end."""

import polars as pl

from jobs.teaching._samples import first_sequenced


def edu_survival(
    cohort: pl.DataFrame, tumor_summary: pl.DataFrame, sample_catalog: pl.DataFrame, molecular_analysis: pl.DataFrame
) -> pl.DataFrame:
    """Overall survival: death of any cause, else the last news; who is of unknown status is censored at the last news.

    `entry_days` is the day on which the sequenced sample was taken: before it, a patient could not have died and be in an analysis of genes.
    """
    sequenced = first_sequenced(cohort, tumor_summary, sample_catalog, molecular_analysis)
    entry = sequenced.select("patient_id", entry_days=pl.max_horizontal("day", 0))
    return cohort.join(entry, on="patient_id", how="left").select(
        "patient_id",
        "days",
        "entry_days",
        endpoint=pl.lit("OS"),
        event=(pl.col("event") == 1).fill_null(False),
        censor_reason=pl.when(pl.col("event") == 1).then(None).otherwise("censor_reason"),
    )
