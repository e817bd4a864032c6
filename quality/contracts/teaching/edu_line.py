"""edu_line: lines of drug treatment."""

from quality.contract import Column, Rule
from quality.contracts.teaching._common import (
    INDEX,
    NOT_TOLD,
    OF_PATIENT,
    OF_TUMOR,
    days,
    patient_no,
    row_no,
    taught,
    text,
    tumor_no,
)

TABLE = taught(
    name="edu_line",
    grain="A line of drug treatment of the first cancer, up to the fourth. A line whose start too few share has no row.",
    key=("line_no",),
    columns=(
        row_no("line_no", "line"),
        tumor_no(),
        patient_no(),
        Column("line_number", "integer", "Its number, from 1.", nullable=False, between=(1, 4), sensitivity="none"),
        days(
            "start_day",
            "First day of treatment; told in wider bins than the end of follow-up it may lie after it.",
            nullable=False,
        ),
        days("end_day", "Last day of treatment; told more coarsely or more finely than the start, so it may lie before it."),
        text("regimen", "A frequent combination of drugs; other: a rare one, or one that is not told.", nullable=False),
        text("setting", f"As declared. {NOT_TOLD}", one_of=("adjuvant", "neoadjuvant", "metastatic", "maintenance")),
    ),
    reads=(*INDEX, "gold.line_of_therapy"),
    rules=(
        Rule(
            "ExpectCompoundColumnsToBeUnique",
            "critical",
            "A patient has one line of each number.",
            (("column_list", ("patient_no", "line_number")),),
        ),
    ),
    references=(OF_PATIENT, OF_TUMOR),
)
