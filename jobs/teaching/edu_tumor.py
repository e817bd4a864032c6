"""edu_tumor: what the first cancer of each patient is."""

from functools import cache

import polars as pl

from jobs.teaching._cohort import UNKNOWN, first_known, records
from jobs.teaching._samples import first_sequenced
from jobs.teaching._tables import declared
from jobs.teaching.edu_line import numbered

MOST_LINES = 4


def edu_tumor(
    cohort: pl.DataFrame,
    tumor_summary: pl.DataFrame,
    line_of_therapy: pl.DataFrame,
    sample_catalog: pl.DataFrame,
    molecular_analysis: pl.DataFrame,
) -> pl.DataFrame:
    """Group, stage, histology, grade, spread at diagnosis, number of lines and panel of every first cancer."""
    own = records(cohort, tumor_summary).with_columns(histology(), graded())
    known = first_known(own, "stage_main", "morphology_group", "graded", "de_novo_metastatic")
    lines = numbered(cohort, tumor_summary, line_of_therapy).group_by("patient_id").agg(n_lines=pl.len().cast(pl.Int32))
    panels = first_sequenced(cohort, tumor_summary, sample_catalog, molecular_analysis).select("patient_id", "panel")
    return (
        cohort.join(known, on="patient_id", how="left")
        .join(lines, on="patient_id", how="left")
        .join(panels, on="patient_id", how="left")
        .select(
            "patient_id",
            "tumor_group",
            "morphology_group",
            "panel",
            stage=pl.col("stage_main").fill_null(UNKNOWN),
            grade="graded",
            metastatic_at_dx="de_novo_metastatic",
            n_lines=pl.min_horizontal(pl.col("n_lines").fill_null(0), MOST_LINES),
        )
    )


def graded() -> pl.Expr:
    """The grade as pathologists say it: `Gleason 7`, `G2`; none where it could not be told (GX)."""
    grade = pl.col("grade")
    gleason = pl.col("grade_system") == "gleason"
    return (
        pl.when(grade.str.contains(r"^(GX|[xX9]?)$") & ~gleason.fill_null(False))
        .then(None)
        .when(gleason & grade.str.contains(r"^\d+$"))
        .then(pl.format("Gleason {}", grade))
        .otherwise(grade)
        .alias("graded")
    )


def histology() -> pl.Expr:
    """The histological group of a morphology code, by `hierarchies/morphologies.csv`."""
    code = pl.col("morphology").str.slice(0, 4)
    return code.replace_strict(_groups(), default=None, return_dtype=pl.String).alias("morphology_group")


@cache
def _groups() -> dict[str, str]:
    runs = declared("morphologies")
    return {str(code): group for first, last, group in runs.iter_rows() for code in range(int(first), int(last) + 1)}
