"""A row is a sample in the biobank, or what was derived from one."""

from quality.contract import Column, Reference, Table
from quality.contracts.silver._common import (
    OF_PERSON,
    OF_TUMOR,
    PERSON_ID,
    TOPOGRAPHY,
    VOLATILE,
    coded_columns,
    dated_columns,
    flagged,
    id_column,
    silver_columns,
    spelled,
    tumor_id,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="specimen",
    grain="One sample or derivative.",
    key=("specimen_id",),
    columns=silver_columns(
        id_column("specimen_id", "The sample."),
        id_column("parent_id", "The sample it was derived from; null where it was taken from the patient.", nullable=True),
        id_column("root_id", "The sample taken from the patient at the head of its chain; itself where nothing was derived."),
        PERSON_ID,
        tumor_id(),
        Column("accession", "string", "The hospital's own number of the sample.", sensitivity="identifier"),
        *coded_columns("type", "What it is made of.", "specimen.type"),
        *coded_columns("origin", "Tumour or normal tissue.", "specimen.origin"),
        Column(
            "topography",
            "string",
            "Site it was taken from.",
            code_system="ICD-O-3 topography",
            sensitivity="sensitive",
        ),
        *dated_columns("collected_at", "When it was taken, civil time; midnight where only the day is known."),
        *coded_columns("storage", "How cold it is kept.", "specimen.storage"),
        Column("quantity", "double", "How much there is, in unit.", sensitivity="none"),
        *coded_columns("unit", "Unit of the quantity, in UCUM.", "specimen.unit", sensitivity="none"),
        Column("cellularity", "integer", "Share of tumour cells.", between=(0, 100), unit="%", sensitivity="sensitive"),
        Column("sprec", "string", "SPREC code of how it was handled, as sent (gr).", code_system="SPREC", sensitivity="none"),
        *coded_columns("availability", "Whether it can be asked for (gr).", "specimen.availability", sensitivity="none"),
        Column("use_conditions", "array<string>", "Conditions of its use; no hospital says so yet.", sensitivity="none"),
        Column("genetic_consent", "boolean", "Consent to genetic research on it.", sensitivity="sensitive"),
    ),
    rules=(
        spelled("TOPOGRAPHY_MISSPELLED", "topography", TOPOGRAPHY, "A code of another form is in no list."),
        flagged("SAMPLE_BEFORE_BIRTH", earlier("collected_at", "person.birth_date"), "A sample follows birth."),
        flagged("SAMPLE_AFTER_DEATH", earlier("person.death_date", "collected_at"), "A sample precedes death, autopsies aside."),
        flagged("QUANTITY_WITHOUT_UNIT", "quantity IS NOT NULL AND unit IS NULL", "A quantity without its unit says nothing."),
    ),
    references=(
        OF_PERSON,
        OF_TUMOR,
        Reference("parent_id", "specimen", "specimen_id"),
        Reference("root_id", "specimen", "specimen_id"),
    ),
    volatile=VOLATILE,
    hidden_by=("all", "samples"),
)
