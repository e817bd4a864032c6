"""A row is one sequencing of a sample: what was read, with which panel, by which pipeline."""

from quality.contract import Column, Reference, Table
from quality.contracts.silver._common import (
    OF_PERSON,
    PERSON_ID,
    VOLATILE,
    coded_columns,
    dated_columns,
    flagged,
    id_column,
    silver_columns,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="molecular_analysis",
    grain="One omic analysis of one sample.",
    key=("analysis_id",),
    columns=silver_columns(
        id_column("analysis_id", "The analysis."),
        PERSON_ID,
        id_column("specimen_id", "The sample that was sequenced."),
        id_column("matched_normal_id", "The normal sample it was compared with (gr).", nullable=True),
        *coded_columns("protocol", "Whole exome or panel.", "molecular_analysis.protocol"),
        Column("platform", "string", "The machine, as sent (curie).", sensitivity="none"),
        Column(
            "panel_id",
            "string",
            "The panel: a gene outside it (`panel_gene`) was not looked at, so no variant there means nothing.",
            sensitivity="none",
        ),
        Column("pipeline", "string", "The analysis pipeline, as sent.", sensitivity="none"),
        *coded_columns(
            "build", "Reference genome (gr); curie says it on each variant.", "molecular_analysis.build", sensitivity="none"
        ),
        Column(
            "cellularity", "integer", "Share of tumour cells that the algorithm found (curie).", unit="%", sensitivity="sensitive"
        ),
        Column("ploidy", "string", "Ploidy that the algorithm found, as sent (curie).", sensitivity="sensitive"),
        Column("tmb", "double", "Mutations per megabase; no hospital says so yet.", unit="/Mb", sensitivity="sensitive"),
        Column("msi_score", "double", "Score of microsatellite instability; no hospital says so yet.", sensitivity="sensitive"),
        *dated_columns("analysis_date", "When it was done."),
    ),
    rules=(
        flagged("PANEL_MISSING", "panel_id IS NULL", "Without its panel an analysis has no denominator."),
        flagged("ANALYSIS_BEFORE_BIRTH", earlier("analysis_date", "person.birth_date"), "An analysis follows birth."),
    ),
    references=(
        OF_PERSON,
        Reference("specimen_id", "specimen", "specimen_id"),
        Reference("matched_normal_id", "specimen", "specimen_id"),
    ),
    volatile=VOLATILE,
    hidden_by=("all", "genetics", "samples"),
)
