"""What teaching tables have in common: numbers of one release only, days in bins, and what a release may not say."""

from quality.contract import Column, Reference, Rule, Table

BINS = "The middle of a bin: a month up to two years, three up to five, then six, or runs of these."
MANY_DAYS = (0, 3650)


def taught(
    name: str,
    grain: str,
    key: tuple[str, ...],
    columns: tuple[Column, ...],
    reads: tuple[str, ...],
    rules: tuple[Rule, ...] = (),
    references: tuple[Reference, ...] = (),
) -> Table:
    """A table of a teaching release."""
    return Table("teaching", name, grain, key, columns, reads, rules, references, hidden_by=("all", "industry"))


def patient_no() -> Column:
    """The patient of a row."""
    return _number("patient_no", "The patient: a number of this release, in random order; nothing leads from it to a hospital.")


def tumor_no() -> Column:
    """The tumour of a row."""
    return _number("tumor_no", "The tumour; a patient has one, the first that was diagnosed.")


def row_no(name: str, what: str) -> Column:
    """A number of a row."""
    return _number(name, f"The {what}: a number of this release.")


def _number(name: str, meaning: str) -> Column:
    return Column(name, "integer", meaning, nullable=False, between=(1, None), sensitivity="none")


def text(name: str, meaning: str, *, nullable: bool = True, one_of: tuple[str, ...] = ()) -> Column:
    """A word, anonymous as it is told."""
    return Column(name, "string", meaning, nullable=nullable, one_of=one_of, sensitivity="none")


def days(name: str, meaning: str, *, nullable: bool = True) -> Column:
    """Days from diagnosis, in bins."""
    return Column(name, "integer", f"{meaning} {BINS}", nullable=nullable, between=MANY_DAYS, unit="d", sensitivity="none")


OF_PATIENT = Reference("patient_no", "teaching.edu_patient", "patient_no")
OF_TUMOR = Reference("tumor_no", "teaching.edu_tumor", "tumor_no")
INDEX = ("gold.patient_summary", "gold.tumor_summary", "gold.endpoint")
GENOMICS = ("gold.sample_catalog", "silver.molecular_analysis")
COARSER = "`*` where the release does not tell it."
TUMOR_GROUP = f"Group of tumours; other: a rare one. Or the organ system. {COARSER}"
STAGE = (
    f"Stage group at diagnosis: 0 to IV where a release tells as much, else early (0–II) or advanced (III–IV); unknown. {COARSER}"
)
NOT_TOLD = "Empty: not known, or not told because too few share it."
