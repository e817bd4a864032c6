"""A row is a surgical act and activity (surgeon 1, anaesthetist 4): count acts on activity 1."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
    CCAM,
    OF_PERSON,
    OF_TUMOR,
    PERSON_ID,
    VOLATILE,
    coded_columns,
    dated_columns,
    flagged,
    id_column,
    silver_columns,
    tumor_id,
    within,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="surgery",
    grain="One activity of one surgical act.",
    key=("procedure_id",),
    columns=silver_columns(
        id_column("procedure_id", "The act and activity."),
        PERSON_ID,
        tumor_id(),
        *dated_columns("surgery_date", "Day of the operation."),
        Column("ccam", "string", "CCAM code of the act.", matches=CCAM, code_system="CCAM", sensitivity="sensitive"),
        Column("activity", "integer", "CCAM activity: 1 surgeon, 4 anaesthetist.", sensitivity="none"),
        *coded_columns("resection", "What remained of the tumour.", "surgery.resection"),
        Column(
            "neoadj_response",
            "string",
            "Response to neoadjuvant treatment found by the pathologist, as typed (gr).",
            sensitivity="sensitive",
        ),
    ),
    rules=(
        within("ACTIVITY_UNKNOWN", "activity", 1, 5, "CCAM knows activities 1 to 5."),
        flagged("SURGERY_BEFORE_BIRTH", earlier("surgery_date", "person.birth_date"), "An operation follows birth."),
        flagged("SURGERY_AFTER_DEATH", earlier("person.death_date", "surgery_date"), "An operation precedes death."),
    ),
    references=(OF_PERSON, OF_TUMOR),
    volatile=VOLATILE,
)
