"""Which tumour a sample is of, and which genes were looked at in it."""

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from jobs.gold._people import with_tumour


def samples(specimen: DataFrame, primary_cancer: DataFrame) -> DataFrame:
    """The samples with their tumour: their own, else that of the sample they were made from, else the only one of the person."""
    root = specimen.selectExpr("specimen_id AS root_id", "tumor_id AS root_tumor_id")
    own = specimen.join(root, "root_id", how="left").withColumn("tumor_id", F.coalesce("tumor_id", "root_tumor_id"))
    return with_tumour(own.drop("root_tumor_id"), primary_cancer)


def sequenced(molecular_analysis: DataFrame, sample: DataFrame) -> DataFrame:
    """`center, analysis_id, specimen_id, person_id, tumor_id, panel` of the analyses whose panel is known."""
    return (
        molecular_analysis.where("panel_id IS NOT NULL")
        .selectExpr("center", "analysis_id", "specimen_id", "person_id", _panel())
        .join(sample.select("specimen_id", "tumor_id"), "specimen_id", how="left")
    )


def covered(panel_gene: DataFrame) -> DataFrame:
    """`panel, gene`: what each panel looks at. Two hospitals may give one name to two panels."""
    return panel_gene.selectExpr(_panel(), "symbol AS gene").distinct()


def altered(variant: DataFrame, analysis: DataFrame, panel_gene: DataFrame) -> DataFrame:
    """The analyses, once for each gene in which they found a variant.

    A variant outside the panel does not count: there the others were not looked at.
    """
    found = variant.selectExpr("analysis_id", "gene_hgnc AS gene").distinct()
    return analysis.join(found, "analysis_id", how="inner").join(covered(panel_gene), ["panel", "gene"], how="left_semi")


def _panel() -> str:
    return "concat(center, ':', panel_id) AS panel"
