"""A row is one assessment of a patient's general condition on a scale."""

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
    silver_columns,
    tumor_id,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="performance_status",
    grain="One assessment of one patient on one scale.",
    key=("performance_status_id",),
    columns=silver_columns(
        id_column("performance_status_id", "The assessment."),
        PERSON_ID,
        tumor_id("The cancer at whose diagnosis or event it was made."),
        *coded_columns(
            "scale", "The scale: OMS (0 is best), KPS (100 is best), G8 (17 is best).", "performance_status.scale", nullable=False
        ),
        Column("value", "integer", "The score on that scale.", sensitivity="sensitive"),
        *dated_columns("performance_status_date", "When it was assessed; the date of the tumour or event it was stated with."),
    ),
    rules=(
        flagged(
            "SCORE_OUTSIDE_SCALE",
            "value < 0 OR value > CASE scale WHEN 'OMS' THEN 5 WHEN 'G8' THEN 17 ELSE 100 END",
            "OMS goes from 0 to 5, G8 to 17, KPS to 100.",
        ),
        flagged("ASSESSED_AFTER_DEATH", earlier("person.death_date", "performance_status_date"), "The living are assessed."),
    ),
    references=(OF_PERSON, OF_TUMOR),
    volatile=VOLATILE,
)
