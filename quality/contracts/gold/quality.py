"""quality: how good the data are."""

from quality.contract import Column
from quality.contracts.gold._common import count, ordered, product, share

TABLES = (
    "person",
    "primary_cancer",
    "staging",
    "grade",
    "tumor_event",
    "treatment_line_src",
    "drug_administration",
    "surgery",
    "radiotherapy_course",
    "response_assessment",
    "biomarker",
    "lab_result",
    "specimen",
    "encounter",
)

TABLE = product(
    name="quality",
    grain="A variable of a silver table at a hospital, over the current rows that it stated in one month.",
    key=("center", "table_name", "variable", "month"),
    columns=(
        Column("center", "string", "The hospital.", nullable=False, sensitivity="none"),
        Column("table_name", "string", "The silver table.", nullable=False, one_of=TABLES, sensitivity="none"),
        Column("variable", "string", "The column; site stands for topography or ICD-10.", nullable=False, sensitivity="none"),
        Column(
            "month",
            "date",
            "First day of the month in which the hospital stated the rows as they are (valid_from).",
            False,
            sensitivity="none",
        ),
        count("n_rows", "Current rows of which the variable can be asked (a date of death of the dead only)."),
        count("n_filled", "Those in which it is filled."),
        count("n_valid", "Those in which it is filled and no flag speaks of it."),
        share("completeness", "n_filled / n_rows.", nullable=False),
        share("validity", "n_valid over those in which something was sent, usable or not; null where nothing was."),
        Column(
            "median_delay_days",
            "double",
            "Timeliness: median days from the fact to its statement; null where no fact is dated.",
            unit="d",
            sensitivity="none",
        ),
        Column(
            "completeness_change",
            "double",
            "Drift: completeness against the month before it that has rows.",
            between=(-1, 1),
            sensitivity="none",
        ),
    ),
    reads=tuple(f"silver.{table}" for table in TABLES),
    rules=(
        ordered("n_filled", "n_rows", "Only rows that are there can be filled."),
        ordered("n_valid", "n_filled", "Only what is filled can be valid."),
    ),
)
