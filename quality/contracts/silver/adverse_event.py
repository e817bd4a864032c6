"""A row is an adverse event of treatment."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
    OF_LINE,
    OF_PERSON,
    OF_TUMOR,
    PERSON_ID,
    VOLATILE,
    coded_columns,
    dated_columns,
    flagged,
    id_column,
    in_order,
    silver_columns,
    spelled,
    tumor_id,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="adverse_event",
    grain="One adverse event of one patient.",
    key=("ae_id",),
    columns=silver_columns(
        id_column("ae_id", "The adverse event."),
        PERSON_ID,
        tumor_id("The cancer under treatment (curie)."),
        id_column("line_id", "The declared line under which it happened, where the hospital says so.", nullable=True),
        Column("meddra", "string", "MedDRA code, 8 digits.", code_system="MedDRA", sensitivity="sensitive"),
        Column("ctcae_term", "string", "CTCAE term in French, as sent.", code_system="CTCAE", sensitivity="sensitive"),
        Column("grade", "integer", "CTCAE grade: 1 mild to 5 death.", nullable=False, between=(1, 5), sensitivity="sensitive"),
        Column("serious", "boolean", "Serious in the regulatory sense (gr).", sensitivity="sensitive"),
        *coded_columns("related", "Whether the treatment caused it (gr).", "adverse_event.related"),
        *dated_columns("start_date", "When it began."),
        *dated_columns("end_date", "When it was over."),
    ),
    rules=(
        in_order("AE_ENDS_BEFORE_START", "start_date", "end_date", "An adverse event ends after it starts."),
        flagged("AE_BEFORE_BIRTH", earlier("start_date", "person.birth_date"), "An adverse event follows birth."),
        flagged("AE_AFTER_DEATH", earlier("person.death_date", "start_date"), "An adverse event precedes death."),
        spelled("MEDDRA_MISSPELLED", "meddra", "^[0-9]{8}$", "A MedDRA code has eight digits."),
        flagged("AE_UNNAMED", "meddra IS NULL AND ctcae_term IS NULL", "An adverse event has a code or a term."),
    ),
    references=(OF_PERSON, OF_TUMOR, OF_LINE),
    volatile=VOLATILE,
)
