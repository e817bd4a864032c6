"""edu_line: lines of drug treatment of the first cancer."""

import polars as pl

from jobs.teaching._cohort import day, records
from jobs.teaching._regimens import regimen

MOST_LINES = 4


def edu_line(cohort: pl.DataFrame, tumor_summary: pl.DataFrame, line_of_therapy: pl.DataFrame) -> pl.DataFrame:
    """The first four lines of each patient, by days from diagnosis."""
    lines = numbered(cohort, tumor_summary, line_of_therapy).filter(pl.col("line_number") <= MOST_LINES)
    names = pl.col("drugs").map_elements(lambda drugs: regimen(list(drugs)), return_dtype=pl.String)
    return lines.select("patient_id", "line_number", "start_day", "end_day", "setting", regimen=names)


def numbered(cohort: pl.DataFrame, tumor_summary: pl.DataFrame, line_of_therapy: pl.DataFrame) -> pl.DataFrame:
    """Every dated line of the first cancer, numbered from 1, of the hospital that knows most of them. None begins before the diagnosis."""
    own = records(cohort, tumor_summary).select("patient_id", "tumor_id", "index_dx_date")
    lines = line_of_therapy.join(own, on=["patient_id", "tumor_id"]).with_columns(
        begun=pl.coalesce("start_date", "declared_start_date"),
        ended=pl.coalesce("end_date", "declared_end_date"),
        drugs=pl.coalesce("drugs", pl.lit([], pl.List(pl.String))),
    )
    dated = lines.with_columns(start_day=day("begun", "index_dx_date"), end_day=day("ended", "index_dx_date"))
    dated = dated.filter(pl.col("start_day") >= 0).with_columns(known=pl.len().over("tumor_id"))
    most = dated.sort("patient_id", "known", "tumor_id", descending=[False, True, False])
    kept = most.filter(pl.col("tumor_id") == pl.col("tumor_id").first().over("patient_id"))
    ordered = kept.sort("patient_id", "start_day", "line_of_therapy_id")
    return ordered.with_columns(line_number=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("patient_id"))
