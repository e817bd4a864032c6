"""What every silver row carries beside its own columns."""

from quality.contract import Column, Reference, Rule, Sensitivity, Type
from quality.value_sets import VALUE_SETS

TOPOGRAPHY = r"^C[0-9]{2}(\.[0-9])?$"
MORPHOLOGY = r"^[0-9]{4}/[01236]$"
ICD10 = r"^[A-Z][0-9]{2}(\.[0-9A-Z+]{1,5})?$"
CCAM = r"^[A-Z]{4}[0-9]{3}$"
# Why a value is missing, where it is. Null here: the hospital sent something that could not be read or is not in the value set.
NULL_REASONS = ("unknown", "not_done", "not_applicable", "masked", "not_collected")
PRECISIONS = ("day", "month", "year")

# Not part of the content: they say when a row was written, not what a hospital said.
VOLATILE = ("ingested_at", "load_id", "valid_to")

COMMON = (
    Column("center", "string", "The hospital that sent the row.", nullable=False, sensitivity="quasi"),
    Column("delivery_id", "string", "The delivery that brought this version.", nullable=False, sensitivity="none"),
    Column(
        "source_file",
        "string",
        "The file of that delivery, as its manifest names it (curie: the archive member).",
        nullable=False,
        sensitivity="none",
    ),
    Column("source_row_no", "long", "The 1-based data record in that file, header excluded.", nullable=False, sensitivity="none"),
    Column(
        "source_key",
        "string",
        "The key of the row at the hospital, a patient id in it replaced by the person_id.",
        nullable=False,
        sensitivity="identifier",
    ),
    Column(
        "row_hash", "string", "SHA-256 of the row's content; another hash is another version.", nullable=False, sensitivity="none"
    ),
    Column("ingested_at", "timestamp", "When this version was published (UTC).", nullable=False, sensitivity="none"),
    Column(
        "valid_from",
        "timestamp",
        "Since when the hospital says so: its version date, else the delivery's creation (UTC).",
        nullable=False,
        sensitivity="none",
    ),
    Column(
        "valid_to",
        "timestamp",
        "When a later pass replaced or deleted this version (UTC); null while current.",
        sensitivity="none",
    ),
    Column("is_current", "boolean", "True for the version that counts.", nullable=False, sensitivity="none"),
    Column(
        "is_deleted",
        "boolean",
        "True where the row was deleted, by its hospital or with its parent.",
        nullable=False,
        sensitivity="none",
    ),
    Column("dq_flags", "array<string>", "What is odd about the row without refusing it.", nullable=False, sensitivity="none"),
    Column("load_id", "long", "The pass that published this version (`ops.load_process`).", nullable=False, sensitivity="none"),
)


def silver_columns(*own: Column) -> tuple[Column, ...]:
    """The columns of a silver table: its own first, then the common ones."""
    return (*own, *COMMON)


def coded_columns(
    name: str, meaning: str, value_set: str, *, nullable: bool = True, sensitivity: Sensitivity = "sensitive"
) -> tuple[Column, ...]:
    """The conformed value, the code as sent, why there is none and, where the value set has standard codes, code and system."""
    values = VALUE_SETS[value_set]
    columns = (
        Column(name, "string", meaning, nullable=nullable, one_of=tuple(values), sensitivity=sensitivity),
        Column(f"{name}_source_value", "string", f"What the hospital sent for {name}, untouched.", sensitivity=sensitivity),
        Column(f"{name}_null_reason", "string", f"Why {name} is missing.", one_of=NULL_REASONS, sensitivity="none"),
    )
    if not any(value.code for value in values.values()):
        return columns
    return (
        *columns,
        Column(f"{name}_code", "string", f"The standard code of {name}, else the code of the hospital.", sensitivity=sensitivity),
        Column(f"{name}_system", "string", f"The system that {name}_code belongs to.", sensitivity="none"),
    )


def dated_columns(name: str, meaning: str, *, nullable: bool = True, sensitivity: Sensitivity = "quasi") -> tuple[Column, Column]:
    """A date and how precisely it is known: of a month the 15th stands for it, of a year the 1st of July."""
    type_: Type = "date" if name.endswith("_date") else "timestamp"
    return (
        Column(name, type_, meaning, nullable=nullable, sensitivity=sensitivity),
        Column(f"{name}_precision", "string", f"How much of {name} is known.", one_of=PRECISIONS, sensitivity="none"),
    )


PERSON_ID = Column(
    "person_id",
    "string",
    "The patient as this hospital knows them (after identity merges); `master_person_id` in `person` joins hospitals.",
    nullable=False,
    sensitivity="identifier",
)
OF_PERSON = Reference("person_id", "person", "person_id")
OF_TUMOR = Reference("tumor_id", "primary_cancer", "tumor_id")
OF_LINE = Reference("line_id", "treatment_line_src", "line_id")


def after_death(moment: str, grace_days: int = 0) -> str:
    """SQL that is true where a civil time lies after the person's death, or after its month where its day is not known."""
    last_day_alive = "if(person.death_date_precision = 'day', person.death_date, last_day(person.death_date))"
    return f"date({moment}) > date_add({last_day_alive}, {grace_days})"


def id_column(name: str, meaning: str, *, nullable: bool = False) -> Column:
    """The id of a row, or of one it refers to: a hash of center, domain and key."""
    return Column(name, "string", meaning, nullable=nullable, matches="^[0-9a-f]{32}$", sensitivity="identifier")


def tumor_id(meaning: str = "The primary cancer it belongs to, where the hospital says so.", *, nullable: bool = True) -> Column:
    """The tumour of a row."""
    return id_column("tumor_id", meaning, nullable=nullable)


def flagged(flag: str, breach: str, why: str) -> Rule:
    """A warning that a row carries in `dq_flags` where the SQL predicate `breach` is true.

    `person.` and `primary_cancer.` in it stand for the current row that the contract's reference to that table points to.
    """
    return Rule("UnexpectedRowsExpectation", "warning", why, flag=flag, breach=breach)


def in_order(flag: str, first: str, second: str, why: str) -> Rule:
    """A warning where `second` comes before `first`: both days, or both civil times."""
    arguments = (("column_A", second), ("column_B", first), ("or_equal", True))
    return Rule("ExpectColumnPairValuesAToBeGreaterThanB", "warning", why, arguments, flag, f"{second} < {first}")


def within(flag: str, column: str, low: float, high: float, why: str) -> Rule:
    """A warning where a number lies outside its limits."""
    arguments = (("column", column), ("min_value", low), ("max_value", high))
    return Rule("ExpectColumnValuesToBeBetween", "warning", why, arguments, flag, f"NOT {column} BETWEEN {low} AND {high}")


def spelled(flag: str, column: str, pattern: str, why: str) -> Rule:
    """A warning where a code is not spelled like one of its system: for columns that landing does not check."""
    arguments = (("column", column), ("regex", pattern))
    return Rule("ExpectColumnValuesToMatchRegex", "warning", why, arguments, flag, f"NOT {column} RLIKE r'{pattern}'")
