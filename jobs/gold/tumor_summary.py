"""tumor_summary: one row a tumour, with what an analyst asks of it first."""

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from jobs.gold._people import patients, with_tumour
from jobs.gold._samples import altered, samples, sequenced
from jobs.gold._sites import tumor_group

# The markers of which the summary says the first result known, and those that are measured in percent and often sent as nothing else.
MARKERS = ("er", "pr", "her2", "ki67", "pdl1_tps", "msi", "mmr", "alk", "braf", "egfr", "idh1", "kras", "nras_kras")
MEASURED = ("ki67", "pdl1_tps")
# Four months, as AJCC and UICC count what belongs to the stage at diagnosis: what is staged later is another moment of the disease.
STAGING_DAYS = 120
# A stage after treatment or at recurrence is not one at diagnosis; pathologists know better than the clinic.
FIRST_CLASSIFICATIONS = "array_position(array('p', 'c', 'unknown', 'u', 'y'), coalesce(classification, 'unknown'))"


def tumor_summary(
    primary_cancer: DataFrame,
    person: DataFrame,
    staging: DataFrame,
    grade: DataFrame,
    performance_status: DataFrame,
    tumor_event: DataFrame,
    surgery: DataFrame,
    radiotherapy_course: DataFrame,
    specimen: DataFrame,
    molecular_analysis: DataFrame,
    panel_gene: DataFrame,
    variant: DataFrame,
    biomarker_status: DataFrame,
    line_of_therapy: DataFrame,
    patient_key: DataFrame,
) -> DataFrame:
    """Every tumour as a hospital knows it: what it is, how far it had spread, how it was treated, whether the patient lives."""
    who = person.select("person_id", "birth_date", "resolved_vital_status").join(
        patients(person, patient_key), "person_id", how="inner"
    )
    analysis = sequenced(molecular_analysis, samples(specimen, primary_cancer))
    parts = (
        _stage(staging, primary_cancer),
        _grade(grade),
        _performance(with_tumour(performance_status, primary_cancer)),
        _events(tumor_event),
        _surgery(with_tumour(surgery, primary_cancer)),
        _radiotherapy(with_tumour(radiotherapy_course, primary_cancer)),
        _lines(line_of_therapy),
        _markers(biomarker_status),
        _genomics(analysis, altered(variant, analysis, panel_gene)),
    )
    summary = primary_cancer.join(who, "person_id", how="left")
    for part in parts:
        summary = summary.join(part.where("tumor_id IS NOT NULL"), "tumor_id", how="left")
    return _described(summary)


def _stage(staging: DataFrame, primary_cancer: DataFrame) -> DataFrame:
    """The stage at diagnosis: one with a group before one without, then pathological before clinical, then the earliest."""
    dated = primary_cancer.select("tumor_id", "dx_date", "dx_date_precision")
    at_diagnosis = staging.join(dated, "tumor_id", how="left").where(f"coalesce(classification, '') <> 'r' AND NOT {_late()}")
    rank = f"struct(stage_group IS NULL, {FIRST_CLASSIFICATIONS}, coalesce(staging_date, DATE'9999-12-31'), staging_id)"
    best = F.expr(f"min_by(struct(stage_group, classification, edition, t, n, m), {rank})").alias("stage")
    return at_diagnosis.groupBy("tumor_id").agg(best)


def _late() -> str:
    """SQL text: staged too long after the diagnosis. Where one of the two dates is only a year, in a later year; no date is not late."""
    only_year = "'year' IN (staging_date_precision, dx_date_precision)"
    later = f"if({only_year}, year(staging_date) > year(dx_date), datediff(staging_date, dx_date) > {STAGING_DAYS})"
    return f"coalesce({later}, false)"


def _grade(grade: DataFrame) -> DataFrame:
    rank = "struct(value IS NULL, coalesce(grade_date, DATE'9999-12-31'), grade_id)"
    return grade.groupBy("tumor_id").agg(F.expr(f"min_by(struct(value, system), {rank})").alias("grade"))


def _performance(performance_status: DataFrame) -> DataFrame:
    rank = "struct(coalesce(performance_status_date, DATE'9999-12-31'), performance_status_id)"
    return performance_status.where("scale = 'OMS'").groupBy("tumor_id").agg(F.expr(f"min_by(value, {rank})").alias("oms"))


def _events(tumor_event: DataFrame) -> DataFrame:
    met = "type = 'metastasis'"
    return tumor_event.groupBy("tumor_id").agg(
        F.array_sort(F.expr(f"collect_set(topography) FILTER (WHERE {met})")).alias("met_sites"),
        F.expr(f"min(event_date) FILTER (WHERE {met})").alias("first_met_event_date"),
        F.expr("min(event_date) FILTER (WHERE type IN ('recurrence', 'local_recurrence', 'regional_recurrence'))").alias(
            "first_recurrence_date"
        ),
    )


def _surgery(surgery: DataFrame) -> DataFrame:
    """The first operation, with the margins of the first whose margins are known."""
    rank = "struct(resection IS NULL, coalesce(surgery_date, DATE'9999-12-31'), procedure_id)"
    return surgery.groupBy("tumor_id").agg(
        F.min("surgery_date").alias("first_surgery_date"), F.expr(f"min_by(resection, {rank})").alias("resection")
    )


def _radiotherapy(radiotherapy_course: DataFrame) -> DataFrame:
    return radiotherapy_course.groupBy("tumor_id").agg(F.min("start_date").alias("first_rt_date"), F.lit(True).alias("rt_any"))


def _lines(line_of_therapy: DataFrame) -> DataFrame:
    return line_of_therapy.groupBy("tumor_id").agg(
        F.expr("cast(count(line_number) AS int)").alias("n_lines"),
        F.expr("cast(count(DISTINCT declared_line_id) AS int)").alias("n_lines_declared"),
        F.expr("min_by(regimen_name, line_number)").alias("first_regimen"),
        F.expr("min(coalesce(start_date, declared_start_date))").alias("first_drug_date"),
    )


def _markers(biomarker_status: DataFrame) -> DataFrame:
    of, percent = "FILTER (WHERE marker = '{}')", "if(coalesce(first_known_unit, '%') = '%', first_known_value, NULL)"
    results = [F.expr(f"max(first_known_result) {of.format(marker)}").alias(marker) for marker in MARKERS]
    values = [F.expr(f"max({percent}) {of.format(marker)}").alias(f"{marker}_value") for marker in MEASURED]
    return biomarker_status.groupBy("tumor_id").agg(*results, *values)


def _genomics(analysis: DataFrame, found: DataFrame) -> DataFrame:
    """How many samples were sequenced, and in which genes something was found."""
    genes = found.groupBy("tumor_id").agg(F.array_sort(F.collect_set("gene")).alias("altered_genes"))
    sequenced_samples = analysis.groupBy("tumor_id").agg(
        F.expr("cast(count(DISTINCT specimen_id) AS int)").alias("n_samples_sequenced")
    )
    return sequenced_samples.join(genes, "tumor_id", how="left")


def _described(summary: DataFrame) -> DataFrame:
    # MX is neither: nobody looked. Nor does a stage IV say it, which many sites also give to a tumour that has only grown far.
    by_m = "CASE WHEN stage.m LIKE 'M1%' THEN true WHEN stage.m LIKE 'M0%' THEN false END"
    de_novo = f"coalesce(de_novo_metastatic, {by_m})"
    first_met = f"least(first_met_event_date, if({de_novo}, dx_date, NULL))"
    return summary.selectExpr(
        "tumor_id",
        "patient_id",
        "center",
        f"{tumor_group()} AS tumor_group",
        "icd10",
        "topography",
        "morphology",
        "behaviour",
        "laterality",
        "inferred",
        "dx_date",
        "dx_date_precision",
        "year(dx_date) AS dx_year",
        "cast(floor(months_between(dx_date, birth_date) / 12) AS int) AS age_dx",
        "dx_basis",
        "stage.stage_group AS best_stage_dx",
        "nullif(regexp_extract(stage.stage_group, '^(IV|I{1,3}(?!/)|0)', 1), '') AS stage_main",
        "stage.classification AS stage_source",
        "stage.edition AS stage_edition",
        "stage.t AS t",
        "stage.n AS n",
        "stage.m AS m",
        "grade.value AS grade",
        "grade.system AS grade_system",
        "oms AS performance_status_dx",
        f"{de_novo} AS de_novo_metastatic",
        "coalesce(met_sites, array()) AS met_sites",
        f"{first_met} AS first_met_date",
        "first_recurrence_date",
        "first_surgery_date",
        "resection",
        "coalesce(rt_any, false) AS rt_any",
        "first_rt_date",
        "coalesce(n_lines, 0) AS n_lines",
        "coalesce(n_lines_declared, 0) AS n_lines_declared",
        "first_regimen",
        "first_drug_date",
        *MARKERS,
        *(f"{marker}_value" for marker in MEASURED),
        "coalesce(n_samples_sequenced, 0) AS n_samples_sequenced",
        # Null without a sequenced sample: nothing was looked for. Empty: looked for, nothing found.
        "if(n_samples_sequenced > 0, coalesce(altered_genes, array()), NULL) AS altered_genes",
        "resolved_vital_status AS vital_status",
    )
