"""tumor_summary: what the tumours are."""

from quality.contract import Column, Reference
from quality.contracts.gold._common import center, dated, patient_id, product, tumor_id

MARKERS = {
    "er": "oestrogen receptor",
    "pr": "progesterone receptor",
    "her2": "HER2",
    "ki67": "Ki-67",
    "pdl1_tps": "PD-L1 (tumour proportion score)",
    "msi": "microsatellite instability",
    "mmr": "mismatch repair proteins",
    "alk": "ALK",
    "braf": "BRAF",
    "egfr": "EGFR",
    "idh1": "IDH1",
    "kras": "KRAS",
    "nras_kras": "NRAS or KRAS",
}


def _count(name: str, meaning: str) -> Column:
    return Column(name, "integer", meaning, nullable=False, between=(0, None), sensitivity="sensitive")


def _text(name: str, meaning: str, code_system: str | None = None) -> Column:
    return Column(name, "string", meaning, code_system=code_system, sensitivity="sensitive")


def _percent(name: str, meaning: str) -> Column:
    return Column(name, "double", meaning, unit="%", sensitivity="sensitive")


TABLE = product(
    name="tumor_summary",
    grain="A primary cancer as one hospital knows it, inferred ones too. Two hospitals that treat one cancer have a row each.",
    key=("tumor_id",),
    columns=(
        tumor_id(),
        patient_id(),
        center(),
        Column(
            "tumor_group",
            "string",
            "Group of sites, or of histologies where these decide; other, unknown.",
            False,
            sensitivity="sensitive",
        ),
        _text("icd10", "Diagnosis.", "ICD-10"),
        _text("topography", "Site.", "ICD-O-3 topography"),
        _text("morphology", "Histology.", "ICD-O-3 morphology"),
        _text("behaviour", "Behaviour digit of the morphology."),
        _text("laterality", "Side."),
        Column(
            "inferred",
            "boolean",
            "No hospital declared it: it was read from diagnosis codes.",
            nullable=False,
            sensitivity="none",
        ),
        *dated("dx_date", "Diagnosis."),
        Column("dx_year", "integer", "Year of diagnosis.", sensitivity="quasi"),
        Column("age_dx", "integer", "Full years at diagnosis.", unit="a", sensitivity="quasi"),
        _text("dx_basis", "What the diagnosis rests on."),
        _text(
            "best_stage_dx",
            "Stage group at diagnosis: pathological before clinical, the earliest. Stagings of a recurrence and those dated over "
            "120 days after diagnosis do not count; one without date does.",
        ),
        Column(
            "stage_main",
            "string",
            "0, I, II, III or IV; null where the group is not one of them.",
            one_of=("0", "I", "II", "III", "IV"),
            sensitivity="sensitive",
        ),
        _text("stage_source", "Classification it comes from: p, c, y, u."),
        _text("stage_edition", "TNM edition or FIGO year."),
        _text("t", "T of that assessment."),
        _text("n", "N of that assessment."),
        _text("m", "M of that assessment."),
        _text("grade", "First grade known."),
        _text("grade_system", "System of that grade."),
        Column("performance_status_dx", "integer", "First WHO performance status.", sensitivity="sensitive"),
        Column(
            "de_novo_metastatic",
            "boolean",
            "Metastatic at diagnosis: as declared, else by M (M1 true, M0 false); null where M was not assessed (MX), whatever the stage.",
            sensitivity="sensitive",
        ),
        Column(
            "met_sites",
            "array<string>",
            "Sites of metastases reported as events.",
            False,
            code_system="ICD-O-3 topography",
            sensitivity="sensitive",
        ),
        Column("first_met_date", "date", "First metastasis; the diagnosis where metastatic from the start.", sensitivity="quasi"),
        Column("first_recurrence_date", "date", "First recurrence.", sensitivity="quasi"),
        Column("first_surgery_date", "date", "First operation.", sensitivity="quasi"),
        _text("resection", "Margins of the first operation whose margins are known."),
        Column("rt_any", "boolean", "There was radiotherapy.", nullable=False, sensitivity="sensitive"),
        Column("first_rt_date", "date", "First radiotherapy.", sensitivity="quasi"),
        _count("n_lines", "Lines of drug treatment by the rule of line_of_therapy."),
        _count("n_lines_declared", "Lines of drug treatment as declared."),
        _text("first_regimen", "Drugs of the first derived line."),
        Column("first_drug_date", "date", "Start of the first line, derived or declared.", sensitivity="quasi"),
        *(
            _text(
                name,
                f"First definite result of {meaning}, else equivocal; null where only a value was sent or no test succeeded.",
            )
            for name, meaning in MARKERS.items()
        ),
        *(_percent(f"{name}_value", f"First value of {MARKERS[name]} that is a number.") for name in ("ki67", "pdl1_tps")),
        _count("n_samples_sequenced", "Samples with a molecular analysis."),
        Column(
            "altered_genes",
            "array<string>",
            "Genes with a variant; null where nothing was sequenced.",
            code_system="HGNC",
            sensitivity="sensitive",
        ),
        Column(
            "vital_status",
            "string",
            "Of the patient, over all hospitals.",
            one_of=("alive", "deceased", "unknown"),
            sensitivity="sensitive",
        ),
    ),
    reads=(
        "silver.primary_cancer",
        "silver.person",
        "silver.staging",
        "silver.grade",
        "silver.performance_status",
        "silver.tumor_event",
        "silver.surgery",
        "silver.radiotherapy_course",
        "silver.specimen",
        "silver.molecular_analysis",
        "silver.panel_gene",
        "silver.variant",
        "gold.biomarker_status",
        "gold.line_of_therapy",
    ),
    references=(Reference("tumor_id", "primary_cancer", "tumor_id"),),
)
