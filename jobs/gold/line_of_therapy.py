"""line_of_therapy: lines of drug treatment that a rule derives from administrations, beside those that hospitals declare."""

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Window

from jobs.gold._drugs import drug_class, drug_name, is_cancer_drug, was_given
from jobs.gold._people import patients, with_tumour

# Change the version with the rule.
RULE_VERSION = "gap90-new28-v2"
GAP_DAYS, NEW_DRUG_DAYS = 90, 28

# A line as the rule builds it up.
LINE = {
    "opened_by": "string",
    "started": "date",
    "ended": "date",
    "drugs": "array<string>",
    "classes": "array<string>",
    "days": "array<date>",
    "declared": "string",
}
LAST = "try_element_at(lines, -1)"


def line_of_therapy(
    drug_administration: DataFrame,
    treatment_line_src: DataFrame,
    primary_cancer: DataFrame,
    person: DataFrame,
    patient_key: DataFrame,
) -> DataFrame:
    """Derived and declared lines side by side, each tumour at each hospital for itself.

    The rule, over the administrations of cancer drugs that were given, in order of their dates:
    a line takes in every drug that starts within 28 days of its start; a drug that it does not hold and that starts later
    opens the next line, and so does any drug, the same too, more than 90 days after the last treatment ended.
    Dropping a drug opens nothing; a brand and its substance are one drug. A validated prescription (AP-HP) stands for an
    administration on its day: of most drugs that are prescribed there, no administration is sent.
    """
    derived = _derived(_given(drug_administration, treatment_line_src, primary_cancer))
    declared = with_tumour(treatment_line_src, primary_cancer).selectExpr(
        "line_id AS declared_line_id",
        "person_id AS declared_person_id",
        "tumor_id AS declared_tumor_id",
        "center AS declared_center",
        "line_number AS declared_line_number",
        "start_date AS declared_start_date",
        "end_date AS declared_end_date",
        "protocol_label",
        "setting",
        "intent",
        "n_cycles",
        "stop_reason",
        "trial_code",
    )
    side_by_side = derived.join(declared, "declared_line_id", how="full").withColumn(
        "person_id", F.coalesce("person_id", "declared_person_id")
    )
    return _described(side_by_side.join(patients(person, patient_key), "person_id", how="left"))


def _given(drug_administration: DataFrame, treatment_line_src: DataFrame, primary_cancer: DataFrame) -> DataFrame:
    """Cancer drugs that were really given, each with one name and with its tumour where one can be told."""
    lines = treatment_line_src.selectExpr("line_id", "tumor_id AS line_tumor_id")
    named = (
        drug_administration.where(f"admin_datetime IS NOT NULL AND {was_given()}")
        .withColumn("typed", F.coalesce("ingredient", "source_value"))
        .withColumn("drug", drug_name("atc", "typed"))
        .withColumn("class", drug_class("drug", "atc"))
        .where(F.col("drug").isNotNull() & is_cancer_drug("atc", "typed"))
        .join(lines, "line_id", how="left")
        .withColumn("tumor_id", F.coalesce("tumor_id", "line_tumor_id"))
    )
    return with_tumour(named, primary_cancer).selectExpr(
        "center",
        "person_id",
        "tumor_id",
        "named_struct('started', to_date(admin_datetime), 'drug', drug, "
        "'ended', greatest(to_date(admin_datetime), to_date(end_datetime)), 'class', class, 'line_id', line_id) AS given",
    )


def _derived(given: DataFrame) -> DataFrame:
    """The rule as a fold over a tumour's administrations; one row a line."""
    none = f"cast(array() AS array<struct<{','.join(f'{name}:{type_}' for name, type_ in LINE.items())}>>)"
    next_line = f"""CASE
        WHEN size(lines) = 0 THEN array({_opened("first")})
        WHEN datediff(given.started, {LAST}.ended) > {GAP_DAYS} THEN concat(lines, array({_opened("gap")}))
        WHEN datediff(given.started, {LAST}.started) > {NEW_DRUG_DAYS} AND NOT array_contains({LAST}.drugs, given.drug)
        THEN concat(lines, array({_opened("new_drug")}))
        ELSE concat(slice(lines, 1, size(lines) - 1), array({_continued()})) END"""
    folded = (
        given.groupBy("center", "person_id", "tumor_id")
        .agg(F.array_sort(F.collect_set("given")).alias("all_given"))
        .withColumn("found", F.expr(f"aggregate(all_given, {none}, (lines, given) -> {next_line})"))
    )
    in_order = Window.partitionBy("person_id", "tumor_id").orderBy("line_number")
    return (
        folded.selectExpr("center", "person_id", "tumor_id", "posexplode(found) AS (position, line)")
        .selectExpr("center", "person_id", "tumor_id", "position + 1 AS line_number", "line.*")
        .withColumn("gap_days", F.datediff("started", F.lag("ended").over(in_order)))
        .withColumn("next_line_start_date", F.lead("started").over(in_order))
        .withColumnRenamed("declared", "declared_line_id")
    )


def _opened(reason: str) -> str:
    """SQL text: a line that begins with `given`."""
    return (
        f"named_struct('opened_by', '{reason}', 'started', given.started, 'ended', given.ended, 'drugs', array(given.drug), "
        "'classes', array_compact(array(given.class)), 'days', array(given.started), 'declared', given.line_id)"
    )


def _continued() -> str:
    """SQL text: the last line with `given` taken in."""
    return (
        f"named_struct('opened_by', {LAST}.opened_by, 'started', {LAST}.started, 'ended', greatest({LAST}.ended, given.ended), "
        f"'drugs', array_union({LAST}.drugs, array(given.drug)), "
        f"'classes', array_union({LAST}.classes, array_compact(array(given.class))), "
        f"'days', array_union({LAST}.days, array(given.started)), 'declared', coalesce({LAST}.declared, given.line_id))"
    )


def _described(side_by_side: DataFrame) -> DataFrame:
    is_derived, is_declared = "line_number IS NOT NULL", "declared_person_id IS NOT NULL"
    same = f"declared_line_number = line_number AND abs(datediff(declared_start_date, started)) <= {NEW_DRUG_DAYS}"
    named = f"concat_ws(':', 'line_of_therapy', '{RULE_VERSION}', coalesce(tumor_id, person_id), cast(line_number AS string))"
    derived_id = f"substr(sha2({named}, 256), 1, 32)"
    return side_by_side.selectExpr(
        f"CASE WHEN {is_derived} THEN {derived_id} ELSE declared_line_id END AS line_of_therapy_id",
        "patient_id",
        f"CASE WHEN {is_derived} THEN tumor_id ELSE declared_tumor_id END AS tumor_id",
        "coalesce(center, declared_center) AS center",
        f"CASE WHEN {is_derived} AND {is_declared} THEN 'both' WHEN {is_derived} THEN 'derived' ELSE 'declared' END AS origin",
        f"CASE WHEN {is_derived} THEN '{RULE_VERSION}' END AS rule_version",
        "line_number",
        "started AS start_date",
        "ended AS end_date",
        "datediff(ended, started) + 1 AS duration_days",
        "gap_days",
        "next_line_start_date",
        "opened_by",
        "array_sort(drugs) AS drugs",
        "array_sort(classes) AS classes",
        "array_join(array_sort(drugs), ' + ') AS regimen_name",
        "cast(coalesce(size(days), 0) AS bigint) AS treatment_days",
        "declared_line_id",
        "declared_line_number",
        "declared_start_date",
        "declared_end_date",
        "protocol_label",
        "setting",
        "intent",
        "n_cycles",
        "stop_reason",
        "trial_code",
        f"CASE WHEN {is_derived} AND {is_declared} THEN coalesce({same}, false) END AS agree_flag",
    )
