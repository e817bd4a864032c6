"""edu_survival: how long patients were followed, and with which end."""

from quality.contract import Column, Rule
from quality.contracts.teaching._common import GENOMICS, INDEX, OF_PATIENT, OF_TUMOR, days, patient_no, taught, text, tumor_no

TABLE = taught(
    name="edu_survival",
    grain="A patient's overall survival from the diagnosis. A patient whose end too few share has no row.",
    key=("tumor_no", "endpoint"),
    columns=(
        tumor_no(),
        patient_no(),
        text("endpoint", "What is waited for: OS is death of any cause.", nullable=False, one_of=("OS",)),
        days(
            "days",
            "From diagnosis to the end; 3650: followed for ten years or more, and censored there. Who is alive: in half a bin up to five years.",
            nullable=False,
        ),
        Column("event", "boolean", "True: died.", nullable=False, sensitivity="none"),
        days(
            "entry_days",
            "The day on which the sequenced sample was taken, 0 at diagnosis or before: delayed entry into an analysis of genes. "
            "Empty: not sequenced, or not told.",
        ),
        text("censor_reason", "Why there is no event.", one_of=("alive_at_last_news", "vital_status_unknown")),
    ),
    reads=(*INDEX, *GENOMICS),
    rules=(
        Rule(
            "ExpectColumnPairValuesAToBeGreaterThanB",
            "critical",
            "Nobody enters after the end.",
            (("column_A", "days"), ("column_B", "entry_days"), ("or_equal", False)),
        ),
        Rule(
            "ExpectColumnValuesToBeNull",
            "critical",
            "Who died was not censored.",
            (("column", "censor_reason"),),
            when=(("event", "==", True),),
        ),
    ),
    references=(OF_PATIENT, OF_TUMOR),
)
