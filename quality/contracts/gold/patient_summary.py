"""patient_summary: who the patients are."""

from quality.contract import Column
from quality.contracts.gold._common import dated, patient_id, product

FLAGS = {
    "in_trial": "Was included in a trial.",
    "has_wes": "There is a whole exome of a sample.",
    "has_panel": "There is a gene panel of a sample.",
    "has_ffpe": "There is fixed tissue.",
    "has_frozen": "There is frozen tissue.",
    "has_plasma": "There is plasma.",
    "has_dna": "There is DNA.",
    "has_rna": "There is RNA.",
    "industry_use_opposed": (
        "The patient does not want their data or samples used by companies: said at any hospital, in force until it is lifted."
    ),
}

TABLE = product(
    name="patient_summary",
    grain="A patient: one row over all the hospitals that follow them.",
    key=("patient_id",),
    columns=(
        patient_id(),
        Column(
            "centers",
            "array<string>",
            "The hospitals that follow the patient, in alphabetical order.",
            False,
            sensitivity="quasi",
        ),
        Column("n_centers", "integer", "How many they are.", False, between=(1, None), sensitivity="quasi"),
        Column(
            "sex",
            "string",
            "Administrative sex; UN where no hospital knows.",
            False,
            one_of=("M", "F", "UN"),
            sensitivity="quasi",
        ),
        Column("birth_year", "integer", "Year of birth.", sensitivity="quasi"),
        Column("residence_dept", "string", "French department where the patient lives, 99 abroad.", sensitivity="quasi"),
        Column(
            "n_cancers",
            "integer",
            "Primary cancers: of each site, the most that any one hospital knows.",
            nullable=False,
            between=(0, None),
            sensitivity="sensitive",
        ),
        Column(
            "n_tumor_records",
            "integer",
            "Rows of tumor_summary, the same cancer at two hospitals counted twice.",
            False,
            sensitivity="none",
        ),
        *dated("first_dx_date", "First diagnosis of a cancer."),
        Column("age_at_first_dx", "integer", "Full years at that diagnosis.", unit="a", sensitivity="quasi"),
        Column(
            "vital_status",
            "string",
            "Deceased if any hospital says so, else alive if any does.",
            one_of=("alive", "deceased", "unknown"),
            sensitivity="sensitive",
        ),
        *dated("death_date", "Date of death."),
        *dated("last_contact_date", "Latest news of the patient at any hospital."),
        Column("follow_up_days", "integer", "From first diagnosis to death or last news.", unit="d", sensitivity="quasi"),
        *(Column(name, "boolean", meaning, nullable=False, sensitivity="sensitive") for name, meaning in FLAGS.items()),
    ),
    reads=(
        "silver.person",
        "silver.primary_cancer",
        "silver.trial_enrollment",
        "silver.molecular_analysis",
        "silver.specimen",
    ),
)
