"""edu_tumor: what the first cancer of a patient is."""

from quality.contract import Column
from quality.contracts.teaching._common import (
    GENOMICS,
    INDEX,
    NOT_TOLD,
    OF_PATIENT,
    STAGE,
    TUMOR_GROUP,
    patient_no,
    taught,
    text,
    tumor_no,
)

TABLE = taught(
    name="edu_tumor",
    grain="The first cancer of a patient.",
    key=("tumor_no",),
    columns=(
        tumor_no(),
        patient_no(),
        text("tumor_group", TUMOR_GROUP, nullable=False),
        text("stage", STAGE, nullable=False),
        text("morphology_group", f"Histology, in groups of ICD-O-3. {NOT_TOLD}"),
        text("grade", f"First grade known. {NOT_TOLD}"),
        Column("metastatic_at_dx", "boolean", f"Metastatic at diagnosis. {NOT_TOLD}", sensitivity="none"),
        Column(
            "n_lines",
            "integer",
            f"Lines of drug treatment; 4 stands for four or more. {NOT_TOLD}",
            between=(0, 4),
            sensitivity="none",
        ),
        text(
            "panel",
            "Gene panel of the first sequenced sample, or the genes that all panels share. Empty: not sequenced, or not told.",
        ),
    ),
    reads=(*INDEX, *GENOMICS, "gold.line_of_therapy"),
    references=(OF_PATIENT,),
)
