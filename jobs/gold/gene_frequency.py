"""gene_frequency: how often a gene is altered among those in whom it was looked at."""

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from jobs.gold._people import patients
from jobs.gold._samples import altered, covered, samples, sequenced
from jobs.gold._sites import tumor_group

Z95 = 1.959963984540054
GROUPS = ("center", "tumor_group")


def gene_frequency(
    molecular_analysis: DataFrame,
    panel_gene: DataFrame,
    variant: DataFrame,
    specimen: DataFrame,
    primary_cancer: DataFrame,
    person: DataFrame,
    patient_key: DataFrame,
) -> DataFrame:
    """Per hospital, tumour group and gene, each also over 'all': samples and patients tested and altered.

    Tested is who has a current analysis whose panel contains the gene: where it was not looked at, no variant means nothing.
    """
    analysis = _in_groups(
        sequenced(molecular_analysis, samples(specimen, primary_cancer)), primary_cancer, patients(person, patient_key)
    )
    found = altered(variant, analysis, panel_gene).groupBy(*GROUPS, "gene")
    counted = found.agg(
        F.count_distinct("specimen_id").alias("samples_altered"), F.count_distinct("patient_id").alias("persons_altered")
    )
    genes = covered(panel_gene)
    return _described(
        _tested(analysis, genes, "specimen_id", "samples_tested")
        .join(_tested(analysis, genes, "patient_id", "persons_tested"), [*GROUPS, "gene"], how="inner")
        .join(counted, [*GROUPS, "gene"], how="left")
        .na.fill(0, ["samples_altered", "persons_altered"])
    )


def _in_groups(analysis: DataFrame, primary_cancer: DataFrame, patient: DataFrame) -> DataFrame:
    """Every analysis four times: in its hospital and in 'all', in its tumour group and in 'all'."""
    groups = primary_cancer.selectExpr("tumor_id", f"{tumor_group()} AS tumor_group")
    return (
        analysis.join(groups, "tumor_id", how="left")
        .join(patient, "person_id", how="inner")
        .withColumn("tumor_group", F.expr("explode(array('all', coalesce(tumor_group, 'unknown')))"))
        .withColumn("center", F.expr("explode(array('all', center))"))
    )


def _tested(analysis: DataFrame, genes: DataFrame, unit: str, name: str) -> DataFrame:
    """How many samples (or patients) were tested for each gene.

    Counted by the set of panels that a unit had: a handful of sets times their genes, not every sample times every gene.
    """
    sets = analysis.groupBy(*GROUPS, unit).agg(F.array_sort(F.collect_set("panel")).alias("panels")).groupBy(*GROUPS, "panels")
    counted = sets.agg(F.count("*").alias("units"))
    looked_at = (
        counted.select("panels")
        .distinct()
        .withColumn("panel", F.explode("panels"))
        .join(genes, "panel", how="inner")
        .select("panels", "gene")
        .distinct()
    )
    return counted.join(looked_at, "panels", how="inner").groupBy(*GROUPS, "gene").agg(F.sum("units").alias(name))


def _described(counts: DataFrame) -> DataFrame:
    return counts.selectExpr(
        "gene",
        *GROUPS,
        "samples_tested",
        "samples_altered",
        *_share("samples"),
        "persons_tested",
        "persons_altered",
        *_share("persons"),
    )


def _share(units: str) -> tuple[str, str, str]:
    """The share with Wilson's 95 % interval, which also holds for few samples and for none altered."""
    n, z2 = f"{units}_tested", Z95**2
    p = f"({units}_altered / {n})"
    middle = f"({p} + {z2} / (2 * {n}))"
    half = f"({Z95} * sqrt({p} * (1 - {p}) / {n} + {z2} / (4 * {n} * {n})))"
    return (
        f"round({p}, 6) AS {units}_frequency",
        f"round(greatest(({middle} - {half}) / (1 + {z2} / {n}), 0), 6) AS {units}_low",
        f"round(least(({middle} + {half}) / (1 + {z2} / {n}), 1), 6) AS {units}_high",
    )
