"""cohort: members of saved cohorts, as long as they are patients of gold."""

from pyspark.sql import DataFrame

OWN = ("cohort_definition_id", "subject_id", "cohort_start_date", "cohort_end_date", "build")


def cohort(cohort: DataFrame, patient_summary: DataFrame) -> DataFrame:
    """The members that the table has, without those who oppose since, were erased, or are gone for another reason."""
    known = patient_summary.selectExpr("patient_id AS subject_id")
    return cohort.select(*OWN).join(known, "subject_id", how="left_semi").select(*OWN)
