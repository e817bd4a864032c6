"""patient_summary: one row a patient, whatever number of hospitals follows them."""

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from jobs.gold._people import opposed_to_industry, patients
from jobs.gold._sites import category

KINDS = {
    "has_ffpe": "type = 'ffpe_tissue'",
    "has_frozen": "type = 'frozen_tissue'",
    "has_plasma": "type = 'plasma'",
    "has_dna": "type = 'dna'",
    "has_rna": "type = 'rna'",
}
PROTOCOLS = {"has_wes": "protocol = 'exome'", "has_panel": "protocol = 'panel'"}


def patient_summary(
    person: DataFrame,
    primary_cancer: DataFrame,
    trial_enrollment: DataFrame,
    molecular_analysis: DataFrame,
    specimen: DataFrame,
    patient_key: DataFrame,
) -> DataFrame:
    """Who the patient is, their first cancer, how long they were followed, and what material there is."""
    of = patients(person, patient_key)
    parts = (
        _cancers(primary_cancer.join(of, "person_id", how="inner")),
        _any(specimen.join(of, "person_id", how="inner"), KINDS),
        _any(molecular_analysis.join(of, "person_id", how="inner"), PROTOCOLS),
        _any(trial_enrollment.join(of, "person_id", how="inner"), {"in_trial": "NOT coalesce(screen_fail, false)"}),
        opposed_to_industry(patient_key),
    )
    summary = _identity(person.join(of.select("person_id", "patient_id"), "person_id", how="inner"))
    for part in parts:
        summary = summary.join(part, "patient_id", how="left")
    return _described(summary)


def _identity(people: DataFrame) -> DataFrame:
    """What the hospitals say about one human being, in one row; the resolved columns are the same at each."""
    return people.groupBy("patient_id").agg(
        F.array_sort(F.collect_set("center")).alias("centers"),
        # Linked patients have the same sex, or none that is known.
        F.coalesce(F.min(F.expr("nullif(sex, 'UN')")), F.lit("UN")).alias("sex"),
        F.min("birth_date").alias("birth_date"),
        F.max("residence_dept").alias("residence_dept"),
        F.max("resolved_vital_status").alias("vital_status"),
        F.max("resolved_death_date").alias("death_date"),
        F.max("resolved_death_date_precision").alias("death_date_precision"),
        F.max("resolved_last_news_date").alias("last_contact_date"),
        F.max("resolved_last_news_date_precision").alias("last_contact_date_precision"),
    )


def _cancers(tumours: DataFrame) -> DataFrame:
    """Number and first of the cancers. Two hospitals tell of the same cancer: of each site, the most that any one knows."""
    by_site = tumours.groupBy("patient_id", F.expr(category()).alias("site"), "center").agg(F.count("*").alias("told"))
    n_cancers = (
        by_site.groupBy("patient_id", "site")
        .agg(F.max("told").alias("told"))
        .groupBy("patient_id")
        .agg(F.sum("told").cast("int").alias("n_cancers"))
    )
    first = tumours.groupBy("patient_id").agg(
        F.count("*").cast("int").alias("n_tumor_records"),
        F.min(F.expr("if(dx_date IS NULL, NULL, struct(dx_date, dx_date_precision))")).alias("first"),
    )
    return n_cancers.join(first, "patient_id", how="inner")


def _any(rows: DataFrame, questions: dict[str, str]) -> DataFrame:
    answers = [F.expr(f"coalesce(bool_or({condition}), false)").alias(name) for name, condition in questions.items()]
    return rows.groupBy("patient_id").agg(*answers)


def _described(summary: DataFrame) -> DataFrame:
    flags = ("in_trial", *PROTOCOLS, *KINDS, "industry_use_opposed")
    ended = "CASE WHEN vital_status = 'deceased' THEN coalesce(death_date, last_contact_date) ELSE last_contact_date END"
    return summary.selectExpr(
        "patient_id",
        "centers",
        "size(centers) AS n_centers",
        "sex",
        "year(birth_date) AS birth_year",
        "residence_dept",
        "coalesce(n_cancers, 0) AS n_cancers",
        "coalesce(n_tumor_records, 0) AS n_tumor_records",
        "first.dx_date AS first_dx_date",
        "first.dx_date_precision AS first_dx_date_precision",
        "cast(floor(months_between(first.dx_date, birth_date) / 12) AS int) AS age_at_first_dx",
        "vital_status",
        "death_date",
        "death_date_precision",
        "last_contact_date",
        "last_contact_date_precision",
        f"datediff({ended}, first.dx_date) AS follow_up_days",
        *(f"coalesce({flag}, false) AS {flag}" for flag in flags),
    )
