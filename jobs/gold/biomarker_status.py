"""biomarker_status: what is known of every marker of a tumour, from marker tests and from gene panels."""

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from jobs.gold._people import patients, with_tumour
from jobs.gold._samples import altered, covered, samples, sequenced

# Change the version with the definition of a positive result.
DEFINITION_VERSION = "last-definite-v1"
# The markers that ask for a mutation, and the genes whose sequencing answers.
# ALK asks for a rearrangement: the calls of these panels are mutations.
GENES = {
    "braf": ("BRAF",),
    "egfr": ("EGFR",),
    "flt3": ("FLT3",),
    "idh1": ("IDH1",),
    "kras": ("KRAS",),
    "npm1": ("NPM1",),
    "nras_kras": ("NRAS", "KRAS"),
}


def biomarker_status(
    biomarker: DataFrame,
    primary_cancer: DataFrame,
    person: DataFrame,
    specimen: DataFrame,
    molecular_analysis: DataFrame,
    panel_gene: DataFrame,
    variant: DataFrame,
    patient_key: DataFrame,
) -> DataFrame:
    """One row for every marker of a tumour that was tested, or whose genes a panel of the tumour covers.

    Positive and negative are the last definite result: an equivocal or failed test does not undo an earlier answer.
    A result whose tumour is not said counts for the only tumour of that person, and for none if there are several.
    """
    tested = _tested(with_tumour(biomarker, primary_cancer).where("tumor_id IS NOT NULL AND marker IS NOT NULL"))
    analysis = sequenced(molecular_analysis, samples(specimen, primary_cancer)).where("tumor_id IS NOT NULL")
    known = tested.join(_sequenced(analysis, panel_gene, variant), ["tumor_id", "marker"], how="full")
    tumours = primary_cancer.select("tumor_id", "person_id", "center").join(
        patients(person, patient_key), "person_id", how="inner"
    )
    return known.join(tumours, "tumor_id", how="inner").selectExpr(
        "tumor_id",
        "patient_id",
        "center",
        "marker",
        "n_tests IS NOT NULL AS ever_tested",
        "coalesce(n_tests, 0) AS n_tests",
        *(
            f"{which}.{name} AS {which}_{name}"
            for which in ("first", "last")
            for name in ("result", "test_date", "value", "unit", "method")
        ),
        "last.specimen_id AS last_specimen_id",
        "definite.result = 'positive' AS is_positive",
        f"'{DEFINITION_VERSION}' AS definition_version",
        "coalesce(tested_in_panel, false) AS tested_in_panel",
        "altered_in_panel",
    )


def _tested(results: DataFrame) -> DataFrame:
    """First, last and last definite result; a test without date counts before those that have one."""
    test = "struct(to_date(tested_at) AS test_date, biomarker_id, result, value_num AS value, unit, method, specimen_id)"
    return (
        results.withColumn("test", F.expr(test))
        .groupBy("tumor_id", "marker")
        .agg(
            F.count("*").alias("n_tests"),
            F.min("test").alias("first"),
            F.max("test").alias("last"),
            F.max(F.expr("if(result IN ('positive', 'negative'), test, NULL)")).alias("definite"),
        )
    )


def _sequenced(analysis: DataFrame, panel_gene: DataFrame, variant: DataFrame) -> DataFrame:
    """Per tumour and marker: that a panel covers a gene of the marker, and whether a variant was found in one."""
    in_genes = F.expr(f"explode(map_filter({_marker_genes()}, (marker, genes) -> array_contains(genes, gene)))").alias(
        "marker", "genes"
    )
    looked_at = (
        analysis.select("tumor_id", "panel")
        .distinct()
        .join(covered(panel_gene), "panel", how="inner")
        .select("tumor_id", in_genes)
    )
    found = (
        altered(variant, analysis, panel_gene)
        .select("tumor_id", in_genes)
        .select("tumor_id", "marker", F.lit(True).alias("found"))
    )
    return (
        looked_at.select("tumor_id", "marker")
        .distinct()
        .join(found.distinct(), ["tumor_id", "marker"], how="left")
        .selectExpr("tumor_id", "marker", "true AS tested_in_panel", "coalesce(found, false) AS altered_in_panel")
    )


def _marker_genes() -> str:
    pairs = (f"'{marker}', array({', '.join(map(repr, genes))})" for marker, genes in GENES.items())
    return f"map({', '.join(pairs)})"
