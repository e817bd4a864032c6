"""edu_patient: who the patients are, and how they fared."""

import polars as pl

from jobs.teaching._cohort import UNKNOWN, first_known, records
from jobs.teaching._days import YEAR


def edu_patient(cohort: pl.DataFrame, tumor_summary: pl.DataFrame) -> pl.DataFrame:
    """The quasi-identifiers of every patient as they are known, and the outcome."""
    stages = first_known(records(cohort, tumor_summary), "stage_main")
    return cohort.join(stages, on="patient_id", how="left").select(
        "patient_id",
        "sex",
        "age",
        "residence_dept",
        "dx_year",
        "tumor_group",
        stage=pl.col("stage_main").fill_null(UNKNOWN),
        outcome=outcome(),
    )


def outcome() -> pl.Expr:
    """How a patient fared, from `days` and `event`."""
    died = pl.col("event") == 1
    return (
        pl.when(died & (pl.col("days") < YEAR))
        .then(pl.lit("died within a year"))
        .when(died)
        .then(pl.lit("died later"))
        .when(pl.col("days") >= 2 * YEAR)
        .then(pl.lit("alive after two years"))
        .otherwise(pl.lit("followed less"))
    )
