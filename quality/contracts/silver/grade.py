"""A row is one grading of a cancer under a grading system."""

from quality.contract import Table
from quality.contracts.silver._common import (
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
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="grade",
    grain="One grading of one primary cancer.",
    key=("grade_id",),
    columns=silver_columns(
        id_column("grade_id", "The grading."),
        PERSON_ID,
        tumor_id(),
        *coded_columns("system", "The grading system; null for aphp.", "grade.system"),
        *coded_columns("value", "The grade.", "grade.value"),
        *dated_columns("grade_date", "When it was graded; the diagnosis date where the hospital grades on the tumour itself."),
    ),
    rules=(
        flagged("GRADE_BEFORE_BIRTH", earlier("grade_date", "person.birth_date"), "A grading follows birth."),
        flagged(
            "GRADE_OF_OTHER_SYSTEM",
            "(system = 'gleason') <> (value IN ('6', '7', '8', '9', '10'))",
            "6 to 10 are Gleason scores, and Gleason scores are 6 to 10.",
        ),
    ),
    references=(OF_PERSON, OF_TUMOR),
    volatile=VOLATILE,
)
