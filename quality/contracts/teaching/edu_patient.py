"""edu_patient: who the patients of a release are, and how they fared."""

from quality.contracts.teaching._common import COARSER, INDEX, STAGE, TUMOR_GROUP, patient_no, taught, text

OUTCOMES = ("died within a year", "died later", "alive after two years", "followed less")

TABLE = taught(
    name="edu_patient",
    grain="A patient, with the first cancer that was diagnosed.",
    key=("patient_no",),
    columns=(
        patient_no(),
        text("sex", f"Administrative sex. {COARSER}", nullable=False, one_of=("M", "F", "*")),
        text("age_band", f"Age at diagnosis: `60–64`, or a coarser band. {COARSER}", nullable=False),
        text("region", f"French region of residence, or a group of regions; abroad; unknown. {COARSER}", nullable=False),
        text("dx_period", f"Year of diagnosis, or a run of years. {COARSER}", nullable=False),
        text("tumor_group", TUMOR_GROUP, nullable=False),
        text("stage", STAGE, nullable=False),
        text("outcome", "How the patient fared; a year has 365.25 days.", nullable=False, one_of=OUTCOMES),
    ),
    reads=INDEX,
)
