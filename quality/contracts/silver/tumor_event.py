"""A row is something that happened to a cancer after its diagnosis: recurrence, metastasis, progression, transformation."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
    OF_PERSON,
    OF_TUMOR,
    PERSON_ID,
    TOPOGRAPHY,
    VOLATILE,
    coded_columns,
    dated_columns,
    flagged,
    id_column,
    silver_columns,
    spelled,
    tumor_id,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="tumor_event",
    grain="One event of one primary cancer.",
    key=("event_id",),
    columns=silver_columns(
        id_column("event_id", "The event."),
        PERSON_ID,
        tumor_id("The primary cancer it happened to."),
        *coded_columns("type", "What happened.", "tumor_event.type"),
        *dated_columns("event_date", "When it was found."),
        Column(
            "topography",
            "string",
            "Where in the body it was found.",
            code_system="ICD-O-3 topography",
            sensitivity="sensitive",
        ),
        *coded_columns("evidence", "What it rests on.", "tumor_event.evidence"),
    ),
    rules=(
        spelled("TOPOGRAPHY_MISSPELLED", "topography", TOPOGRAPHY, "A code of another form is in no list."),
        flagged("EVENT_BEFORE_BIRTH", earlier("event_date", "person.birth_date"), "An event follows birth."),
        flagged(
            "EVENT_BEFORE_DX", earlier("event_date", "primary_cancer.dx_date"), "An event follows the diagnosis of its cancer."
        ),
        flagged("EVENT_AFTER_DEATH", earlier("person.death_date", "event_date"), "An event precedes death."),
    ),
    references=(OF_PERSON, OF_TUMOR),
    volatile=VOLATILE,
)
