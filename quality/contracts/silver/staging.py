"""A row is one assessment of how far a cancer has spread: TNM, stage group, or both."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
    OF_PERSON,
    OF_TUMOR,
    PERSON_ID,
    VOLATILE,
    coded_columns,
    dated_columns,
    flagged,
    id_column,
    silver_columns,
    tumor_id,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="staging",
    grain="One staging of one primary cancer.",
    key=("staging_id",),
    columns=silver_columns(
        id_column("staging_id", "The staging."),
        PERSON_ID,
        tumor_id(),
        *dated_columns("staging_date", "When it was staged; the diagnosis date where the hospital stages on the tumour itself."),
        *coded_columns(
            "classification", "Clinical, pathological, after treatment, recurrence or imaging.", "staging.classification"
        ),
        Column(
            "edition",
            "string",
            "Edition of the TNM (a number), or year of the FIGO classification; null for aphp.",
            code_system="UICC TNM",
            sensitivity="none",
        ),
        Column(
            "t",
            "string",
            "Extent of the tumour: T2a, TX; no c, p, y, r or u in front.",
            code_system="UICC TNM",
            sensitivity="sensitive",
        ),
        Column("n", "string", "Lymph nodes: N1mi, N0 (i-).", code_system="UICC TNM", sensitivity="sensitive"),
        Column("m", "string", "Distant metastasis: M0, MX.", code_system="UICC TNM", sensitivity="sensitive"),
        Column("stage_group", "string", "Stage group as the hospital sent it: IIA, IVB.", sensitivity="sensitive"),
        Column("other_system", "string", "Name of another staging system (FIGO).", sensitivity="sensitive"),
        Column("other_value", "string", "Its value.", sensitivity="sensitive"),
    ),
    rules=(
        flagged(
            "TNM_INCOMPLETE",
            "(t IS NULL OR n IS NULL OR m IS NULL) AND (t IS NOT NULL OR n IS NOT NULL OR m IS NOT NULL)",
            "T, N and M are stated together.",
        ),
        flagged(
            "EDITION_MISSING",
            "edition IS NULL AND (t IS NOT NULL OR n IS NOT NULL OR m IS NOT NULL)",
            "T, N and M mean what their edition says.",
        ),
        flagged("STAGED_AFTER_DEATH", earlier("person.death_date", "staging_date"), "The living are staged."),
    ),
    references=(OF_PERSON, OF_TUMOR),
    volatile=VOLATILE,
)
