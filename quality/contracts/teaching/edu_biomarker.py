"""edu_biomarker: results of marker tests."""

from quality.contracts.teaching._common import INDEX, OF_PATIENT, OF_TUMOR, patient_no, taught, text, tumor_no

TABLE = taught(
    name="edu_biomarker",
    grain="A marker of a tumour that was tested. A result that too few share has no row: no row is not a negative result.",
    key=("tumor_no", "marker"),
    columns=(
        tumor_no(),
        patient_no(),
        text("marker", "What was looked for.", nullable=False),
        text(
            "result",
            "The first definite result, else equivocal.",
            nullable=False,
            one_of=("positive", "negative", "equivocal"),
        ),
    ),
    reads=(*INDEX, "gold.biomarker_status"),
    references=(OF_PATIENT, OF_TUMOR),
)
