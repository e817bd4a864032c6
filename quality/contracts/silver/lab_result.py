"""A row is a validated laboratory result."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
    OF_PERSON,
    PERSON_ID,
    VOLATILE,
    after_death,
    coded_columns,
    flagged,
    id_column,
    silver_columns,
)

# In which units an analyte is reported, and up to which value in each a result can be believed.
PLAUSIBLE = {
    "PLAQ": {"10*9/L": 3_000, "/mm3": 3_000_000},
    "LEUCO": {"10*9/L": 1_000, "/mm3": 1_000_000},
    "HB": {"g/dL": 30},
    "BLAST": {"%": 100},
    "PSA": {"ng/mL": 50_000},
    "CALC": {"mg/dL": 30},
    "AFP": {"ng/mL": 5_000_000},
    "LDH": {"U/L": 50_000, "[IU]/L": 50_000},
    "ACE": {"ng/mL": 500_000},
    "HCG": {"U/L": 10_000_000, "[IU]/L": 10_000_000},
    "ALB": {"g/dL": 10},
    "CREA": {"mg/dL": 40, "umol/L": 3_500},
    "CA199": {"U/mL": 5_000_000},
}


def _unit_of_another_analyte() -> str:
    allowed = " ".join(f"WHEN '{code}' THEN unit_std NOT IN ({', '.join(map(repr, units))})" for code, units in PLAUSIBLE.items())
    return f"CASE local_code {allowed} END"


def _beyond_belief() -> str:
    limits = (
        f"(local_code = '{code}' AND unit_std = '{unit}' AND value_num > {limit})"
        for code, units in PLAUSIBLE.items()
        for unit, limit in units.items()
    )
    return f"value_num < 0 OR {' OR '.join(limits)}"


TABLE = Table(
    layer="silver",
    name="lab_result",
    grain="One validated result of one analysis.",
    key=("lab_id",),
    columns=silver_columns(
        id_column("lab_id", "The result."),
        PERSON_ID,
        *coded_columns("local_code", "The analysis, by the hospital's own code.", "lab_result.local_code"),
        Column(
            "loinc",
            "string",
            "LOINC code as sent (gr); that of a local code is in vocab_map.",
            matches="^[0-9]{2,5}-[0-9]$",
            code_system="LOINC",
            sensitivity="sensitive",
        ),
        Column(
            "anabio",
            "string",
            "ANABIO code; no hospital sends one with the result.",
            code_system="ANABIO",
            sensitivity="sensitive",
        ),
        Column("value_num", "double", "The result where it is a number, in unit.", sensitivity="sensitive"),
        *coded_columns("operator", "Sign before the number: below or above what can be measured.", "lab_result.operator"),
        Column("value_text", "string", "The result where it is a text.", sensitivity="sensitive"),
        Column("unit", "string", "Unit as sent.", sensitivity="none"),
        Column(
            "value_std",
            "double",
            "value_num where unit_std is known; no conversion between units is made.",
            sensitivity="sensitive",
        ),
        *coded_columns("unit_std", "Unit in UCUM.", "lab_result.unit_std", sensitivity="none"),
        Column("low", "double", "Lower end of the reference range, in unit.", sensitivity="none"),
        Column("high", "double", "Upper end of the reference range, in unit.", sensitivity="none"),
        *coded_columns("status", "Always validated: no other result is loaded.", "lab_result.status", sensitivity="none"),
        Column("collected_at", "timestamp", "When the sample was taken, civil time.", nullable=False, sensitivity="quasi"),
    ),
    rules=(
        flagged("UNIT_OF_ANOTHER_ANALYTE", _unit_of_another_analyte(), "Each analyte has its units."),
        flagged("VALUE_IMPLAUSIBLE", _beyond_belief(), "A value beyond these limits is a typing error or another unit."),
        flagged("LAB_BEFORE_BIRTH", "last_day(collected_at) < person.birth_date", "A sample follows birth."),
        flagged(
            "LAB_AFTER_DEATH",
            after_death("collected_at"),
            "A sample precedes death.",
        ),
    ),
    references=(OF_PERSON,),
    volatile=VOLATILE,
)
