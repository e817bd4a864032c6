"""endpoint: overall survival of every tumour, with the day from which the patient was under observation."""

from functools import reduce

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from jobs.gold._drugs import was_given
from jobs.gold._people import patients

COARSEST = "CASE WHEN 'year' IN ({0}) THEN 'year' WHEN 'month' IN ({0}) THEN 'month' ELSE 'day' END"


def endpoint(
    primary_cancer: DataFrame,
    person: DataFrame,
    encounter: DataFrame,
    surgery: DataFrame,
    drug_administration: DataFrame,
    radiotherapy_course: DataFrame,
    specimen: DataFrame,
    patient_key: DataFrame,
) -> DataFrame:
    """One row of overall survival a tumour, inferred tumours included.

    Death and last news are those of the patient, over all hospitals. Entry is the first dated contact with any of them:
    who came a year after diagnosis was not at risk of being seen to die in that year.
    """
    contact = first_contact(encounter, surgery, drug_administration, radiotherapy_course, specimen).join(
        patients(person, patient_key), "person_id", how="inner"
    )
    met = contact.groupBy("patient_id").agg(F.min("met_on").alias("met_on"))
    known = person.selectExpr(
        "person_id",
        "resolved_vital_status AS status",
        *_resolved("death_date", "died_on"),
        *_resolved("last_news_date", "last_news_on"),
    ).join(patients(person, patient_key), "person_id", how="inner")
    return _timed(primary_cancer.join(known, "person_id", how="left").join(met, "patient_id", how="left"))


def first_contact(
    encounter: DataFrame, surgery: DataFrame, drug_administration: DataFrame, radiotherapy_course: DataFrame, specimen: DataFrame
) -> DataFrame:
    """`person_id, met_on`: the dates on which a hospital saw the person, by what was done there."""
    seen = (
        encounter.selectExpr("person_id", "to_date(entry_datetime) AS met_on"),
        surgery.selectExpr("person_id", "surgery_date AS met_on"),
        drug_administration.where(was_given()).selectExpr("person_id", "to_date(admin_datetime) AS met_on"),
        radiotherapy_course.selectExpr("person_id", "start_date AS met_on"),
        specimen.selectExpr("person_id", "to_date(collected_at) AS met_on"),
    )
    return (
        reduce(DataFrame.unionByName, seen).where("met_on IS NOT NULL").groupBy("person_id").agg(F.min("met_on").alias("met_on"))
    )


def _resolved(name: str, alias: str) -> tuple[str, str]:
    return f"resolved_{name} AS {alias}", f"resolved_{name}_precision AS {alias}_precision"


def _timed(tumours: DataFrame) -> DataFrame:
    """Rules of survival: from diagnosis to death, else to last news; an unknown status has time but no event."""
    died = "status = 'deceased'"
    stopped = tumours.selectExpr(
        "*",
        f"CASE WHEN {died} THEN coalesce(died_on, last_news_on) ELSE last_news_on END AS stop_date",
        f"CASE WHEN {died} AND died_on IS NOT NULL THEN died_on_precision ELSE last_news_on_precision END AS stop_precision",
        f"CASE WHEN {died} THEN 1 WHEN status = 'alive' THEN 0 END AS event",
    ).withColumn("days", F.expr("datediff(stop_date, dx_date)"))
    return stopped.selectExpr(
        "tumor_id",
        "patient_id",
        "center",
        "'OS' AS endpoint",
        "'dx' AS origin",
        "dx_date AS start_date",
        "dx_date_precision AS start_date_precision",
        "stop_date",
        "days",
        f"CASE WHEN days IS NOT NULL THEN {COARSEST.format('dx_date_precision, stop_precision')} END AS days_precision",
        "event",
        "CASE WHEN event = 1 THEN if(died_on IS NULL, 'deceased_without_date', 'death_date') END AS event_source",
        "CASE WHEN event = 0 THEN 'alive_at_last_news' WHEN event IS NULL THEN 'vital_status_unknown' END AS censor_reason",
        "1 - event AS cnsr",
        "CASE WHEN in_center_dx THEN 0 ELSE greatest(coalesce(datediff(met_on, dx_date), 0), 0) END AS entry_days",
        "CASE WHEN in_center_dx THEN 'in_center_dx' WHEN datediff(met_on, dx_date) IS NULL THEN 'unknown' ELSE 'contact' END "
        "AS entry_source",
    )
