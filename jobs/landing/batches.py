"""One file's batches, judged and staged: its schema, identifiers, row checks, and what is to be told of it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from jobs.hospitals.feed import NUMBER_TYPES, TIME_TYPES, Column
from jobs.landing import headers, identifiers, parquet, rss
from jobs.landing.cells import CellReader, Cells, Manner, TypedReader, no_cells
from jobs.landing.dates import Mask, impossible, read_days
from jobs.landing.keys import DUPLICATE, KeyHashes, losers
from jobs.landing.model import Finding, Manifest, StagedFile
from jobs.landing.rows import BAD_CODE, IMPOSSIBLE, NONE, REASONS, SENTENCES, Verdict, judge_rows, unreadable_share
from jobs.landing.stage import Stage, Zones

MOST_FAULTS, MOST_WARNINGS, MOST_FINDINGS = 1000, 100, 100
# From how many filled cells on a column of which more than half cannot be read is one of another type.
ENOUGH = 20
WARNINGS = {
    "VALUE_NULLED": "Expected a value that can be read, found another one: it is empty now.",
    "CODE_REPAIRED": "Expected the code in its usual form, found a known typing error: repaired.",
    "ENCODING_REPAIRED": "Expected text encoded once, found it encoded twice: repaired.",
    "FORMULA_TEXT": "Expected plain text, found one that a spreadsheet would execute: kept, neutralised in every export.",
    "BIRTH_DAY_REMOVED": "Expected the 15th as day of birth, found another day: replaced.",
}


@dataclass
class Said:
    """What is to be told of a file: the first findings and warnings of each code, and how many more there are."""

    path: str
    findings: list[Finding] = field(default_factory=list)
    warnings: dict[str, list[Finding]] = field(default_factory=dict)
    # By gate, and by code.
    more_findings: Counter[float] = field(default_factory=Counter)
    more_warnings: Counter[str] = field(default_factory=Counter)

    def note(self, gate: float, code: str, sentence: str, row: int | None = None, column: str | None = None) -> None:
        if sum(found.code == code for found in self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(gate, code, sentence, self.path, row, column))
        else:
            self.more_findings[gate] += 1

    def warn(self, code: str, sentence: str, row: int | None = None, column: str | None = None) -> None:
        found = self.warnings.setdefault(code, [])
        if len(found) < MOST_WARNINGS:
            found.append(Finding(8, code, sentence, self.path, row, column))
        else:
            self.more_warnings[code] += 1


class FeedFile:
    """A file of a feed (or a member of an archive) while it is read."""

    def __init__(self, manner: Manner, manifest: Manifest, said: Said, version: str, parquet: Path, year: str | None) -> None:
        self.manner, self.said, self.year = manner, said, year
        self.rows = 0
        self.set_aside: dict[str, int] = {}
        self.faults: list[Finding] = []
        self.n_faults = 0
        self._expected = manner.feed.expected(version)
        # What reports, and what bronze call a column.
        self._told: dict[str, str] = {}
        self._kept: dict[str, str] = {}
        self._text, self._typed = CellReader(manner), TypedReader(manner)
        self._keys, self._shares = KeyHashes(), {column.name: [0, 0] for column in manner.feed.columns}
        self._parquet, self._group = parquet, {"all": manner.feed.domain, "year": year}.get(manner.feed.replaces)
        self._stage = Stage(
            parquet, manner, manifest.delivery_id, said.path, created_at=manifest.created_at, group_id=self._group
        )

    def check_columns(self, names: list[str], *, is_known: bool = True) -> None:
        """Gates 7 and 8 for the names of columns."""
        expected = [column.name for column in self._expected]
        self._told, self._kept = headers.told(names, expected), headers.kept(names)
        for name in identifiers.named_like_one(names):
            self.said.note(
                7, "IDENTIFIER_FOUND", "Expected no column with the name of an identifier, found one.", column=name.strip()
            )
        for name in names:
            if identifiers.is_identifier(name, is_code=False):
                self.said.note(7, "IDENTIFIER_FOUND", "Expected names of columns, found an identifier.", column=self._told[name])
        if not is_known:
            return
        added = [name for name in names if name not in expected]
        for name in expected:
            if name not in names:
                what = f"found none, but {len(added)} that nobody knows" if added else "found none"
                self.said.note(8, "SCHEMA_COLUMN_MISSING", f"Expected this column, {what}.", column=name)
        for name in added:
            self.said.warn(
                "SCHEMA_COLUMN_ADDED",
                "Expected declared columns only, found another one: kept, not mapped.",
                column=self._told[name],
            )
        if self.manner.is_maf:
            # Declared behind the columns that every MAF has, sent among them.
            names, expected = ([name for name in each if name != "Tumor_Sample_Barcode"] for each in (names, expected))
        if [name for name in names if name in expected] != [name for name in expected if name in names]:
            self.said.warn(
                "SCHEMA_COLUMN_ORDER", "Expected the columns in the declared order, found another order: read by name."
            )

    def add(self, table: pa.Table) -> None:
        """Judge and stage a batch."""
        names = {column.name for column in self._expected} & set(table.column_names)
        cells = {each.name: self._cells(each, table, names) for each in self.manner.feed.columns}
        sent_too = rss.ZONES if self.manner.feed.format == "fixed" else ()
        others = [name for name in table.column_names if name not in names and name not in sent_too]
        added = {self._kept.get(name, name): self._added(name, table) for name in others}
        zones, acts = self._zones(table)
        verdict = judge_rows(cells, self.manner, table.num_rows)
        if acts is not None:
            self._judge_stay(cells, verdict, acts)
        self._tell(cells, verdict)
        # A delivery that is refused needs no staged rows, and identifiers are not written anywhere.
        if not self.said.findings:
            self._keys.add(self._stage.write(cells, verdict, self.rows + 1, added, zones))
        self.rows += table.num_rows

    def _cells(self, column: Column, table: pa.Table, names: set[str]) -> Cells:
        if column.name not in names:
            return no_cells(column, table.num_rows)
        values = _plain(table[column.name])
        if self.manner.feed.format != "parquet":
            return self._text.text(column, values)
        if not parquet.has_type(column, values.type):
            self._search(parquet.as_text(values), column.name)
            return no_cells(column, table.num_rows)
        if column.type in NUMBER_TYPES:
            return self._typed.numbers(column, values)
        if column.type in TIME_TYPES:
            return self._typed.times(column, values)
        return self._text.text(column, *parquet.valid_strings(values))

    def _added(self, name: str, table: pa.Table) -> pl.Series:
        values = parquet.as_text(_plain(table[name]))
        self._search(values, name)
        return pl.Series(pl.from_arrow(values))

    def _search(self, values: pa.Array, name: str) -> None:
        for at in identifiers.found_in(pl.Series(pl.from_arrow(values)), is_code=False):
            self._found(at, name)

    def _found(self, at: int, name: str) -> None:
        self.said.note(
            7,
            "IDENTIFIER_FOUND",
            "Expected nothing that tells who a patient is, found an identifier.",
            self.rows + int(at) + 1,
            self._told.get(name, name),
        )

    def _zones(self, table: pa.Table) -> tuple[Zones, rss.Acts | None]:
        if self.manner.feed.format != "fixed":
            return Zones(), None
        acts = rss.zones(table, self._act_days)
        sent = {zone: _plain(table[zone]) for zone in rss.ZONES}
        year = pl.Series([int(self.year or 0)]).new_from_index(0, table.num_rows).to_arrow()
        return Zones(sent, {**acts.columns, "YEAR": year}), acts

    def _act_days(self, text: pl.Series) -> tuple[pl.Series, Mask, Mask]:
        days = read_days(text, rss.DATE_FORMAT)
        days = days.set(days.is_in(self.manner.null_days).fill_null(False), None)
        out = impossible(days, self.manner.limits, is_technical=False)
        return days, out, (text.is_not_null() & days.is_null()).to_numpy()

    def _judge_stay(self, cells: dict[str, Cells], verdict: Verdict, acts: rss.Acts) -> None:
        """What only stays are asked: the hospital and year of the file name, the format, entries before exits, days of acts."""
        finess, entry = self.said.path.split(".")[0], cells["DATE_ENTREE"].read
        verdict.blame(_mask(cells["FINESS"].read != finess), BAD_CODE, "FINESS")
        verdict.blame(_mask(cells["VERSION"].read != rss.VERSION), BAD_CODE, "VERSION")
        verdict.blame(_mask(entry.dt.year() != int(self.year or 0)), IMPOSSIBLE, "DATE_ENTREE")
        verdict.blame(_mask(entry > cells["DATE_SORTIE"].read), IMPOSSIBLE, "DATE_ENTREE")
        verdict.blame(acts.impossible, IMPOSSIBLE, "ACTES")
        verdict.flag("VALUE_NULLED:ACTES", acts.unreadable)
        for record, value in acts.texts:
            if identifiers.is_identifier(value, is_code=True):
                self._found(record, "ACTES")

    def _tell(self, cells: dict[str, Cells], verdict: Verdict) -> None:
        for name, found in cells.items():
            if found.identified is not None:
                places = np.flatnonzero(found.identified)
                for at in places[:MOST_FINDINGS]:
                    self._found(int(at), name)
                self.said.more_findings[7] += places[MOST_FINDINGS:].size
            filled, unreadable = unreadable_share(found)
            self._shares[name][0] += filled
            self._shares[name][1] += unreadable
        for flag, where in verdict.flags.items():
            code, _, column = flag.partition(":")
            # The flag of a birth names no column: a feed has one.
            column = column or next((each.name for each in self.manner.feed.having("birth")), "")
            places = np.flatnonzero(where)
            for at in places[:MOST_WARNINGS]:
                self.said.warn(code, WARNINGS[code], self.rows + int(at) + 1, column or None)
            self.said.more_warnings[code] += places[MOST_WARNINGS:].size
        self._count(verdict)

    def _count(self, verdict: Verdict) -> None:
        for reason, number in zip(*np.unique(verdict.reason, return_counts=True), strict=True):
            if reason != NONE:
                self.set_aside[REASONS[reason]] = self.set_aside.get(REASONS[reason], 0) + int(number)
        self.n_faults += sum(int(np.sum(where & (verdict.reason == reason))) for where, reason, _ in verdict.faults)
        for at in np.flatnonzero(verdict.reason != NONE):
            if len(self.faults) >= MOST_FAULTS:
                return
            for column in verdict.columns_at_fault(int(at)):
                self._fault(self.rows + int(at) + 1, REASONS[verdict.reason[at]], column)

    def _fault(self, row: int, reason: str, column: str | None) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Finding(9, reason, SENTENCES[reason], self.said.path, row, column))

    def close(self) -> StagedFile:
        """The staged file, once all batches were added; types of columns and duplicate keys are judged now."""
        self._stage.close()
        for column in self.manner.feed.columns:
            filled, unreadable = self._shares[column.name]
            is_typed = column.type in NUMBER_TYPES | TIME_TYPES | {"bool"} and self.manner.feed.format != "parquet"
            if column.required and is_typed and filled >= ENOUGH and unreadable > filled / 2:
                self.said.note(
                    8,
                    "SCHEMA_TYPE",
                    "Expected values of the column's type, found more than half of them unreadable.",
                    column=column.name,
                )
        late = self._late()
        for row, reason in late.items():
            self.set_aside[reason] = self.set_aside.get(reason, 0) + 1
            self._fault(row, reason, self.manner.feed.key[0])
        self.n_faults += len(late)
        told = (self.set_aside, self.faults, late, self.n_faults - len(self.faults))
        return StagedFile(self.said.path, self.manner.feed, self.rows, self._parquet, self._group, *told)

    def _late(self) -> dict[int, str]:
        if self.said.findings or self.manner.feed.domain == "rights":
            return {}
        return losers(self._parquet, self._keys.repeated(), by_event=self.manner.hospital.newest_event_wins)


def _plain(values: pa.ChunkedArray) -> pa.Array:
    if values.num_chunks == 1:
        return values.chunk(0)
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)


def _mask(truth: Any) -> Mask:
    found: Mask = truth.fill_null(False).to_numpy()
    return found


__all__ = ["DUPLICATE", "FeedFile", "Said"]
