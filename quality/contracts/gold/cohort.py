"""cohort: who was found in which cohort."""

from quality.contract import Column, Reference
from quality.contracts.gold._common import ordered, product

TABLE = product(
    name="cohort",
    grain=(
        "A patient in a cohort that somebody saved (`pscc cohort`). Members are those of one build of gold: nobody joins later, and whoever "
        "is no patient of gold any more leaves with the next build."
    ),
    key=("cohort_definition_id", "subject_id"),
    columns=(
        Column(
            "cohort_definition_id",
            "string",
            "The cohort, by the name of its definition.",
            nullable=False,
            matches=r"^[a-z][a-z0-9_]{0,62}$",
            sensitivity="none",
        ),
        Column(
            "subject_id",
            "string",
            "The patient: `gold.patient_summary.patient_id`.",
            nullable=False,
            sensitivity="identifier",
        ),
        Column(
            "cohort_start_date",
            "date",
            "The day from which the definition counts the patient; of several the first.",
            nullable=False,
            sensitivity="quasi",
        ),
        Column(
            "cohort_end_date",
            "date",
            "The day until which it does; death or last news where the definition says nothing.",
            sensitivity="quasi",
        ),
        Column("build", "long", "The build of gold in which the patient was found.", nullable=False, sensitivity="none"),
    ),
    reads=("gold.patient_summary",),
    rules=(ordered("cohort_start_date", "cohort_end_date", "A membership ends after it began."),),
    references=(Reference("subject_id", "patient_summary", "patient_id"),),
)
