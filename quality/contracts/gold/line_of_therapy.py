"""line_of_therapy: lines of drug treatment as a rule finds them, beside the lines as hospitals declare them."""

from quality.contract import Column, Reference
from quality.contracts.gold._common import center, count, ordered, patient_id, product, tumor_id

TABLE = product(
    name="line_of_therapy",
    grain=(
        "A line of drug treatment at one hospital: derived from administrations, declared, or both side by side. "
        "A declared line stands beside the derived line whose administrations refer to it first, and alone where there is none. "
        "A validated prescription (AP-HP) counts as an administration on its day; supportive drugs open and join no line."
    ),
    key=("line_of_therapy_id",),
    columns=(
        Column(
            "line_of_therapy_id",
            "string",
            "The line: a hash, stable as long as the rule and the order of lines are.",
            False,
            sensitivity="identifier",
        ),
        patient_id(),
        tumor_id(nullable=True),
        center(),
        Column(
            "origin",
            "string",
            "Who says that there is a line.",
            False,
            one_of=("both", "derived", "declared"),
            sensitivity="none",
        ),
        Column("rule_version", "string", "The rule that derived it; null on a line that is only declared.", sensitivity="none"),
        Column(
            "line_number",
            "integer",
            "Derived number, counted from 1 within the tumour.",
            between=(1, None),
            sensitivity="sensitive",
        ),
        Column("start_date", "date", "First administration, or prescription (AP-HP).", sensitivity="quasi"),
        Column("end_date", "date", "Last administration, or the end of the longest one.", sensitivity="quasi"),
        Column("duration_days", "integer", "From start to end, both counted.", unit="d", sensitivity="sensitive"),
        Column(
            "gap_days",
            "integer",
            "From the end of the line before to this start; null on the first.",
            unit="d",
            sensitivity="sensitive",
        ),
        Column("next_line_start_date", "date", "Start of the derived line after it.", sensitivity="quasi"),
        Column("opened_by", "string", "Why the rule began a line.", one_of=("first", "new_drug", "gap"), sensitivity="none"),
        Column("drugs", "array<string>", "Its drugs in alphabetical order, one name each.", sensitivity="sensitive"),
        Column(
            "classes",
            "array<string>",
            "ATC groups (five characters) of those drugs, where known.",
            code_system="ATC",
            sensitivity="sensitive",
        ),
        Column("regimen_name", "string", "The drugs in one text.", sensitivity="sensitive"),
        count(
            "treatment_days", "Days on which something was given, begun or prescribed (AP-HP); 0 on a line that is only declared."
        ),
        Column("declared_line_id", "string", "The declared line (`silver.treatment_line_src`).", sensitivity="identifier"),
        Column("declared_line_number", "integer", "Its number at the hospital.", sensitivity="sensitive"),
        Column("declared_start_date", "date", "Its start.", sensitivity="quasi"),
        Column("declared_end_date", "date", "Its end.", sensitivity="quasi"),
        Column("protocol_label", "string", "The protocol as typed.", sensitivity="sensitive"),
        Column("setting", "string", "Neoadjuvant, adjuvant, metastatic or maintenance, as declared.", sensitivity="sensitive"),
        Column("intent", "string", "Curative or palliative, as declared.", sensitivity="sensitive"),
        Column("n_cycles", "integer", "Cycles, as declared.", sensitivity="sensitive"),
        Column("stop_reason", "string", "Why it ended, as declared.", sensitivity="sensitive"),
        Column("trial_code", "string", "The trial in which it was given, as declared.", sensitivity="sensitive"),
        Column(
            "agree_flag",
            "boolean",
            "Same number, and starts at most 28 days apart; null unless both sides are there.",
            sensitivity="none",
        ),
    ),
    reads=(
        "silver.drug_administration",
        "silver.treatment_line_src",
        "silver.primary_cancer",
        "silver.person",
    ),
    rules=(ordered("start_date", "end_date", "A line ends after it began."),),
    references=(
        Reference("tumor_id", "primary_cancer", "tumor_id"),
        Reference("declared_line_id", "treatment_line_src", "line_id"),
    ),
)
