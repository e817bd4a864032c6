"""biomarker_status: what is known of the markers of a tumour."""

from quality.contract import Column, Reference
from quality.contracts.gold._common import center, count, patient_id, product, tumor_id

SAME_DAY = "of several on one day a definite one before an equivocal one, positive before negative"


def _test(which: str) -> tuple[Column, ...]:
    return (
        Column(
            f"{which}_result",
            "string",
            f"Result of the {which} test, as the source judges it; {SAME_DAY}.",
            sensitivity="sensitive",
        ),
        Column(
            f"{which}_test_date",
            "date",
            f"Day of the {which} test; a test without date counts as the earliest.",
            sensitivity="quasi",
        ),
        Column(f"{which}_value", "double", f"Measured value of the {which} test, in {which}_unit.", sensitivity="sensitive"),
        Column(f"{which}_unit", "string", f"Unit of the {which} value as sent.", sensitivity="none"),
        Column(f"{which}_method", "string", f"How the {which} test was made.", sensitivity="none"),
    )


TABLE = product(
    name="biomarker_status",
    grain="A marker of a tumour: one that was tested, or whose genes a panel of the tumour covers.",
    key=("tumor_id", "marker"),
    columns=(
        tumor_id(),
        patient_id(),
        center(),
        Column("marker", "string", "What was looked for (silver.biomarker).", nullable=False, sensitivity="sensitive"),
        Column("ever_tested", "boolean", "There is a marker test, of whatever outcome.", nullable=False, sensitivity="sensitive"),
        count("n_tests", "Marker tests."),
        *_test("first"),
        *_test("last"),
        Column(
            "last_specimen_id",
            "string",
            "The sample of the last test, where known and not gone since: who opposes the use of samples has none.",
            sensitivity="identifier",
        ),
        Column(
            "first_known_result",
            "string",
            "First definite result (positive or negative), else equivocal where a test was; null where none had a result.",
            one_of=("positive", "negative", "equivocal"),
            sensitivity="sensitive",
        ),
        Column("first_known_value", "double", "First value measured, in first_known_unit.", sensitivity="sensitive"),
        Column("first_known_unit", "string", "Unit of that value as sent.", sensitivity="none"),
        Column(
            "is_positive",
            "boolean",
            "The last definite result was positive; null without one. Of definite results of one day a positive one counts.",
            sensitivity="sensitive",
        ),
        Column("definition_version", "string", "The definition behind is_positive.", nullable=False, sensitivity="none"),
        Column(
            "tested_in_panel",
            "boolean",
            "A panel of a sample of the tumour covers a gene of the marker.",
            False,
            sensitivity="sensitive",
        ),
        Column(
            "altered_in_panel",
            "boolean",
            "A variant was called in such a gene; null where none is covered.",
            sensitivity="sensitive",
        ),
    ),
    reads=(
        "silver.biomarker",
        "silver.primary_cancer",
        "silver.person",
        "silver.specimen",
        "silver.molecular_analysis",
        "silver.panel_gene",
        "silver.variant",
    ),
    references=(Reference("tumor_id", "primary_cancer", "tumor_id"), Reference("last_specimen_id", "specimen", "specimen_id")),
)
