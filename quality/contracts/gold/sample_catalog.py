"""sample_catalog: what is in the biobanks."""

from quality.contract import Column, Reference
from quality.contracts.gold._common import center, count, dated, patient_id, product, tumor_id

TABLE = product(
    name="sample_catalog",
    grain="A sample or what was made from one. Samples of people who oppose the use of samples are not there.",
    key=("specimen_id",),
    columns=(
        Column("specimen_id", "string", "The sample (`silver.specimen`).", nullable=False, sensitivity="identifier"),
        patient_id(),
        tumor_id(nullable=True),
        center(),
        Column("tumor_group", "string", "Group of the tumour it belongs to.", sensitivity="sensitive"),
        Column("type", "string", "Tissue, blood, plasma, DNA, RNA.", sensitivity="none"),
        Column("origin", "string", "From tumour, normal tissue or blood.", sensitivity="none"),
        Column(
            "topography",
            "string",
            "Where it was taken; where that is not said, the site of the tumour.",
            code_system="ICD-O-3",
            sensitivity="sensitive",
        ),
        *dated("collected_date", "When it was taken."),
        Column("days_from_dx", "integer", "Days from diagnosis of the tumour.", unit="d", sensitivity="quasi"),
        Column("parent_id", "string", "The sample it was made from.", sensitivity="identifier"),
        Column("root_id", "string", "The sample at the head of the chain.", sensitivity="identifier"),
        count("n_derived", "Samples made from it directly."),
        Column("storage", "string", "How it is kept.", sensitivity="none"),
        Column("quantity", "double", "How much, in unit.", sensitivity="none"),
        Column("unit", "string", "Unit of quantity.", code_system="UCUM", sensitivity="none"),
        Column("cellularity", "integer", "Share of tumour cells.", unit="%", sensitivity="none"),
        Column("sprec", "string", "SPREC code.", sensitivity="none"),
        Column("availability", "string", "Available, reserved or exhausted, as the biobank says.", sensitivity="none"),
        Column("is_available", "boolean", "Can be asked for; null where the hospital does not say.", sensitivity="none"),
        Column("genetic_consent", "boolean", "Consent to genetic research; null where not known.", sensitivity="sensitive"),
        Column("use_conditions", "array<string>", "Conditions of use.", sensitivity="sensitive"),
        Column(
            "industry_use_opposed",
            "boolean",
            "The patient does not want it used by companies: said at any hospital, in force until it is lifted.",
            nullable=False,
            sensitivity="sensitive",
        ),
        Column("linked_omics", "array<string>", "Kinds of molecular analysis made of it.", nullable=False, sensitivity="none"),
        count("n_analyses", "Molecular analyses made of it."),
    ),
    reads=(
        "silver.specimen",
        "silver.primary_cancer",
        "silver.person",
        "silver.molecular_analysis",
    ),
    references=(Reference("tumor_id", "primary_cancer", "tumor_id"), Reference("specimen_id", "specimen", "specimen_id")),
)
