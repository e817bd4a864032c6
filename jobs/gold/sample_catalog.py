"""sample_catalog: what is in the biobanks, of which tumour, and what may be done with it."""

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from jobs.gold._people import opposed_to_industry, patients
from jobs.gold._samples import samples
from jobs.gold._sites import tumor_group


def sample_catalog(
    specimen: DataFrame,
    primary_cancer: DataFrame,
    person: DataFrame,
    molecular_analysis: DataFrame,
    patient_key: DataFrame,
) -> DataFrame:
    """One row a sample: what it is, when it was taken in the course of the disease, what was made of it."""
    tumours = primary_cancer.selectExpr(
        "tumor_id", f"{tumor_group()} AS tumor_group", "topography AS tumor_topography", "dx_date"
    )
    return _described(
        samples(specimen, primary_cancer)
        .join(tumours, "tumor_id", how="left")
        .join(patients(person, patient_key), "person_id", how="left")
        .join(opposed_to_industry(patient_key), "patient_id", how="left")
        .join(_omics(molecular_analysis), "specimen_id", how="left")
        .join(_made_from(specimen), "specimen_id", how="left")
    )


def _omics(molecular_analysis: DataFrame) -> DataFrame:
    return molecular_analysis.groupBy("specimen_id").agg(
        F.array_sort(F.collect_set("protocol")).alias("linked_omics"), F.count("*").alias("n_analyses")
    )


def _made_from(specimen: DataFrame) -> DataFrame:
    return (
        specimen.where("parent_id IS NOT NULL")
        .groupBy(F.col("parent_id").alias("specimen_id"))
        .agg(F.count("*").alias("n_derived"))
    )


def _described(sample: DataFrame) -> DataFrame:
    return sample.selectExpr(
        "specimen_id",
        "patient_id",
        "tumor_id",
        "center",
        "tumor_group",
        "type",
        "origin",
        "coalesce(topography, tumor_topography) AS topography",
        "to_date(collected_at) AS collected_date",
        "collected_at_precision AS collected_date_precision",
        "datediff(to_date(collected_at), dx_date) AS days_from_dx",
        "parent_id",
        "root_id",
        "coalesce(n_derived, 0) AS n_derived",
        "storage",
        "quantity",
        "unit",
        "cellularity",
        "sprec",
        "availability",
        # A hospital that keeps no such record says nothing about what is left.
        "availability = 'available' AS is_available",
        "genetic_consent",
        "use_conditions",
        "coalesce(industry_use_opposed, false) AS industry_use_opposed",
        "coalesce(linked_omics, array()) AS linked_omics",
        "coalesce(n_analyses, 0) AS n_analyses",
    )
