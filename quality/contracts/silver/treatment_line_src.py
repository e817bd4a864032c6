"""A row is a line of systemic treatment as a hospital declares it (gold derives its own lines from administrations)."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
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
    tumor_id,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="treatment_line_src",
    grain="One declared line of drug treatment.",
    key=("line_id",),
    columns=silver_columns(
        id_column("line_id", "The line."),
        PERSON_ID,
        tumor_id(),
        Column("line_number", "integer", "Its rank among the lines of the cancer.", sensitivity="sensitive"),
        Column("protocol_label", "string", "Name of the protocol, as typed.", sensitivity="sensitive"),
        *coded_columns("setting", "When in the course of the disease (gr).", "treatment_line_src.setting"),
        *coded_columns("intent", "To cure or to relieve (gr).", "treatment_line_src.intent"),
        *coded_columns("treatment_type", "Kind of drug (curie).", "treatment_line_src.treatment_type"),
        *dated_columns("start_date", "First day."),
        *dated_columns("end_date", "Last day; null while it goes on or where nobody knows."),
        Column("n_cycles", "integer", "Cycles given (gr).", between=(0, 99), sensitivity="sensitive"),
        *coded_columns("stop_reason", "Why it ended (gr).", "treatment_line_src.stop_reason"),
        Column("trial_code", "string", "The hospital's code of the trial it was given in.", sensitivity="sensitive"),
    ),
    rules=(
        in_order("LINE_ENDS_BEFORE_START", "start_date", "end_date", "A line ends after it starts."),
        flagged("LINE_BEFORE_BIRTH", earlier("start_date", "person.birth_date"), "A treatment follows birth."),
        flagged("LINE_BEFORE_DX", earlier("start_date", "primary_cancer.dx_date"), "A cancer is treated once it is known."),
        flagged("LINE_AFTER_DEATH", earlier("person.death_date", "start_date"), "A treatment precedes death."),
    ),
    references=(OF_PERSON, OF_TUMOR),
    volatile=VOLATILE,
)
