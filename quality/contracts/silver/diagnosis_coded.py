"""A row is a diagnosis coded for a stay."""

from quality.contract import Column, Reference, Table
from quality.contracts.silver._common import (
    ICD10,
    OF_PERSON,
    PERSON_ID,
    VOLATILE,
    coded_columns,
    dated_columns,
    flagged,
    id_column,
    silver_columns,
    spelled,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="diagnosis_coded",
    grain="One diagnosis code of one unit of a stay.",
    key=("diagnosis_id",),
    columns=silver_columns(
        id_column("diagnosis_id", "The coded diagnosis."),
        PERSON_ID,
        id_column("encounter_id", "The stay it was coded for.", nullable=True),
        Column(
            "icd10",
            "string",
            "ICD-10 code, with its dot. In a session (Z51) the cancer is the related diagnosis.",
            nullable=False,
            code_system="ICD-10",
            sensitivity="sensitive",
        ),
        *coded_columns(
            "position", "Main (DP), related (DR) or associated (DAS) diagnosis.", "diagnosis_coded.position", nullable=False
        ),
        *dated_columns("diagnosis_date", "Its date, else the day the unit or visit began."),
    ),
    rules=(
        spelled("ICD10_MISSPELLED", "icd10", ICD10, "A code of another form is in no list."),
        flagged("DIAGNOSIS_BEFORE_BIRTH", earlier("diagnosis_date", "person.birth_date"), "A diagnosis follows birth."),
        flagged("DIAGNOSIS_AFTER_DEATH", earlier("person.death_date", "diagnosis_date"), "A diagnosis precedes death."),
    ),
    references=(OF_PERSON, Reference("encounter_id", "encounter", "encounter_id")),
    volatile=VOLATILE,
)
