"""Row checks 2 to 7: the first reason that applies sets a row aside; flags say what was repaired or emptied in a row that stays."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from jobs.hospitals.feed import Column, Condition, Feed
from jobs.landing import dates
from jobs.landing.cells import CODE, DATE, EMPTY, OK, RANGE, UNREADABLE, Cells, Manner
from jobs.landing.dates import Mask

REASONS = ("REQUIRED_MISSING", "TYPE_INVALID", "CODE_INVALID", "RANGE_INVALID", "NOT_VALIDATED", "DATE_IMPOSSIBLE")
NONE = len(REASONS)
MISSING, TYPE, BAD_CODE, BAD_RANGE, NOT_VALIDATED, IMPOSSIBLE = range(NONE)
_OF_REQUIRED = {EMPTY: MISSING, UNREADABLE: TYPE, CODE: BAD_CODE, RANGE: BAD_RANGE}
SENTENCES = {
    "REQUIRED_MISSING": "Expected a value in this column, found none.",
    "TYPE_INVALID": "Expected a value of the column's type, found one that cannot be read.",
    "CODE_INVALID": "Expected a code of the column's list or form, found another value.",
    "RANGE_INVALID": "Expected a number inside the column's range, found one outside.",
    "NOT_VALIDATED": "Expected a validated result, found another status.",
    "DATE_IMPOSSIBLE": "Expected a possible date in the right order, found another one.",
    "DUPLICATE_KEY": "Expected every key once in a file, found another row that wins.",
}


@dataclass
class Verdict:
    """What is wrong with the rows of a batch: the place of the first reason in REASONS (NONE: nothing), and which columns are at fault."""

    reason: Mask
    is_deleted: Mask
    faults: list[tuple[Mask, int, str]] = field(default_factory=list)
    flags: dict[str, Mask] = field(default_factory=dict)

    def blame(self, where: Mask, reason: int, column: str) -> None:
        """Note a reason for these rows; a later check never hides an earlier one."""
        if where.any():
            self.faults.append((where, reason, column))
            np.minimum(self.reason, np.where(where, reason, NONE), out=self.reason, casting="unsafe")

    def flag(self, name: str, where: Mask) -> None:
        if where.any():
            self.flags[name] = where | self.flags[name] if name in self.flags else where

    def columns_at_fault(self, row: int) -> list[str]:
        """The columns behind the reason of a row."""
        return [column for where, reason, column in self.faults if where[row] and reason == self.reason[row]]


def judge_rows(cells: dict[str, Cells], manner: Manner, rows: int) -> Verdict:
    """The verdict on every row of a batch. Rights rows are never set aside, deletions are only checked for their key."""
    feed = manner.feed
    deleted = _deleted(cells, manner, rows)
    verdict = Verdict(np.full(rows, NONE, np.uint8), deleted)
    for column in feed.columns:
        _judge_column(verdict, cells, column, feed, deleted)
    if feed.domain != "rights":
        lives = ~deleted
        _judge_validation(verdict, cells, feed, lives)
        _judge_order(verdict, cells, manner, lives)
        if manner.is_maf:
            _judge_maf(verdict, cells)
    return verdict


def _deleted(cells: dict[str, Cells], manner: Manner, rows: int) -> Mask:
    if manner.hospital.deleted_when is None or manner.hospital.deleted_when[0] not in cells:
        return np.zeros(rows, bool)
    name, value = manner.hospital.deleted_when
    read = cells[name].read
    return _mask(read if read.dtype == pl.Boolean else read == value)


def _mask(truth: pl.Series) -> Mask:
    return truth.fill_null(False).to_numpy()


def _judge_column(verdict: Verdict, cells: dict[str, Cells], column: Column, feed: Feed, deleted: Mask) -> None:
    found = cells[column.name]
    for mark, where in found.marks.items():
        if mark != "DEATH_UNKNOWN":
            verdict.flag(mark if mark == "BIRTH_DAY_REMOVED" else f"{mark}:{column.name}", where)
    if not found.status.any():
        return
    asked = np.ones(len(deleted), bool) if column.key else ~deleted
    required = _required(cells, column, asked) if feed.domain != "rights" else np.zeros(len(asked), bool)
    for status, reason in _OF_REQUIRED.items():
        wrong = found.status == status
        verdict.blame(wrong & required, reason, column.name)
        if status != EMPTY:
            verdict.flag(f"VALUE_NULLED:{column.name}", wrong & asked & ~required)
    if feed.domain != "rights":
        verdict.blame((found.status == DATE) & asked, IMPOSSIBLE, column.name)


def _required(cells: dict[str, Cells], column: Column, asked: Mask) -> Mask:
    if column.required:
        return asked
    if column.required_when is None:
        return np.zeros(len(asked), bool)
    return asked & _holds(cells, column.required_when)


def _holds(cells: dict[str, Cells], condition: Condition) -> Mask:
    other = cells[condition.column]
    if condition.test in ("filled", "empty"):
        is_empty: Mask = other.status == EMPTY
        return is_empty if condition.test == "empty" else ~is_empty
    same = _mask(other.read.cast(pl.String) == condition.value)
    return same if condition.test == "is" else ~same


def _judge_validation(verdict: Verdict, cells: dict[str, Cells], feed: Feed, lives: Mask) -> None:
    rule = feed.validation
    if rule is not None:
        asked = lives if rule.only is None else lives & _holds(cells, rule.only)
        verdict.blame(asked & _mask(cells[rule.column].read != rule.value), NOT_VALIDATED, rule.column)


def _judge_order(verdict: Verdict, cells: dict[str, Cells], manner: Manner, lives: Mask) -> None:
    """Starts come before ends; nobody dies, or is heard of, before birth."""
    for column in manner.feed.columns:
        if column.not_after:
            verdict.blame(_after(cells[column.name].read, cells[column.not_after].read) & lives, IMPOSSIBLE, column.name)
    births = manner.feed.having("birth")
    if manner.feed.domain != "patient" or not births:
        return
    born = dates.months(cells[births[0].name].read)
    for column in manner.feed.columns:
        if column.type in ("date", "timestamp") and not column.birth and not manner.is_technical(column):
            verdict.blame(_after(born, dates.months(cells[column.name].read)) & lives, IMPOSSIBLE, column.name)


def _after(start: pl.Series, end: pl.Series) -> Mask:
    return _mask(start > end)


def _judge_maf(verdict: Verdict, cells: dict[str, Cells]) -> None:
    for low, high in (("t_alt_count", "t_depth"), ("Start_Position", "End_Position")):
        verdict.blame(_after(cells[low].read, cells[high].read), BAD_RANGE, low)


def unreadable_share(cells: Cells) -> tuple[int, int]:
    """Filled and unreadable cells, by which a column's type is judged when the file was read."""
    return int((cells.status != EMPTY).sum()), int((cells.status == UNREADABLE).sum())


def flag_lists(flags: dict[str, Mask], rows: int) -> pa.ListArray:
    """The flags of every row."""
    marked = np.column_stack([np.empty((rows, 0), bool), *flags.values()])
    ends = np.cumsum(marked.sum(axis=1))
    names = pl.Series(list(flags), dtype=pl.String).gather(np.nonzero(marked)[1])
    return pa.ListArray.from_arrays(pl.Series(np.concatenate([[0], ends]), dtype=pl.Int32).to_arrow(), names.to_arrow())


def reasons(verdict: Verdict) -> pl.Series:
    """The reason of every row, null where it may stay."""
    names: list[Any] = [*REASONS, None]
    return pl.Series(names, dtype=pl.String).gather(verdict.reason)


__all__ = ["OK", "REASONS", "SENTENCES", "Verdict", "flag_lists", "judge_rows", "reasons", "unreadable_share"]
