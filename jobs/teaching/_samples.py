"""Which sample of a patient's first cancer was sequenced first, and with which panel."""

import polars as pl

from jobs.teaching._cohort import day, records


def first_sequenced(
    cohort: pl.DataFrame, tumor_summary: pl.DataFrame, sample_catalog: pl.DataFrame, molecular_analysis: pl.DataFrame
) -> pl.DataFrame:
    """By patient: `panel`, `analysis_id`, `specimen_id` of the first sample that was sequenced, and `day`, when it was taken.

    A sample whose donor refused genetic research does not count.
    """
    own = records(cohort, tumor_summary).select("patient_id", "tumor_id", "index_dx_date")
    taken = (
        sample_catalog.filter(pl.col("genetic_consent").fill_null(True))
        .join(own, on=["patient_id", "tumor_id"])
        .select("patient_id", "specimen_id", day=day("collected_date", "index_dx_date"))
    )
    return (
        named(molecular_analysis)
        .filter(pl.col("panel").is_not_null())
        .join(taken, on="specimen_id")
        .sort("patient_id", "day", "specimen_id", "analysis_id", nulls_last=True)
        .unique("patient_id", keep="first", maintain_order=True)
        .select("patient_id", "analysis_id", "specimen_id", "panel", "day")
    )


def named(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `panel`: its name, with the hospital where two hospitals have one of that name."""
    several = pl.col("center").n_unique().over("panel_id") > 1
    return rows.with_columns(panel=pl.when(several).then(pl.format("{} ({})", "panel_id", "center")).otherwise("panel_id"))
