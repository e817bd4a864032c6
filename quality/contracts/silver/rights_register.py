"""A row is one statement about a patient's rights: that they were informed, that they oppose a use, that they lifted it."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
    PERSON_ID,
    VOLATILE,
    coded_columns,
    dated_columns,
    flagged,
    id_column,
    silver_columns,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="rights_register",
    grain="One line of the latest rights list (gr, curie), one `oppose` or `inform` event (aphp).",
    key=("rights_id",),
    # No reference to person: an opposed patient has a line here and no row there.
    columns=silver_columns(
        id_column("rights_id", "The statement."),
        PERSON_ID,
        Column("informed", "boolean", "Whether the patient was informed of the reuse of their data.", sensitivity="sensitive"),
        *dated_columns("information_date", "When they were informed."),
        *coded_columns("scope", "What the opposition concerns; null on an information line.", "rights_register.scope"),
        *coded_columns("state", "Whether the opposition is in force; null on an information line.", "rights_register.state"),
        *dated_columns("from_date", "Since when the patient opposes."),
        *dated_columns("to_date", "When the opposition was lifted."),
        *coded_columns("channel", "How the patient made it known.", "rights_register.channel"),
    ),
    rules=(
        flagged("LIFTED_BEFORE_OPPOSED", earlier("to_date", "from_date"), "What was not opposed cannot be lifted."),
        flagged("STATE_WITHOUT_SCOPE", "state IS NOT NULL AND scope IS NULL", "Read as an opposition to everything."),
    ),
    volatile=VOLATILE,
    hidden_by=(),
)
