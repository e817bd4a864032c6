"""quality: how complete, how sound and how fresh each variable of each hospital is, by the month in which it was stated."""

import re
from dataclasses import dataclass
from functools import reduce

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window

from quality.contracts import contracts


@dataclass(frozen=True)
class Variable:
    """A column that analyses lean on; `among` says of which rows it can be asked at all."""

    name: str
    filled: str = ""
    among: str = "true"

    @property
    def is_filled(self) -> str:
        return self.filled or f"{self.name} IS NOT NULL"


@dataclass(frozen=True)
class Watched:
    """A silver table: when its facts happened, and the variables watched."""

    table: str
    happened_on: str | None
    variables: tuple[Variable, ...]


def _watched(table: str, happened_on: str | None, *variables: Variable | str) -> Watched:
    return Watched(table, happened_on, tuple(Variable(each) if isinstance(each, str) else each for each in variables))


WATCHED = (
    _watched(
        "person",
        None,
        Variable("sex", filled="sex <> 'UN'"),
        "birth_date",
        "residence_dept",
        "vital_status",
        "last_contact_date",
        Variable("death_date", among="vital_status = 'deceased'"),
        Variable("death_cause", among="vital_status = 'deceased'"),
    ),
    _watched(
        "primary_cancer",
        "dx_date",
        "dx_date",
        "dx_basis",
        Variable("site", filled="coalesce(topography, icd10) IS NOT NULL"),
        Variable("morphology", among="NOT inferred"),
        Variable("laterality", among="topography RLIKE '^C(34|50|56|62|64|69)'"),
    ),
    _watched("staging", "staging_date", "t", "n", "m", "stage_group", "edition"),
    _watched("grade", "grade_date", "value"),
    _watched("tumor_event", "event_date", "event_date", "type", Variable("topography", among="type = 'metastasis'")),
    _watched("treatment_line_src", "start_date", "start_date", "end_date", "line_number", "setting", "intent"),
    _watched("drug_administration", "to_date(admin_datetime)", "atc", "dose_value", "dose_unit", "route", "tumor_id", "line_id"),
    _watched("surgery", "surgery_date", "resection", "tumor_id"),
    _watched("radiotherapy_course", "start_date", "start_date", "end_date", "total_dose_gy"),
    _watched("response_assessment", "response_date", "response_date", "line_id"),
    _watched("biomarker", "to_date(tested_at)", "result", "tested_at", "tumor_id"),
    _watched("lab_result", "to_date(collected_at)", "loinc", "value_num", "unit"),
    _watched("specimen", "to_date(collected_at)", "collected_at", "topography", "storage", "tumor_id"),
    _watched("encounter", "to_date(entry_datetime)", "exit_datetime", "entry_mode", "exit_mode"),
)
KEY = ("center", "table_name", "variable", "month")


def quality(
    person: DataFrame,
    primary_cancer: DataFrame,
    staging: DataFrame,
    grade: DataFrame,
    tumor_event: DataFrame,
    treatment_line_src: DataFrame,
    drug_administration: DataFrame,
    surgery: DataFrame,
    radiotherapy_course: DataFrame,
    response_assessment: DataFrame,
    biomarker: DataFrame,
    lab_result: DataFrame,
    specimen: DataFrame,
    encounter: DataFrame,
) -> DataFrame:
    """Per hospital, variable and month of statement, over the rows that are current today.

    Complete: filled, among the rows of which it can be asked. Valid: of what was sent, the share that is in the value set
    and in no flag of its table's contract. Timely: the median delay from the fact to the hospital's statement.
    """
    frames = locals()
    measured = reduce(DataFrame.unionByName, [_measured(frames[watched.table], watched) for watched in WATCHED])
    months = Window.partitionBy("center", "table_name", "variable").orderBy("month")
    return (
        measured.where("n_rows > 0")
        .selectExpr(
            *KEY,
            "n_rows",
            "n_filled",
            "n_valid",
            "round(n_filled / n_rows, 6) AS completeness",
            "if(n_sent > 0, round(n_valid / n_sent, 6), NULL) AS validity",
            "median_delay_days",
        )
        .withColumn("completeness_change", F.round(F.col("completeness") - F.lag("completeness").over(months), 6))
    )


def _measured(rows: DataFrame, watched: Watched) -> DataFrame:
    """One pass over a table: a struct of counts for each variable, then a row for each."""
    delay = f"datediff(to_date(valid_from), {watched.happened_on})" if watched.happened_on else "cast(NULL AS int)"
    counts = [F.expr(_counts(watched.table, each)) for each in watched.variables]
    return (
        rows.withColumn("month", F.expr("to_date(date_trunc('MONTH', valid_from))"))
        .groupBy("center", "month")
        .agg(F.expr(f"cast(percentile({delay}, 0.5) AS double)").alias("median_delay_days"), F.array(*counts).alias("counts"))
        .selectExpr("center", "month", "median_delay_days", "inline(counts)")
        .withColumn("table_name", F.lit(watched.table))
    )


def _counts(table: str, variable: Variable) -> str:
    """Counts of rows asked, filled, sent (also when it could not be used) and valid."""
    flags = ", ".join(repr(flag) for flag in flags_about(table, variable.name))
    sound = f"NOT arrays_overlap(dq_flags, array({flags}))" if flags else "true"
    sent = f"({variable.is_filled} OR array_contains(dq_flags, 'CODE_UNKNOWN:{variable.name}'))"
    return (
        f"named_struct('variable', '{variable.name}', 'n_rows', count_if({variable.among}), "
        f"'n_filled', count_if({variable.among} AND {variable.is_filled}), 'n_sent', count_if({variable.among} AND {sent}), "
        f"'n_valid', count_if({variable.among} AND {variable.is_filled} AND {sound}))"
    )


def flags_about(table: str, variable: str) -> list[str]:
    """The flags of a table's contract that speak of a variable: its rules say which columns they compare."""
    rules = contracts("silver")[table].rules
    return [each.flag for each in rules if each.flag and re.search(rf"(?<![\w.]){variable}\b", each.breach or "")]
