"""biomarker_status: what is known of every marker of a tumour, from marker tests and from gene panels."""

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from jobs.gold._people import patients, with_tumour
from jobs.gold._samples import altered, covered, samples, sequenced

# Change the version with the definition of a positive result.
DEFINITION_VERSION = "last-definite-v1"
# The genes whose sequencing answers for a marker: those markers that ask for a mutation.
# ALK asks for a rearrangement: the calls of these panels are mutations.
MARKERS = {
    "BRAF": ("braf",),
    "EGFR": ("egfr",),
    "FLT3": ("flt3",),
    "IDH1": ("idh1",),
    "KRAS": ("kras", "nras_kras"),
    "NPM1": ("npm1",),
    "NRAS": ("nras_kras",),
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
    # Markers come in before samples do: a panel has hundreds of genes, few of them those of a marker.
    covers = covered(panel_gene).select("panel", _marker()).distinct()
    looked_at = analysis.select("tumor_id", "panel").distinct().join(covers, "panel", how="inner").select("tumor_id", "marker")
    found = altered(variant.where(F.col("gene_hgnc").isin(*MARKERS)), analysis, panel_gene).select("tumor_id", _marker())
    return (
        looked_at.distinct()
        .join(found.distinct().withColumn("found", F.lit(True)), ["tumor_id", "marker"], how="left")
        .selectExpr("tumor_id", "marker", "true AS tested_in_panel", "coalesce(found, false) AS altered_in_panel")
    )


def _marker() -> Column:
    """The markers that a gene answers for, a row each; no row for other genes."""
    pairs = (f"'{gene}', array({', '.join(map(repr, markers))})" for gene, markers in MARKERS.items())
    return F.expr(f"explode(try_element_at(map({', '.join(pairs)}), gene))").alias("marker")
