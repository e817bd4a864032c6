"""A row is an act coded for a stay; surgical ones of aphp are in `surgery` too."""

from quality.contract import Column, Reference, Table
from quality.contracts.silver._common import (
    CCAM,
    OF_PERSON,
    PERSON_ID,
    VOLATILE,
    dated_columns,
    flagged,
    id_column,
    silver_columns,
    spelled,
    within,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="procedure_coded",
    grain="One activity of one act.",
    key=("procedure_id",),
    columns=silver_columns(
        id_column("procedure_id", "The coded act."),
        PERSON_ID,
        id_column("encounter_id", "The stay it was coded for.", nullable=True),
        Column(
            "ccam",
            "string",
            "CCAM code of the act.",
            nullable=False,
            code_system="CCAM",
            sensitivity="sensitive",
        ),
        Column("activity", "integer", "CCAM activity: 1 surgeon, 4 anaesthetist.", sensitivity="none"),
        Column("phase", "string", "CCAM phase of the act (gr).", sensitivity="none"),
        *dated_columns("procedure_date", "When it was done."),
        Column("quantity", "long", "How many times it was done.", sensitivity="none"),
    ),
    rules=(
        spelled("CCAM_MISSPELLED", "ccam", CCAM, "A code of another form is in no list."),
        within("ACTIVITY_UNKNOWN", "activity", 1, 5, "CCAM knows activities 1 to 5."),
        flagged("ACT_BEFORE_BIRTH", earlier("procedure_date", "person.birth_date"), "An act follows birth."),
        flagged("ACT_AFTER_DEATH", earlier("person.death_date", "procedure_date"), "An act precedes death."),
    ),
    references=(OF_PERSON, Reference("encounter_id", "encounter", "encounter_id")),
    volatile=VOLATILE,
)
