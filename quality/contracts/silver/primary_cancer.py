"""A row is a primary cancer of a patient, as a hospital declared it or (aphp) as its diagnosis codes imply it."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
    ICD10,
    MORPHOLOGY,
    OF_PERSON,
    PERSON_ID,
    TOPOGRAPHY,
    VOLATILE,
    coded_columns,
    dated_columns,
    flagged,
    silver_columns,
    spelled,
    tumor_id,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="primary_cancer",
    grain="One primary cancer of one patient.",
    key=("tumor_id",),
    columns=silver_columns(
        tumor_id("The primary cancer.", nullable=False),
        PERSON_ID,
        Column(
            "cancer_order", "integer", "Its rank among the cancers of the patient (gr).", between=(1, 9), sensitivity="sensitive"
        ),
        *dated_columns("dx_date", "Date of diagnosis."),
        *coded_columns("dx_basis", "What the diagnosis rests on.", "primary_cancer.dx_basis"),
        Column(
            "icd10",
            "string",
            "ICD-10 code of the cancer, with its dot.",
            matches=ICD10,
            code_system="ICD-10",
            sensitivity="sensitive",
        ),
        Column(
            "topography",
            "string",
            "Site of the cancer.",
            code_system="ICD-O-3 topography",
            sensitivity="sensitive",
        ),
        Column(
            "morphology",
            "string",
            "Histology and behaviour of the cancer.",
            code_system="ICD-O-3 morphology",
            sensitivity="sensitive",
        ),
        *coded_columns("behaviour", "Behaviour: the digit after the stroke of the morphology.", "primary_cancer.behaviour"),
        Column(
            "adicap",
            "string",
            "ADICAP code of the pathologist (gr), 8 characters.",
            code_system="ADICAP",
            sensitivity="sensitive",
        ),
        *coded_columns("laterality", "Side of the body.", "primary_cancer.laterality"),
        Column(
            "tumor_group",
            "string",
            "Group of sites used in reports; null until a list of groups is chosen.",
            sensitivity="sensitive",
        ),
        Column("de_novo_metastatic", "boolean", "Metastatic at diagnosis (gr).", sensitivity="sensitive"),
        Column("in_center_dx", "boolean", "Diagnosed in this hospital (gr).", sensitivity="sensitive"),
        Column("in_center_care", "boolean", "Treated in this hospital; no hospital says so yet.", sensitivity="sensitive"),
        Column(
            "inferred",
            "boolean",
            "True where diagnosis codes imply the cancer and nobody declared it.",
            nullable=False,
            sensitivity="none",
        ),
        Column("inferred_rule", "string", "The rule that inferred it; null on declared cancers.", sensitivity="none"),
    ),
    rules=(
        spelled("TOPOGRAPHY_MISSPELLED", "topography", TOPOGRAPHY, "A code of another form is in no list."),
        spelled("MORPHOLOGY_MISSPELLED", "morphology", MORPHOLOGY, "A code of another form is in no list."),
        flagged("DX_BEFORE_BIRTH", earlier("dx_date", "person.birth_date"), "A diagnosis follows birth."),
        flagged("DX_AFTER_DEATH", earlier("person.death_date", "dx_date"), "A diagnosis precedes death, autopsies aside."),
        flagged(
            "SECONDARY_AS_PRIMARY",
            # C77 is a lymph node: the right site of a lymphoma, and of no other primary.
            "icd10 RLIKE '^C7[789]' OR (topography RLIKE '^C7[789]' AND NOT coalesce(morphology, '') RLIKE '^9(59|[6-9])')",
            "C77 to C79 are metastases, not primaries.",
        ),
        flagged("BEHAVIOUR_NOT_PRIMARY", "behaviour <> '3'", "A primary cancer is malignant: behaviour 3."),
    ),
    references=(OF_PERSON,),
    volatile=VOLATILE,
)
