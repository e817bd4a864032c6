"""edu_biomarker: results of marker tests of the first cancer."""

import polars as pl

from jobs.teaching._cohort import records

RESULTS = ("positive", "negative", "equivocal")


def edu_biomarker(cohort: pl.DataFrame, tumor_summary: pl.DataFrame, biomarker_status: pl.DataFrame) -> pl.DataFrame:
    """Of each marker that was tested the first definite result, else equivocal."""
    own = records(cohort, tumor_summary).select("patient_id", "tumor_id").with_row_index("place")
    results = (
        biomarker_status.filter(pl.col("first_known_result").is_in(RESULTS))
        .join(own, on=["patient_id", "tumor_id"])
        .sort(pl.col("first_known_result") == "equivocal", "place")
    )
    known = results.unique(["patient_id", "marker"], keep="first", maintain_order=True)
    return known.select("patient_id", "marker", result="first_known_result").sort("patient_id", "marker")
