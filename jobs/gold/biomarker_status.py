"""biomarker_status: what is known of every marker of a tumour, from marker tests and from gene panels."""

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

from jobs.gold._people import patients, with_tumour
from jobs.gold._samples import altered, covered, samples, sequenced

# Change the version with the definition of a positive result.
DEFINITION_VERSION = "last-definite-v2"
# Of tests of one day: a definite result before an equivocal one, positive before negative, then the id. Undated tests come first.
RANK = "CASE result WHEN 'positive' THEN 1 WHEN 'negative' THEN 2 WHEN 'equivocal' THEN 3 WHEN 'failed' THEN 4 ELSE 5 END, biomarker_id"
FROM_FIRST = f"struct(test_date, {RANK})"
FROM_LAST = f"struct(test_date IS NULL, -unix_date(test_date), {RANK})"
DEFINITE, KNOWN = "result IN ('positive', 'negative')", "result IN ('positive', 'negative', 'equivocal')"
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
    of_tumour = with_tumour(biomarker, primary_cancer).where("tumor_id IS NOT NULL AND marker IS NOT NULL")
    tested = _tested(_of_samples_at_hand(of_tumour, specimen))
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
        "coalesce(first_definite, first_known).result AS first_known_result",
        "first_measured.value AS first_known_value",
        "first_measured.unit AS first_known_unit",
        "definite.result = 'positive' AS is_positive",
        f"'{DEFINITION_VERSION}' AS definition_version",
        "coalesce(tested_in_panel, false) AS tested_in_panel",
        "altered_in_panel",
    )


def _of_samples_at_hand(results: DataFrame, specimen: DataFrame) -> DataFrame:
    """The results, without the name of a sample that is gone: who opposes the use of samples keeps the results."""
    at_hand = specimen.selectExpr("specimen_id", "specimen_id AS sample_at_hand")
    return results.join(at_hand, "specimen_id", how="left").withColumn("specimen_id", F.col("sample_at_hand"))


def _tested(results: DataFrame) -> DataFrame:
    """First and last test, first and last definite result, first known result and value."""
    chosen = {
        "first": (FROM_FIRST, "true"),
        "last": (FROM_LAST, "true"),
        "first_definite": (FROM_FIRST, DEFINITE),
        "first_known": (FROM_FIRST, KNOWN),
        "first_measured": (FROM_FIRST, "value IS NOT NULL"),
        "definite": (FROM_LAST, DEFINITE),
    }
    test = "struct(test_date, result, value, unit, method, specimen_id)"
    return (
        results.withColumn("test_date", F.to_date("tested_at"))
        .withColumn("value", F.col("value_num"))
        .groupBy("tumor_id", "marker")
        .agg(
            F.count("*").alias("n_tests"),
            *(F.expr(f"min_by({test}, {order}) FILTER (WHERE {which})").alias(name) for name, (order, which) in chosen.items()),
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
