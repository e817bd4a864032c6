"""A row is one assessment of how a cancer responds to treatment."""

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
    silver_columns,
    tumor_id,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="response_assessment",
    grain="One assessment of response.",
    key=("assess_id",),
    columns=silver_columns(
        id_column("assess_id", "The assessment."),
        PERSON_ID,
        tumor_id(),
        id_column("line_id", "The declared line it assesses, where the hospital says so.", nullable=True),
        *dated_columns("response_date", "When it was assessed."),
        *coded_columns("method", "By which criteria (gr).", "response_assessment.method"),
        Column("sum_diameters_mm", "double", "Sum of the diameters of target lesions (gr).", unit="mm", sensitivity="sensitive"),
        Column("new_lesion", "boolean", "Whether a new lesion was seen (gr).", sensitivity="sensitive"),
        *coded_columns("response", "The response.", "response_assessment.response"),
        Column(
            "evaluator", "string", "Who assessed (investigator, central reading); no hospital says so yet.", sensitivity="none"
        ),
    ),
    rules=(
        flagged("RESPONSE_BEFORE_BIRTH", earlier("response_date", "person.birth_date"), "An assessment follows birth."),
        flagged(
            "RESPONSE_AFTER_DEATH",
            earlier("person.death_date", "response_date"),
            "An assessment, progression above all, precedes death.",
        ),
        flagged("RESPONSE_BEFORE_DX", earlier("response_date", "primary_cancer.dx_date"), "A cancer responds once it is known."),
    ),
    references=(OF_PERSON, OF_TUMOR, OF_LINE),
    volatile=VOLATILE,
)
