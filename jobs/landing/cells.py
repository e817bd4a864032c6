"""The cells of a column: what was sent becomes what is stored, what is read, and what is wrong with it. Works on distinct values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from jobs.hospitals.feed import TIME_TYPES, Column, Feed, Hospital
from jobs.landing import dates, identifiers
from jobs.landing.dates import Limits, Mask
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.repairs import repair_codes, repair_encoding

OK, EMPTY, UNREADABLE, CODE, RANGE, DATE = range(6)
SPACES = "[ \u00a0\u202f]"
WITH_COMMA = rf"^-?(?:[0-9]+|[0-9]{{1,3}}(?:{SPACES}[0-9]{{3}})+)(?:,[0-9]+)?$"
WITH_POINT = r"^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$"
TEXT = pl.col("text")
TRIMMED = TEXT.str.strip_chars()
INTEGER = pl.when(TEXT.str.contains("^-?[0-9]{1,18}$")).then(TEXT).cast(pl.Int64, strict=False)
COMMA_NUMBER = (
    pl.when(TEXT.str.contains(WITH_COMMA))
    .then(TEXT.str.replace_all(SPACES, "").str.replace(",", ".", literal=True))
    .cast(pl.Float64, strict=False)
)
POINT_NUMBER = pl.when(TEXT.str.contains(WITH_POINT)).then(TEXT).cast(pl.Float64, strict=False)
READ_TYPES: dict[str, Any] = {
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

    @cached_property
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
    # The distinct values as they were sent.
    origin: pl.Series | None = None

    def mark(self, flag: str, where: Mask) -> None:
        if where.any():
            self.marks[flag] = where

    def spread(self, at: pl.Series, sent: pl.Series) -> "Cells":
        """The same for every row, from the distinct values; what is stored or read as it was sent is not copied."""
        index = at.to_numpy()
        parts = {"sent": self.sent, "read": self.read, "precision": self.precision}
        copied = {name: part for name, part in parts.items() if part is not None and part is not self.origin}
        rows = pl.DataFrame(copied)[at] if copied else pl.DataFrame()
        return Cells(
            self.column,
            rows["sent"] if "sent" in copied else sent,
            rows["read"] if "read" in copied else sent,
            self.status[index],
            rows["precision"] if "precision" in copied else None,
            {flag: where[index] for flag, where in self.marks.items()},
            None if self.identified is None else self.identified[index],
        )


class CellReader:
    """Reads the columns of one file, batch after batch."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        # Columns of which nearly every value is another: looking for distinct ones there costs more than it saves.
        self._diverse: set[str] = set()
        # Made once a column: most columns of a batch have few distinct values, and an expression costs more to make than to run.
        self._looks: dict[str, list[pl.Expr]] = {}

    def text(self, column: Column, sent: pa.Array, unreadable: list[int] | None = None) -> Cells:
        """The cells of a text column; `unreadable` rows were no text at all."""
        if sent.null_count == len(sent):
            return no_cells(column, len(sent))
        if column.name in self._diverse or unreadable:
            cells = self._values(column, _series(sent))
            if unreadable:
                cells.status[unreadable] = UNREADABLE
            return _without_wrong(cells)
        encoded = sent.dictionary_encode(null_encoding="encode")
        if len(encoded.dictionary) > 1000 and len(encoded.dictionary) > 0.6 * len(sent):
            self._diverse.add(column.name)
            return _without_wrong(self._values(column, _series(sent)))
        return _without_wrong(self._values(column, _series(encoded.dictionary))).spread(_series(encoded.indices), _series(sent))

    def _values(self, column: Column, sent: pl.Series) -> Cells:
        manner = self.manner
        cells = Cells(column, sent, sent, np.zeros(len(sent), np.uint8), origin=sent)
        text = sent
        if manner.is_cp1252:
            text, repaired = repair_encoding(text)
            cells.mark("ENCODING_REPAIRED", repaired)
        seen = self._look(column, sent, text)
        if manner.hospital.repairs and "refused" in seen.columns and seen["refused"].any():
            text, repaired = repair_codes(
                seen["text"], manner.hospital.repairs, lambda mended: ~self._look(column, sent, mended)["refused"]
            )
            if repaired.any():
                cells.mark("CODE_REPAIRED", repaired)
                seen = self._look(column, sent, text)
        cells.status[seen["is_empty"].to_numpy()] = EMPTY
        self._search(cells, seen)
        _READERS.get(column.type, _read_text)(cells, seen, manner)
        return cells

    def _look(self, column: Column, sent: pl.Series, text: pl.Series) -> pl.DataFrame:
        """What the values of a column are at first sight."""
        if column.name not in self._looks:
            self._looks[column.name] = _to_find(column, self.manner.nulls(column))
        return pl.DataFrame({"sent": sent, "text": text}).with_columns(TRIMMED).select(self._looks[column.name])

    def _search(self, cells: Cells, seen: pl.DataFrame) -> None:
        """Mark where an identifier stands; ids of patients must be pseudonyms."""
        if not seen["is_suspect"].any():
            return
        at = seen["is_suspect"].arg_true().to_list()
        if cells.column.is_text:
            at = identifiers.confirmed(cells.sent, at, is_code=cells.column.type in ("id", "code"))
        if at:
            cells.identified = np.zeros(len(cells.sent), bool)
            cells.identified[at] = True


def _to_find(column: Column, nulls: list[str]) -> list[pl.Expr]:
    """What to find in the trimmed values of a column: the text (null where it stands for none), and what to look at again."""
    is_empty = pl.col("text").is_null() | (pl.col("text") == "") | pl.col("text").is_in(nulls).fill_null(False)
    kept = pl.when(~is_empty).then("text")
    found = {"text": kept, "is_empty": is_empty, "is_suspect": pl.lit(False)}
    if column.type in ("hash64", "token"):
        found["is_suspect"] = (~kept.str.contains(identifiers.HASH64)).fill_null(False)
    elif column.is_text:
        found["is_suspect"] = pl.col("sent").str.contains(identifiers.CANDIDATE).fill_null(False)
        if column.codes or column.pattern:
            found["refused"] = ~is_empty & ~_is_coded(column).fill_null(False)
        else:
            # A lone sign is an allele or a strand, nothing a spreadsheet would execute.
            found["is_formula"] = kept.str.contains("(?s)^[=+@-].").fill_null(False)
    return [each.alias(name) for name, each in found.items()]


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


def _is_coded(column: Column) -> pl.Expr:
    """Where a value is in the column's list or matches its expression."""
    if column.codes:
        return pl.col("text").is_in(list(column.codes))
    # \\d of this engine takes the digits of every script.
    return pl.col("text").str.contains((column.pattern or "").replace(r"\d", "[0-9]"))


def _read_text(cells: Cells, seen: pl.DataFrame, manner: Manner) -> None:
    # Where nothing was trimmed or emptied, what is read is what was sent.
    cells.read = cells.sent if seen["text"].equals(cells.sent) else seen["text"]
    if "refused" in seen.columns:
        cells.status[seen["refused"].to_numpy()] = CODE
    elif "is_formula" in seen.columns:
        cells.mark("FORMULA_TEXT", seen["is_formula"].to_numpy())


def _read_pseudonym(cells: Cells, seen: pl.DataFrame, manner: Manner) -> None:
    """Whoever it is, only the person behind the pseudonym goes on: in what is read and in what is stored."""
    text = seen["text"] if cells.identified is None else seen["text"].set(pl.Series(cells.identified), None)
    if cells.column.type == "token":
        cells.read = pl.Series(manner.pseudonyms.token_keys(text.to_list()), dtype=pl.String)
    else:
        cells.read = pl.Series(manner.pseudonyms.persons(manner.hospital.center, text.to_list()), dtype=pl.String)
    cells.sent = cells.read


def _read_number(cells: Cells, seen: pl.DataFrame, manner: Manner) -> None:
    numbers = INTEGER if cells.column.type == "int" else COMMA_NUMBER if manner.hospital.decimal_comma else POINT_NUMBER
    check_numbers(cells, seen.select(numbers).to_series())


def check_numbers(cells: Cells, numbers: pl.Series) -> None:
    """Take over numbers: those that are none or not finite cannot be read, others may be out of range."""
    finite = numbers.set(~numbers.is_finite().fill_null(True), None) if numbers.dtype == pl.Float64 else numbers
    cells.read = finite
    cells.status[finite.is_null().to_numpy() & (cells.status == OK)] = UNREADABLE
    low = -np.inf if cells.column.low is None else cells.column.low
    high = np.inf if cells.column.high is None else cells.column.high
    if not _all_between(finite, low, high):
        cells.status[~finite.is_between(low, high).fill_null(True).to_numpy()] = RANGE


def _all_between(numbers: pl.Series, low: float, high: float) -> bool:
    """True where no row needs to be looked at."""
    least, most = numbers.min(), numbers.max()
    return least is None or bool(low <= least and most <= high)  # type: ignore[operator]


def _read_bool(cells: Cells, seen: pl.DataFrame, manner: Manner) -> None:
    known = dict.fromkeys(manner.hospital.true_values, True) | dict.fromkeys(manner.hospital.false_values, False)
    cells.read = seen["text"].replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.Boolean)
    cells.status[cells.read.is_null().to_numpy() & (cells.status == OK)] = UNREADABLE


def _read_time(cells: Cells, seen: pl.DataFrame, manner: Manner) -> None:
    form, text = manner.date_format, seen["text"]
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
    stands_for_null = manner.null_days and not cells.column.key
    is_null = days.is_in(manner.null_days).fill_null(False).to_numpy() if stands_for_null else np.zeros(len(days), bool)
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
    frame = pl.DataFrame(
        {
            "sent": cells.sent,
            "middle": middle,
            "wrong": cells.status == UNREADABLE,
            "other": cells.marks.get("BIRTH_DAY_REMOVED", False),
        }
    )
    stored = pl.when("wrong").then(None).when("other").then("middle").otherwise("sent")
    cells.sent = frame.select(stored.alias("sent"))["sent"]


_READERS: dict[str, Callable[[Cells, pl.DataFrame, Manner], None]] = {
    "hash64": _read_pseudonym,
    "token": _read_pseudonym,
    "int": _read_number,
    "dec": _read_number,
    "bool": _read_bool,
    **dict.fromkeys(TIME_TYPES, _read_time),
}


class TypedReader:
    """Reads columns that are numbers and times already (Parquet)."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner

    def numbers(self, column: Column, values: pa.Array) -> Cells:
        """The cells of an integer or double column."""
        numbers = _series(values.cast(pa.int64() if column.type == "int64" else pa.float64()))
        cells = self._cells(column, numbers)
        check_numbers(cells, numbers)
        cells.sent = numbers.cast(pl.String)
        return _without_wrong(cells)

    def times(self, column: Column, values: pa.Array) -> Cells:
        """The cells of a timestamp column; a moment no calendar has is impossible, not unreadable."""
        found, is_beyond = dates.in_calendar(values)
        cells = self._cells(column, found)
        check_times(cells, found, self.manner)
        cells.sent = dates.iso(found if not column.birth else cells.read, is_instant=column.type == "instant")
        cells.status[is_beyond] = DATE
        return cells

    def _cells(self, column: Column, values: pl.Series) -> Cells:
        return Cells(column, values, values, np.where(values.is_null().to_numpy(), EMPTY, OK).astype(np.uint8))


def no_cells(column: Column, rows: int) -> Cells:
    """A column that the file does not have."""
    empty = pl.Series([None], dtype=pl.String).new_from_index(0, rows)
    precision = empty if column.type == "date~" else None
    return Cells(column, empty, empty.cast(READ_TYPES.get(column.type, pl.String)), np.full(rows, EMPTY, np.uint8), precision)
