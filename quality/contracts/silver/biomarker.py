"""A row is one result of a tumour marker: receptor status, expression, rearrangement or a mutation reported as such."""

from quality.contract import Column, Reference, Table
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
    name="biomarker",
    grain="One result of one marker.",
    key=("biomarker_id",),
    columns=silver_columns(
        id_column("biomarker_id", "The result."),
        PERSON_ID,
        tumor_id(),
        id_column("specimen_id", "The sample that was tested, where the hospital says so.", nullable=True),
        *coded_columns("marker", "What was looked for.", "biomarker.marker"),
        *coded_columns("result", "What was found, as the source judges it.", "biomarker.result"),
        Column("value_num", "double", "The measured value where all of it is a number, in unit.", sensitivity="sensitive"),
        Column("value_text", "string", "The measured value as sent: 2+, 90-99%.", sensitivity="sensitive"),
        Column("unit", "string", "Unit as sent.", sensitivity="none"),
        *coded_columns("method", "How it was tested (gr).", "biomarker.method"),
        Column("threshold", "string", "From which value on a result is positive; no hospital says so yet.", sensitivity="none"),
        *dated_columns("tested_at", "When it was tested, civil time; midnight where only the day is known."),
    ),
    rules=(
        flagged("TESTED_BEFORE_BIRTH", earlier("tested_at", "person.birth_date"), "A test follows birth."),
        flagged("PERCENT_OUT_OF_RANGE", "unit = '%' AND NOT value_num BETWEEN 0 AND 100", "A share lies between 0 and 100 %."),
    ),
    references=(OF_PERSON, OF_TUMOR, Reference("specimen_id", "specimen", "specimen_id")),
    volatile=VOLATILE,
)
