"""The patients of a release, each with the first cancer that a hospital diagnosed."""

import polars as pl

UNKNOWN = "unknown"


def eligible(patient_summary: pl.DataFrame, tumor_summary: pl.DataFrame, endpoint: pl.DataFrame) -> pl.DataFrame:
    """One row a patient who can be taught with: known sex, age, diagnosis and follow-up, and no opposition to the use by companies.

    A class may have students of companies: who does not want their data used by them is not in it.
    """
    people = patient_summary.filter(pl.col("sex").is_in(["M", "F"]) & ~pl.col("industry_use_opposed"))
    followed = endpoint.select("tumor_id", "days", "event", "censor_reason").filter(pl.col("days") >= 0)
    tumours = tumor_summary.filter(pl.col("dx_date").is_not_null() & pl.col("age_dx").is_between(0, 120))
    first = (
        tumours.join(followed, on="tumor_id")
        .join(people.select("patient_id", "sex", "residence_dept"), on="patient_id")
        .sort("dx_date", "inferred", "tumor_id")
        .unique("patient_id", keep="first", maintain_order=True)
    )
    return first.select(
        "patient_id",
        "tumor_id",
        "sex",
        "residence_dept",
        "tumor_group",
        "dx_date",
        "dx_year",
        "days",
        "event",
        "censor_reason",
        age="age_dx",
    )


def records(cohort: pl.DataFrame, tumor_summary: pl.DataFrame) -> pl.DataFrame:
    """The rows of `tumor_summary` about the first cancer of each patient: two hospitals may tell of one. The first diagnosed comes first."""
    first = cohort.select("patient_id", "tumor_group", index_tumor_id="tumor_id", index_dx_date="dx_date")
    same = tumor_summary.join(first, on=["patient_id", "tumor_group"])
    return same.sort("patient_id", pl.col("tumor_id") != pl.col("index_tumor_id"), "dx_date", "tumor_id")


def first_known(told: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """By patient: of each column the first value that is known."""
    return told.group_by("patient_id", maintain_order=True).agg(pl.col(name).drop_nulls().first() for name in columns)


def day(date: str, since: str = "dx_date") -> pl.Expr:
    """Days from diagnosis."""
    return (pl.col(date).cast(pl.Date) - pl.col(since)).dt.total_days().cast(pl.Int32)
