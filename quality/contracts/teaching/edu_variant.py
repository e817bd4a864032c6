"""edu_variant: altered genes."""

from quality.contracts.teaching._common import GENOMICS, INDEX, OF_PATIENT, OF_TUMOR, patient_no, taught, text, tumor_no

TABLE = taught(
    name="edu_variant",
    grain=(
        "A frequent gene that was altered in the first sequenced sample. No row means not altered only where the panel covers the gene "
        "(edu_panel_gene), and for genes that the card names as told of everybody."
    ),
    key=("tumor_no", "gene"),
    columns=(
        tumor_no(),
        patient_no(),
        text("gene", "HGNC symbol.", nullable=False),
        text(
            "effect",
            "The gravest effect on the protein; other: another one, or one that is not told.",
            nullable=False,
            one_of=("missense", "truncating", "inframe", "other"),
        ),
    ),
    reads=(*INDEX, *GENOMICS, "silver.variant", "silver.panel_gene"),
    references=(OF_PATIENT, OF_TUMOR),
)
