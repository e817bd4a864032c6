"""What a hospital sends, as declarations: one line a column, one feed a file, one hospital a module."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

from quality.value_sets import VALUE_SETS

Format = Literal["csv", "fixed", "maf", "lines", "parquet"]
Mode = Literal["increment", "snapshot", "cdc"]
Replaces = Literal["key", "all", "year", "parent", "nothing"]
# Why there is no value, as far as a hospital can say it.
NullReason = Literal["unknown", "not_done", "not_applicable", "not_collected"]
# What landing looks for in a column, whatever the column is called and wherever it stands: the birth of which only the month is
# kept, the sex by which people are linked, what somebody objects to, and whether they do.
Role = Literal["birth", "sex", "scope", "opposed"]

LINE = re.compile(
    r"(?P<name>\S+)\s+(?P<type>id|hash64|token|text|code|int|dec|bool|date~?|datetime|int64|double|string|timestamp|instant)"
    r"(?P<required>\s+R)?(?P<key>\s+K)?(?:\s+(?P<role>birth|sex|scope|opposed))?"
    r"(?:\s+>(?P<parent>\w+)(?P<strictness>[!?]))?"
    r"(?:\s+<=\s*(?P<not_after>\w+))?"
    r"(?:\s+when\s+(?P<when>\w+)(?:\s+(?P<sign>=|!=|empty)(?:\s+(?P<value>\S+))?)?)?"
    r"(?:\s+(?P<low>-?\d+)\.\.(?P<high>\d*))?"
    r"(?:\s+=\s+(?P<codes>.+))?(?:\s+~\s+(?P<pattern>\S.*))?"
)
# The columns of a Mutation Annotation Format file (GDC MAF 2.4) up to the reference to what was sequenced.
MAF = r"""
    Hugo_Symbol                 text R
    Entrez_Gene_Id              int
    Center                      text
    NCBI_Build                  code R K = GRCh37 | GRCh38
    Chromosome                  code R K = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17 | 18 | 19 | 20 | 21 | 22 | X | Y | MT
    Start_Position              int  R K
    End_Position                int  R
    Strand                      code
    Variant_Classification      text
    Variant_Type                text
    Reference_Allele            text R K
    Tumor_Seq_Allele1           text
    Tumor_Seq_Allele2           text R K
    Matched_Norm_Sample_Barcode id
    HGVSp_Short                 text
    t_depth                     int
    t_ref_count                 int
    t_alt_count                 int
    n_depth                     int
    n_ref_count                 int
    n_alt_count                 int
    FILTER                      text"""
# What a feed can be called. A closed list: of a feed under another name nobody would know whether its rows are genetic data.
DOMAINS = frozenset(
    [
        "rights", "patient", "patient_link", "identity_merge", "consent",
        "tumour", "event", "tnm", "episode", "episode_link", "condition", "response", "toxicity",
        "line", "drug", "surgery", "procedure", "radiotherapy", "radiotherapy_dose", "trial",
        "lab", "measurement", "biomarker", "sample", "analysis", "variant", "panel", "panel_matrix",
        "visit", "stay", "stay_link", "care_site", "concept", "concept_link",
    ]
)  # fmt: skip
# The feeds whose rows an opposition of less than everything takes away, with the scopes that do.
TAKEN_AWAY = {"sample": ("samples",), "analysis": ("genetics", "samples"), "variant": ("genetics", "samples")}
# The feeds that belong to no patient.
SHARED = frozenset({"panel", "care_site", "concept", "concept_link", "episode_link"})
# Column names that say that a patient could be told by what stands below: a delivery with one of them is quarantined.
IDENTIFYING = frozenset(
    [
        "nom", "nom_naissance", "nom_patient", "prenom", "prenom_patient", "nir", "ins", "ins_nir", "num_secu", "ipp",
        "adresse", "telephone", "tel", "email", "mail",
        "last_name", "first_name", "family_name", "given_name", "ssn", "address", "phone",
    ]
)  # fmt: skip
# A hospital's code: part of file names and of table names. In delivery ids it stands in capitals.
CENTER = r"[a-z][a-z0-9]{1,19}"
TEXT_TYPES = frozenset({"text", "id", "code", "string"})
TIME_TYPES = frozenset({"date", "date~", "datetime", "timestamp", "instant"})
NUMBER_TYPES = frozenset({"int", "int64", "dec", "double"})


@dataclass(frozen=True)
class Condition:
    """When a column is required: `column` is filled, is empty, has `value`, or has another one."""

    column: str
    test: Literal["filled", "empty", "is", "is_not"]
    value: str | None = None


@dataclass(frozen=True)
class Column:
    """A column as the contract with the hospital lays it down."""

    name: str
    type: str
    required: bool = False
    key: bool = False
    role: Role | None = None
    parent: str | None = None
    strict: bool = False
    not_after: str | None = None
    required_when: Condition | None = None
    low: int | None = None
    high: int | None = None
    codes: tuple[str, ...] = ()
    pattern: str | None = None

    @property
    def birth(self) -> bool:
        """True for a date of birth: only its month is kept."""
        return self.role == "birth"

    @property
    def is_time(self) -> bool:
        """True for days and moments."""
        return self.type in TIME_TYPES

    @property
    def is_text(self) -> bool:
        """True where an identifier could hide, so where landing searches for one."""
        return self.type in TEXT_TYPES


@dataclass(frozen=True)
class Validation:
    """Rows whose `column` is not `value` are set aside as not validated; `only` says for which rows this is asked."""

    column: str
    value: str
    only: Condition | None = None


VALIDATION = re.compile(r"(?P<column>\w+) = (?P<value>\S+)(?: when (?P<when>\w+) = (?P<is>\S+))?")


def column(line: str) -> Column:
    """The column that one line of a feed declares; ValueError names the line that cannot be read."""
    found = LINE.fullmatch(line.strip())
    if found is None:
        raise ValueError(f"expected 'NAME type [R] [K] …', found {line.strip()!r}: see CONTRIBUTING, 'Add a hospital'")
    part = found.groupdict()
    return Column(
        name=part["name"],
        type=part["type"],
        required=bool(part["required"]),
        key=bool(part["key"]),
        role=_role(part["role"]),
        parent=part["parent"],
        strict=part["strictness"] == "!",
        not_after=part["not_after"],
        required_when=_condition(part),
        low=int(part["low"]) if part["low"] else None,
        high=int(part["high"]) if part["high"] else None,
        codes=tuple(code.strip() for code in part["codes"].split("|")) if part["codes"] else (),
        pattern=part["pattern"],
    )


def _role(marked: str | None) -> Role | None:
    return next((role for role in get_args(Role) if role == marked), None)


def _condition(part: dict[str, str | None]) -> Condition | None:
    if part["when"] is None:
        return None
    test: dict[str | None, Literal["filled", "empty", "is", "is_not"]] = {
        None: "filled",
        "empty": "empty",
        "=": "is",
        "!=": "is_not",
    }
    return Condition(part["when"], test[part["sign"]], part["value"])


@dataclass(frozen=True)
class Feed:
    """One kind of file of one hospital.

    `replaces` says what a delivered file does to what was there: `key` new versions of its keys, `all` the whole
    domain, `year` the year named by the file, `parent` all rows of every parent that occurs in it, `nothing` it only appends.
    `core` feeds are in every snapshot; of other modes `Hospital.always` says what every delivery brings.
    `counted` is False for files without a silver row of their own, whose orphans nobody waits for.
    """

    domain: str
    file: str
    lines: str
    core: bool = True
    member: bool = False
    format: Format = "csv"
    replaces: Replaces = "key"
    versions: tuple[str, ...] = ("1",)
    only_from: dict[str, str] = field(default_factory=dict)
    counted: bool = True
    encoding: str = "utf-8"
    delimiter: str = ","
    # "STATUS = VALID [when KIND = LAB]": the only rows that count as results.
    validated: str | None = None

    @cached_property
    def validation(self) -> Validation | None:
        """What `validated` says, None where every row counts."""
        if self.validated is None:
            return None
        found = VALIDATION.fullmatch(self.validated)
        if found is None:
            raise ValueError(f"expected 'COLUMN = VALUE [when COLUMN = VALUE]', found {self.validated!r}")
        return Validation(found["column"], found["value"], Condition(found["when"], "is", found["is"]) if found["when"] else None)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return tuple(column(line) for line in self.lines.strip().splitlines())

    @cached_property
    def key(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.key)

    @cached_property
    def patient(self) -> str | None:
        """The column that names the patient of a row, None where the patient is that of the parent."""
        own = [
            c.name for c in self.columns if c.parent == "patient" or (c.type == "hash64" and (c.key or self.domain == "rights"))
        ]
        return own[0] if own else None

    def having(self, role: Role) -> list[Column]:
        """The columns that are marked as having a role: where landing looks for one, a declaration without exactly one is refused."""
        return [column for column in self.columns if column.role == role]

    @cached_property
    def strict_parents(self) -> tuple[Column, ...]:
        """References that must resolve for a row to be current, the patient aside."""
        return tuple(c for c in self.columns if c.strict and c.parent != "patient")

    def __getitem__(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    def expected(self, version: str) -> tuple[Column, ...]:
        """The columns of a schema version: some came only with a later one."""
        return tuple(c for c in self.columns if c.name not in self.only_from or version >= self.only_from[c.name])


@dataclass(frozen=True)
class Hospital:
    """A hospital: who it is, how it sends, what its codes become in silver (`{silver column: {its code: our value}}`)."""

    center: str
    name: str
    finess: str
    mode: Mode
    model: str
    feeds: tuple[Feed, ...]
    codes: dict[str, dict[str, str]]
    # As its page and silver.ref_center say: CLCC, CHU, …
    center_type: str
    # The archive that holds the feeds marked `member`, and the domain by which manifests call it.
    archive: str | None = None
    archive_domain: str = "archive"
    # What stands for "no value" in its files, and why there is none.
    nulls: dict[str, NullReason] = field(default_factory=dict)
    null_dates: tuple[str, ...] = ()
    # The column that says when a version was made, and the one (with its value) that says a row is deleted.
    version_column: str | None = None
    deleted_when: tuple[str, str] | None = None
    # How its text files write values.
    date_format: str = "%Y-%m-%d"
    decimal_comma: bool = False
    true_values: tuple[str, ...] = ("true", "1")
    false_values: tuple[str, ...] = ("false", "0")
    # Typing errors it is known for, repaired where a code is refused as sent and accepted once repaired: (expression, replacement).
    repairs: tuple[tuple[str, str], ...] = ()
    # Dates whose day means nothing, because the hospital always writes the same one.
    month_dates: tuple[str, ...] = ()
    # Domains that every full delivery declares, besides the core ones of a snapshot.
    always: tuple[str, ...] = ()
    # The date that stands for "deceased, we do not know when".
    unknown_death: str | None = None

    def __post_init__(self) -> None:
        """ValueError for a declaration that could not work."""
        # The mistakes are told of these classes, so they are imported after them.
        from jobs.hospitals._mistakes import mistakes

        for mistake in mistakes(self):
            raise ValueError(f"hospital {self.center}: expected {mistake}")

    def means(self, column: str) -> Mapping[str, str]:
        """What the codes of a silver column mean; a hospital that declares none for it sends our values themselves."""
        return self.codes.get(column) or {value: value for value in VALUE_SETS[column]}

    def feed(self, domain: str) -> Feed:
        """The feed of a domain; KeyError where the hospital has none."""
        for each in self.feeds:
            if each.domain == domain:
                return each
        raise KeyError(f"{self.center} declares no feed {domain}")

    @property
    def required(self) -> frozenset[str]:
        """The domains that every full delivery must declare; of rights gate 9 asks more."""
        core = {feed.domain for feed in self.feeds if feed.core} if self.mode == "snapshot" else set()
        return frozenset(core | {"rights"} | set(self.always))

    @property
    def newest_event_wins(self) -> bool:
        """True where the event time inside a row decides between versions, whatever delivery carried it."""
        return self.mode == "cdc"
