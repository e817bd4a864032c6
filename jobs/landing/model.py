"""What the gates of landing hand to each other: a manifest that was read, findings, staged files, a judgement."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from jobs.hospitals.feed import Feed, Hospital

Outcome = Literal["accepted", "duplicate", "rejected", "quarantined", "held"]


@dataclass(frozen=True)
class Finding:
    """Something a gate found: its number (5.5 for archive members), the reason code, where, and one sentence. Never a value."""

    gate: float
    code: str
    sentence: str
    file: str | None = None
    row: int | None = None
    column: str | None = None


@dataclass(frozen=True)
class DeclaredFile:
    """An entry of `files` or `members` in a manifest."""

    path: str
    domain: str
    rows: int
    bytes: int
    sha256: str
    schema_id: str
    format: str | None = None
    encoding: str | None = None
    compression: str | None = None
    uncompressed_bytes: int | None = None
    members: tuple["DeclaredFile", ...] = ()


@dataclass(frozen=True)
class Manifest:
    """A manifest that passed gate 1."""

    folder: Path
    delivery_id: str
    center: str
    created_at: datetime
    window_from: date | None
    window_to: date
    content: Literal["full", "rights_only"]
    key_id: str
    pseudonym_key_id: str
    previous: str | None
    replaces: str | None
    rights_path: str
    n_opposed: int
    files: tuple[DeclaredFile, ...]
    # SHA-256 of the canonical body (signature left out): the same manifest again is a duplicate.
    canonical_sha256: str
    body: dict[str, Any] = field(repr=False)


@dataclass
class StagedFile:
    """A file (or archive member) that was read once: its rows wait as Parquet in bronze layout, plus `_parents`, `_inherits`, `_group_id`
    (as in bronze/record) and, in patient and patient_link feeds, `_token_key` (keyed link token), `_sex` and `_birth_month` ('YYYY-MM').

    `late_reasons` holds what only the whole file could tell (DUPLICATE_KEY by row number). `faults` lists the first,
    `more_faults` counts the others.
    """

    path: str
    feed: Feed
    rows: int
    parquet: Path
    group_id: str | None = None
    set_aside: dict[str, int] = field(default_factory=dict)
    faults: list[Finding] = field(default_factory=list)
    late_reasons: dict[int, str] = field(default_factory=dict)
    more_faults: int = 0
    # Rows of people who were erased: they are not in the staged file any more.
    erased: int = 0

    def columns_at_fault(self) -> dict[int, list[str]]:
        """The columns that `faults` name, by row number."""
        columns: dict[int, list[str]] = {}
        for fault in self.faults:
            if fault.row is not None and fault.column:
                columns.setdefault(fault.row, []).append(fault.column)
        return columns


@dataclass
class Judgement:
    """What gates 1, 2 and 4–9 say of a delivery; `findings` are those of the first failing gate, in order of file."""

    delivery_id: str | None
    center: str | None
    manifest: Manifest | None
    hospital: Hospital | None
    findings: list[Finding] = field(default_factory=list)
    warnings: dict[str, list[Finding]] = field(default_factory=dict)
    files: list[StagedFile] = field(default_factory=list)
    # Only the first of each code in a file are listed above: how many more of `findings` there are, and of each warning.
    more_findings: int = 0
    more_warnings: Counter[str] = field(default_factory=Counter)

    @property
    def reason_codes(self) -> list[str]:
        return sorted({finding.code for finding in self.findings})

    @property
    def outcome(self) -> Outcome:
        """`accepted` when nothing was found: the gates that need the lake come after."""
        if not self.findings:
            return "accepted"
        return "quarantined" if any(f.code == "IDENTIFIER_FOUND" for f in self.findings) else "rejected"

    def warn(self, code: str, findings: Iterable[Finding] = ()) -> None:
        """Note a warning once, with where it was seen."""
        self.warnings.setdefault(code, []).extend(findings)

    def staged(self, domain: str) -> Iterator[StagedFile]:
        """The staged files of a domain."""
        return (each for each in self.files if each.feed.domain == domain)
