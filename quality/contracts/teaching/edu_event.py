"""edu_event: what happened to a cancer."""

from quality.contract import Rule
from quality.contracts.teaching._common import (
    GENOMICS,
    INDEX,
    OF_PATIENT,
    OF_TUMOR,
    days,
    patient_no,
    row_no,
    taught,
    text,
    tumor_no,
)

KINDS = ("surgery", "radiotherapy", "metastasis", "recurrence", "progression", "sequencing")

TABLE = taught(
    name="edu_event",
    grain="The first event of a kind. One whose day too few share has no row.",
    key=("event_no",),
    columns=(
        row_no("event_no", "event"),
        tumor_no(),
        patient_no(),
        text("kind", "What happened; sequencing: the sample that was sequenced first was taken.", nullable=False, one_of=KINDS),
        days(
            "day", "When; told in wider bins than the end of follow-up it may lie after it, even after a death.", nullable=False
        ),
    ),
    reads=(*INDEX, *GENOMICS, "silver.tumor_event"),
    rules=(
        Rule(
            "ExpectCompoundColumnsToBeUnique",
            "critical",
            "Only the first event of a kind is told.",
            (("column_list", ("patient_no", "kind")),),
        ),
    ),
    references=(OF_PATIENT, OF_TUMOR),
)
