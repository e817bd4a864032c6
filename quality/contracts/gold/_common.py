"""What every gold row carries beside its own columns."""

from quality.contract import Column, Reference, Rule, Table

# They say how a row was made, not what is known about the patient.
VOLATILE = ("gold_version", "inputs")
PRECISIONS = ("day", "month", "year")

STAMP = (
    Column(
        "as_of_date",
        "date",
        "The latest day on which a hospital said something that the table was made from.",
        nullable=False,
        sensitivity="none",
    ),
    Column("gold_version", "string", "The build that made the row.", nullable=False, sensitivity="none"),
    Column(
        "inputs",
        "array<string>",
        "The tables it was made from, each with its version, and the digest of its rules (recipe).",
        nullable=False,
        sensitivity="none",
    ),
)


def product(
    name: str,
    grain: str,
    key: tuple[str, ...],
    columns: tuple[Column, ...],
    reads: tuple[str, ...],
    rules: tuple[Rule, ...] = (),
    references: tuple[Reference, ...] = (),
) -> Table:
    """A gold table: its own columns, then the stamp."""
    return Table("gold", name, grain, key, (*columns, *STAMP), reads, rules, references, VOLATILE)


def patient_id() -> Column:
    """The patient of a row: one for all hospitals that follow them."""
    return Column("patient_id", "string", "The patient, one over all hospitals.", nullable=False, sensitivity="identifier")


def tumor_id(nullable: bool = False) -> Column:
    """The tumour of a row."""
    meaning = "The tumour, as one hospital knows it (`silver.primary_cancer`)."
    return Column("tumor_id", "string", meaning, nullable=nullable, sensitivity="identifier")


def center() -> Column:
    """The hospital of a row."""
    return Column("center", "string", "The hospital that sent the facts.", nullable=False, sensitivity="quasi")


def dated(name: str, meaning: str) -> tuple[Column, Column]:
    """A date and how much of it is known."""
    return (
        Column(name, "date", meaning, sensitivity="quasi"),
        Column(f"{name}_precision", "string", f"How much of {name} is known.", one_of=PRECISIONS, sensitivity="none"),
    )


def share(name: str, meaning: str, nullable: bool = True) -> Column:
    """A share between 0 and 1."""
    return Column(name, "double", meaning, nullable=nullable, between=(0, 1), sensitivity="none")


def count(name: str, meaning: str) -> Column:
    """A number of rows, samples or people."""
    return Column(name, "long", meaning, nullable=False, between=(0, None), sensitivity="none")


def ordered(earlier: str, later: str, why: str) -> Rule:
    """`later` is not before `earlier` where both are known."""
    arguments = (("column_A", later), ("column_B", earlier), ("or_equal", True))
    return Rule("ExpectColumnPairValuesAToBeGreaterThanB", "critical", why, arguments)
