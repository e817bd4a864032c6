"""For every rule of silver a seeded bad row: the engine flags it, the gate counts it, and without the rule it passes unseen."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from jobs.silver.flags import flagged
from quality.contracts import contracts
from quality.gate import check_pass
from tests.quality.contract_rows import ARROW, Pass, arrow, valid_row

SILVER = contracts("silver")
# The patient was born in June 1950, the tumour found on 5 May 2010, and the patient died on 1 March 2020. A valid row is of 1 January 2011.
PERSON = {
    "birth_date": date(1950, 6, 15),
    "birth_date_precision": "month",
    "death_date": date(2020, 3, 1),
    "death_date_precision": "day",
}
TUMOUR = {"dx_date": date(2010, 5, 5), "dx_date_precision": "day"}
SEEDS = """
    adverse_event       | AE_ENDS_BEFORE_START     | end_date=2010-12-31
    adverse_event       | AE_BEFORE_BIRTH          | start_date=1949-01-01
    adverse_event       | AE_AFTER_DEATH           | start_date=2021-01-01 end_date=2021-01-02
    adverse_event       | MEDDRA_MISSPELLED        | meddra=A1
    adverse_event       | AE_UNNAMED               | meddra= ctcae_term=
    biomarker           | TESTED_BEFORE_BIRTH      | tested_at=1949-01-01
    biomarker           | PERCENT_OUT_OF_RANGE     | unit=% value_num=101
    diagnosis_coded     | ICD10_MISSPELLED         | icd10=5C0
    diagnosis_coded     | DIAGNOSIS_BEFORE_BIRTH   | diagnosis_date=1949-01-01
    diagnosis_coded     | DIAGNOSIS_AFTER_DEATH    | diagnosis_date=2021-01-01
    drug_administration | DRUG_ENDS_BEFORE_START   | end_datetime=2010-12-31
    drug_administration | DRUG_BEFORE_DX           | admin_datetime=2010-04-01
    drug_administration | DRUG_AFTER_DEATH         | admin_datetime=2020-03-03 end_datetime=2020-03-03
    drug_administration | UCD_KEY_INVALID          | ucd13=3400890000001
    drug_administration | DOSE_WITHOUT_UNIT        | dose_unit=
    encounter           | STAY_ENDS_BEFORE_START   | exit_datetime=2010-12-31
    encounter           | STAY_BEFORE_BIRTH        | entry_datetime=1949-01-01
    encounter           | STAY_AFTER_DEATH         | entry_datetime=2020-03-02 exit_datetime=2020-03-02
    grade               | GRADE_BEFORE_BIRTH       | grade_date=1949-01-01
    grade               | GRADE_OF_OTHER_SYSTEM    | system=gleason value=G1
    lab_result          | UNIT_OF_ANOTHER_ANALYTE  | local_code=PLAQ unit_std=ng/mL
    lab_result          | VALUE_IMPLAUSIBLE        | value_num=-1
    lab_result          | LAB_BEFORE_BIRTH         | collected_at=1949-01-01
    lab_result          | LAB_AFTER_DEATH          | collected_at=2020-03-02
    molecular_analysis  | PANEL_MISSING            | panel_id=
    molecular_analysis  | ANALYSIS_BEFORE_BIRTH    | analysis_date=1949-01-01
    performance_status  | SCORE_OUTSIDE_SCALE      | scale=OMS value=6
    performance_status  | ASSESSED_AFTER_DEATH     | performance_status_date=2021-01-01
    person              | BIRTH_DAY_KEPT           | birth_date=1950-06-14
    person              | DEATH_BEFORE_BIRTH       | birth_date=2011-02-15 last_news_date=2011-02-15
    person              | LAST_NEWS_BEFORE_BIRTH   | birth_date=2011-02-15 death_date=
    person              | LAST_NEWS_BEFORE_DEATH   | last_news_date=2010-12-31
    person              | DEATH_DATE_OF_LIVING     | vital_status=alive
    person              | FINESS_INVALID           | origin_center=940000665
    primary_cancer      | TOPOGRAPHY_MISSPELLED    | topography=50.9
    primary_cancer      | MORPHOLOGY_MISSPELLED    | morphology=8500/4
    primary_cancer      | DX_BEFORE_BIRTH          | dx_date=1949-01-01
    primary_cancer      | DX_AFTER_DEATH           | dx_date=2021-01-01
    primary_cancer      | SECONDARY_AS_PRIMARY     | icd10=C78.0
    primary_cancer      | BEHAVIOUR_NOT_PRIMARY    | behaviour=6
    procedure_coded     | CCAM_MISSPELLED          | ccam=ABC123
    procedure_coded     | ACTIVITY_UNKNOWN         | activity=6
    procedure_coded     | ACT_BEFORE_BIRTH         | procedure_date=1949-01-01
    procedure_coded     | ACT_AFTER_DEATH          | procedure_date=2021-01-01
    radiotherapy_course | COURSE_ENDS_BEFORE_START | end_date=2010-12-31
    radiotherapy_course | COURSE_BEFORE_BIRTH      | start_date=1949-01-01
    radiotherapy_course | COURSE_AFTER_DEATH       | start_date=2021-01-01 end_date=2021-01-01
    radiotherapy_course | DOSE_IMPLAUSIBLE         | total_dose_gy=151
    radiotherapy_course | FRACTIONS_IMPLAUSIBLE    | fractions_delivered=100
    response_assessment | RESPONSE_BEFORE_BIRTH    | response_date=1949-01-01 tumor_id=
    response_assessment | RESPONSE_AFTER_DEATH     | response_date=2021-01-01
    response_assessment | RESPONSE_BEFORE_DX       | response_date=2010-05-04
    rights_register     | LIFTED_BEFORE_OPPOSED    | to_date=2010-12-31
    rights_register     | STATE_WITHOUT_SCOPE      | scope=
    specimen            | TOPOGRAPHY_MISSPELLED    | topography=C5
    specimen            | SAMPLE_BEFORE_BIRTH      | collected_at=1949-01-01
    specimen            | SAMPLE_AFTER_DEATH       | collected_at=2021-01-01
    specimen            | QUANTITY_WITHOUT_UNIT    | unit=
    staging             | TNM_INCOMPLETE           | m=
    staging             | EDITION_MISSING          | edition=
    staging             | STAGED_AFTER_DEATH       | staging_date=2021-01-01
    surgery             | ACTIVITY_UNKNOWN         | activity=0
    surgery             | SURGERY_BEFORE_BIRTH     | surgery_date=1949-01-01
    surgery             | SURGERY_AFTER_DEATH      | surgery_date=2021-01-01
    treatment_line_src  | LINE_ENDS_BEFORE_START   | end_date=2010-12-31
    treatment_line_src  | LINE_BEFORE_BIRTH        | start_date=1949-01-01 tumor_id=
    treatment_line_src  | LINE_BEFORE_DX           | start_date=2010-05-04
    treatment_line_src  | LINE_AFTER_DEATH         | start_date=2021-01-01 end_date=2021-01-01
    trial_enrollment    | INCLUDED_BEFORE_CONSENT  | consent_date=2011-01-02
    trial_enrollment    | OFF_BEFORE_INCLUDED      | off_date=2010-12-31
    trial_enrollment    | INCLUDED_AFTER_DEATH     | enrolled_date=2021-01-01 off_date=2021-01-01
    tumor_event         | TOPOGRAPHY_MISSPELLED    | topography=C5
    tumor_event         | EVENT_BEFORE_BIRTH       | event_date=1949-01-01 tumor_id=
    tumor_event         | EVENT_BEFORE_DX          | event_date=2010-05-04
    tumor_event         | EVENT_AFTER_DEATH        | event_date=2021-01-01
    variant             | VAF_OUT_OF_RANGE         | vaf=1.1
    variant             | VARIANT_ENDS_BEFORE_START| end_pos=0
    variant             | DEPTH_ZERO               | depth=0
"""


def seeds():
    """The seeded values by table and flag."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for line in SEEDS.strip().splitlines():
        name, flag, values = (part.strip() for part in line.split("|"))
        found.setdefault(name, {})[flag] = dict(value.split("=", 1) for value in values.split())
    return found


def seeded(table, values, number):
    return valid_row(table, number) | {name: typed(table[name].type, text) for name, text in values.items()}


def typed(type_, text):
    if not text:
        return None
    read = {"date": date.fromisoformat, "timestamp": datetime.fromisoformat, "double": float, "integer": int, "long": int}
    return read.get(type_, str)(text)


def flags_of(spark, table, rows):
    """The rows with what the engine writes into dq_flags."""
    person, tumour = SILVER["person"], SILVER["primary_cancer"]
    neighbours = {
        "person": spark.createDataFrame(arrow(person, [valid_row(person) | PERSON])),
        "primary_cancer": spark.createDataFrame(arrow(tumour, [valid_row(tumour) | TUMOUR])),
    }
    found = flagged(spark.createDataFrame(arrow(table, rows)), table, neighbours).select(*table.key, "dq_flags").collect()
    by_key = {tuple(row[: len(table.key)]): row.dq_flags for row in found}
    return [row | {"dq_flags": by_key[tuple(row[name] for name in table.key)]} for row in rows]


def test_every_rule_has_a_seeded_row_and_every_seeded_row_its_rule():
    declared = {(name, rule.flag) for name, table in SILVER.items() for rule in table.rules}
    assert declared == {(name, flag) for name, flags in seeds().items() for flag in flags}


@pytest.mark.parametrize("name", seeds())
def test_a_seeded_row_is_flagged_and_counted_and_passes_unseen_without_its_rule(spark, name, tmp_path):
    table = SILVER[name]
    rows = [valid_row(table), *(seeded(table, values, number) for number, values in enumerate(seeds()[name].values(), start=1))]
    judged = flags_of(spark, table, rows)
    assert [row["dq_flags"] for row in judged] == [[], *([flag] for flag in seeds()[name])]

    work = Pass(tmp_path)
    for other in {reference.table for reference in table.references} - {name}:
        work.publish(SILVER[other], [valid_row(SILVER[other])])
    work.stage(table, judged)
    (verdict,) = check_pass([table], work.lake, work.staged)
    ruled = verdict.results[1:][len(verdict.results) - 1 - len(table.rules) - 1 - len(table.references) :][: len(table.rules)]
    expected = [(False, rule.severity, 1) for rule in table.rules]
    assert [(each.passed, each.severity, each.unexpected_count) for each in ruled] == expected
    grave = [f"no row is flagged {rule.flag}" for rule in table.rules if rule.severity == "critical"]
    assert [each.sentence for each in verdict.failures] == grave
    assert verdict.passed is not bool(grave)

    without = flags_of(spark, replace(table, rules=()), rows)
    assert all(row["dq_flags"] == [] for row in without)


def test_types_of_a_contract_are_types_of_arrow():
    assert {column.type for table in SILVER.values() for column in table.columns} <= set(ARROW)
