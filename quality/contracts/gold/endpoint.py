"""endpoint: how long after diagnosis, and with which end."""

from quality.contract import Column, Reference
from quality.contracts.gold._common import PRECISIONS, center, dated, patient_id, product, tumor_id

TABLE = product(
    name="endpoint",
    grain="A tumour and an endpoint. Every tumour has one row of overall survival (OS), inferred tumours too.",
    key=("tumor_id", "endpoint"),
    columns=(
        tumor_id(),
        patient_id(),
        center(),
        Column("endpoint", "string", "What is waited for: OS is death of any cause.", False, one_of=("OS",), sensitivity="none"),
        Column("origin", "string", "Where the clock starts: dx is the diagnosis.", False, one_of=("dx",), sensitivity="none"),
        *dated("start_date", "The day of diagnosis."),
        Column(
            "stop_date",
            "date",
            "Death; last news of those alive, of unknown status or dead on an unknown day.",
            sensitivity="quasi",
        ),
        Column(
            "days",
            "integer",
            "From start to stop; null without both dates. Below 0 where dates of a month cross.",
            unit="d",
            sensitivity="quasi",
        ),
        Column("days_precision", "string", "The coarser precision of the two dates.", one_of=PRECISIONS, sensitivity="none"),
        Column(
            "event",
            "integer",
            "1 dead, 0 alive at last news, null where no hospital knows.",
            one_of=(0, 1),
            sensitivity="sensitive",
        ),
        Column(
            "event_source",
            "string",
            "What the event rests on: a date of death, or the word that the patient died.",
            one_of=("death_date", "deceased_without_date"),
            sensitivity="none",
        ),
        Column(
            "censor_reason",
            "string",
            "Why there is no event.",
            one_of=("alive_at_last_news", "vital_status_unknown"),
            sensitivity="none",
        ),
        Column("cnsr", "integer", "ADaM's CNSR: 0 event, 1 censored.", one_of=(0, 1), sensitivity="sensitive"),
        Column(
            "entry_days",
            "integer",
            "Delayed entry: days from diagnosis to the first dated contact with a hospital of the lake, 0 where not later. "
            "A contact is a stay, an operation, a course of radiotherapy, a sample, or a drug given or prescribed; not one that was "
            "cancelled or postponed.",
            nullable=False,
            between=(0, None),
            unit="d",
            sensitivity="quasi",
        ),
        Column(
            "entry_source",
            "string",
            "What entry_days rests on; unknown: no diagnosis date or no dated contact, and counted as 0.",
            nullable=False,
            one_of=("in_center_dx", "contact", "unknown"),
            sensitivity="none",
        ),
    ),
    reads=(
        "silver.primary_cancer",
        "silver.person",
        "silver.encounter",
        "silver.surgery",
        "silver.drug_administration",
        "silver.radiotherapy_course",
        "silver.specimen",
    ),
    references=(Reference("tumor_id", "primary_cancer", "tumor_id"),),
)
