"""The cells of a column: what was sent becomes what is stored, what is read, and what is wrong with it. Works on distinct values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from jobs.hospitals.feed import TIME_TYPES, Column, Feed, Hospital
from jobs.landing import dates, identifiers
from jobs.landing.dates import Limits, Mask
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.repairs import repair_codes, repair_encoding

OK, EMPTY, UNREADABLE, CODE, RANGE, DATE = range(6)
SPACES = "[ \u00a0\u202f]"
WITH_COMMA = rf"^-?(?:[0-9]+|[0-9]{{1,3}}(?:{SPACES}[0-9]{{3}})+)(?:,[0-9]+)?$"
WITH_POINT = r"^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$"
READ_TYPES = {
    "int": pl.Int64,
    "int64": pl.Int64,
    "dec": pl.Float64,
    "double": pl.Float64,
    "bool": pl.Boolean,
    "date": pl.Date,
    "date~": pl.Date,
    "datetime": dates.MOMENT,
    "timestamp": dates.MOMENT,
    "instant": dates.MOMENT,
}


@dataclass(frozen=True)
class Manner:
    """How the values of a file are written and held against what is possible."""

    hospital: Hospital
    feed: Feed
    limits: Limits
    date_format: str
    pseudonyms: Pseudonyms
    is_cp1252: bool = False
    is_maf: bool = False

    def nulls(self, column: Column) -> list[str]:
        """What stands for no value in this column; what its own list knows is a value."""
        if self.is_maf:
            return ["."]
        if column.key or column.type in ("id", "hash64", "token"):
            return []
        return [null for null in self.hospital.nulls if null not in column.codes]

    def null_days(self) -> list[date]:
        found = (_day(text, form) for text in self.hospital.null_dates for form in (self.hospital.date_format, "%Y-%m-%d"))
        return [day for day in found if day]

    def is_technical(self, column: Column) -> bool:
        return column.type == "instant" or column.name == self.hospital.version_column

    def precision(self, column: Column) -> str:
        return "month" if column.birth or column.name in self.hospital.month_dates else "day"


def _day(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC).date()
    except ValueError:
        return None


@dataclass
class Cells:
    """A column of a batch (or its distinct values, before they are spread over the rows)."""

    column: Column
    sent: pl.Series
    read: pl.Series
    status: Mask
    precision: pl.Series | None = None
    marks: dict[str, Mask] = field(default_factory=dict)
    identified: Mask | None = None

    def mark(self, flag: str, where: Mask) -> None:
        if where.any():
            self.marks[flag] = where

    def spread(self, at: pl.Series) -> "Cells":
        """The same for every row, from the distinct values."""
        index = at.to_numpy()
        return Cells(
            self.column,
            self.sent.gather(at),
            self.read.gather(at),
            self.status[index],
            None if self.precision is None else self.precision.gather(at),
            {flag: where[index] for flag, where in self.marks.items()},
            None if self.identified is None else self.identified[index],
        )


class CellReader:
    """Reads the columns of one file, batch after batch."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        # Columns of which nearly every value is another: looking for distinct ones there costs more than it saves.
        self._diverse: set[str] = set()

    def text(self, column: Column, sent: pa.Array, unreadable: list[int] | None = None) -> Cells:
        """The cells of a text column; `unreadable` rows were no text at all."""
        if column.name in self._diverse or unreadable:
            cells = self._values(column, _series(sent))
            if unreadable:
                cells.status[unreadable] = UNREADABLE
            return _without_wrong(cells)
        encoded = sent.dictionary_encode(null_encoding="encode")
        if len(encoded.dictionary) > 1000 and len(encoded.dictionary) > 0.6 * len(sent):
            self._diverse.add(column.name)
            return _without_wrong(self._values(column, _series(sent)))
        return _without_wrong(self._values(column, _series(encoded.dictionary))).spread(_series(encoded.indices))

    def _values(self, column: Column, sent: pl.Series) -> Cells:
        manner = self.manner
        cells = Cells(column, sent, sent, np.zeros(len(sent), np.uint8))
        text = sent
        if manner.is_cp1252:
            text, repaired = repair_encoding(text)
            cells.mark("ENCODING_REPAIRED", repaired)
        text = text.str.strip_chars()
        if manner.hospital.repairs and (column.codes or column.pattern):
            accepted = lambda values: _is_coded(column, values) | values.is_in(manner.nulls(column)).fill_null(False)  # noqa: E731
            text, repaired = repair_codes(text, manner.hospital.repairs, accepted)
            cells.mark("CODE_REPAIRED", repaired)
        is_null = text.is_null() | (text == "") | text.is_in(manner.nulls(column))
        cells.status[is_null.fill_null(True).to_numpy()] = EMPTY
        self._search(cells)
        filled = text.set(pl.Series(cells.status == EMPTY), None)
        _READERS.get(column.type, _read_text)(cells, filled, manner)
        return cells

    def _search(self, cells: Cells) -> None:
        """Mark where an identifier stands; ids of patients must be pseudonyms."""
        if cells.column.type in ("hash64", "token"):
            trimmed = cells.sent.str.strip_chars()
            at = identifiers.not_pseudonyms(trimmed.set((trimmed == "").fill_null(True), None))
        elif cells.column.is_text:
            at = identifiers.found_in(cells.sent, is_code=cells.column.type in ("id", "code"))
        else:
            return
        if len(at):
            cells.identified = np.zeros(len(cells.sent), bool)
            cells.identified[at] = True


def _series(values: pa.Array) -> pl.Series:
    return pl.Series(pl.from_arrow(values))


def _without_wrong(cells: Cells) -> Cells:
    """What cannot be read, is no code of its list or out of range is not a value."""
    wrong = (cells.status == UNREADABLE) | (cells.status == CODE) | (cells.status == RANGE)
    if wrong.any():
        cells.read = cells.read.set(pl.Series(wrong), None)
        if cells.precision is not None:
            cells.precision = cells.precision.set(pl.Series(wrong), None)
    return cells


def _is_coded(column: Column, values: pl.Series) -> pl.Series:
    """Where a value is in the column's list and matches its expression."""
    if column.codes:
        return values.is_in(list(column.codes)).fill_null(False)
    if column.pattern:
        # \d of this engine takes the digits of every script.
        return values.str.contains(column.pattern.replace(r"\d", "[0-9]")).fill_null(False)
    return pl.Series([True]).new_from_index(0, len(values))


def _read_text(cells: Cells, text: pl.Series, manner: Manner) -> None:
    cells.read = text
    if cells.column.codes or cells.column.pattern:
        cells.status[(~_is_coded(cells.column, text)).to_numpy() & (cells.status == OK)] = CODE
    elif cells.column.is_text:
        # A lone sign is an allele or a strand, nothing a spreadsheet would execute.
        cells.mark("FORMULA_TEXT", text.str.contains("(?s)^[=+@-].").fill_null(False).to_numpy())


def _read_pseudonym(cells: Cells, text: pl.Series, manner: Manner) -> None:
    """Whoever it is, only the person behind the pseudonym goes on: in what is read and in what is stored."""
    if cells.identified is not None:
        text = text.set(pl.Series(cells.identified), None)
    if cells.column.type == "token":
        cells.read = cells.sent = pl.Series(manner.pseudonyms.token_keys(text), dtype=pl.String)
    else:
        cells.read = cells.sent = pl.Series(manner.pseudonyms.persons(manner.hospital.center, text), dtype=pl.String)


def _read_number(cells: Cells, text: pl.Series, manner: Manner) -> None:
    if cells.column.type == "int":
        numbers = text.set(~text.str.contains("^-?[0-9]{1,18}$").fill_null(False), None).cast(pl.Int64, strict=False)
    else:
        shape = WITH_COMMA if manner.hospital.decimal_comma else WITH_POINT
        shaped = text.set(~text.str.contains(shape).fill_null(False), None)
        if manner.hospital.decimal_comma:
            shaped = shaped.str.replace_all(SPACES, "").str.replace(",", ".", literal=True)
        numbers = shaped.cast(pl.Float64, strict=False)
    check_numbers(cells, numbers)


def check_numbers(cells: Cells, numbers: pl.Series) -> None:
    """Take over numbers: those that are none or not finite cannot be read, others may be out of range."""
    finite = numbers.set(~numbers.is_finite().fill_null(True), None) if numbers.dtype == pl.Float64 else numbers
    cells.read = finite
    cells.status[finite.is_null().to_numpy() & (cells.status == OK)] = UNREADABLE
    low, high = cells.column.low, cells.column.high
    if low is not None or high is not None:
        inside = finite.is_between(-np.inf if low is None else low, np.inf if high is None else high).fill_null(True)
        cells.status[~inside.to_numpy()] = RANGE


def _read_bool(cells: Cells, text: pl.Series, manner: Manner) -> None:
    known = dict.fromkeys(manner.hospital.true_values, True) | dict.fromkeys(manner.hospital.false_values, False)
    cells.read = text.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.Boolean)
    cells.status[cells.read.is_null().to_numpy() & (cells.status == OK)] = UNREADABLE


def _read_time(cells: Cells, text: pl.Series, manner: Manner) -> None:
    form = manner.date_format
    if cells.column.type == "date~":
        found, cells.precision = dates.read_partial(text, form)
    elif cells.column.type == "datetime":
        found = dates.read_moments(text, form)
    else:
        found = dates.read_days(text, form)
    cells.status[found.is_null().to_numpy() & (cells.status == OK)] = UNREADABLE
    check_times(cells, found, manner)
    if cells.column.birth:
        _store_birth(cells, form)


def check_times(cells: Cells, found: pl.Series, manner: Manner) -> None:
    """Take over dates: some stand for none, some are impossible; that of a birth loses its day."""
    days = found if found.dtype == pl.Date else found.dt.date()
    is_null = days.is_in(manner.null_days()).fill_null(False).to_numpy() if not cells.column.key else np.zeros(len(days), bool)
    if manner.hospital.unknown_death and manner.feed.domain == "patient" and not cells.column.birth:
        unknown = date.fromisoformat(manner.hospital.unknown_death)
        cells.mark("DEATH_UNKNOWN", (days == unknown).fill_null(False).to_numpy())
    if is_null.any():
        cells.status[is_null] = EMPTY
        found = found.set(pl.Series(is_null), None)
        if cells.precision is not None:
            cells.precision = cells.precision.set(pl.Series(is_null), None)
    if cells.column.birth:
        middle = found.dt.truncate("1mo").dt.offset_by("14d")
        cells.mark("BIRTH_DAY_REMOVED", (found.dt.day() != 15).fill_null(False).to_numpy())
        found = middle
    precision = manner.precision(cells.column) if cells.precision is None else cells.precision
    out = dates.impossible(found, manner.limits, is_technical=manner.is_technical(cells.column), precision=precision)
    cells.status[out] = DATE
    cells.read = found


def _store_birth(cells: Cells, form: str) -> None:
    """A birth date is stored with day 15; one that cannot be read is not stored, for it may say the day in words."""
    middle = cells.read.dt.to_string(form.replace("%d", "15"))
    frame = pl.DataFrame({"sent": cells.sent, "middle": middle, "wrong": cells.status == UNREADABLE, "other": cells.marks.get("BIRTH_DAY_REMOVED", False)})
    stored = pl.when("wrong").then(None).when("other").then("middle").otherwise("sent")
    cells.sent = frame.select(stored.alias("sent"))["sent"]


_READERS: dict[str, Callable[[Cells, pl.Series, Manner], None]] = {
    "hash64": _read_pseudonym,
    "token": _read_pseudonym,
    "int": _read_number,
    "dec": _read_number,
    "bool": _read_bool,
    **dict.fromkeys(TIME_TYPES, _read_time),
}


def no_cells(column: Column, rows: int) -> Cells:
    """A column that the file does not have."""
    empty = pl.Series([None], dtype=pl.String).new_from_index(0, rows)
    precision = empty if column.type == "date~" else None
    return Cells(column, empty, empty.cast(READ_TYPES.get(column.type, pl.String)), np.full(rows, EMPTY, np.uint8), precision)


def take(values: pa.Array, at: pa.Array) -> pa.Array:
    return pc.take(values, at)
