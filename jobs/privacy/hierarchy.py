"""Hierarchies of quasi-identifiers: how a value is told more and more coarsely, up to not at all.

The values of a column stand in an order in which every coarser group is a run of neighbours. So what rows have in common follows from
the least and the greatest of their values alone, and no tree is ever walked.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

ALL = "*"
UNKNOWN = "unknown"
# Between the ends of a run, and after it where some rows have no value.
RUN = "–"
OR_UNKNOWN = f" or {UNKNOWN}"
PERIODS: dict[str, Callable[[dt.date], str]] = {
    "year": lambda day: f"{day.year}",
    "quarter": lambda day: f"{day.year}-Q{(day.month + 2) // 3}",
    "month": lambda day: f"{day:%Y-%m}",
    "day": lambda day: f"{day}",
}


@dataclass(frozen=True)
class Hierarchy:
    """The values of one column in order. `labels[level][value]` is what a value is called: at level 0 like all others, at the last by its name.

    A first value None stands for rows without one. `points` are the places of numbers and days on their scale; None for values that are
    only different.
    """

    column: str
    values: tuple[Any, ...]
    labels: tuple[tuple[str, ...], ...]
    points: tuple[float, ...] | None = None

    @cached_property
    def groups(self) -> np.ndarray:
        """By level and value: the number of the value's group, counted in order."""
        paths = [[tuple(names[: level + 1]) for names in zip(*self.labels, strict=True)] for level in range(len(self.labels))]
        # With what stands above them: two groups of one name under different parents are two.
        numbers = [np.cumsum([0, *(one != other for one, other in pairwise(each))]) for each in paths]
        return np.array(numbers, dtype=np.int32)

    @property
    def is_scale(self) -> bool:
        """True for numbers, days and ordered words: they are told by runs, and rows without a value may go with them."""
        return self.points is not None

    @property
    def has_missing(self) -> bool:
        """True where the first value stands for rows without one."""
        return bool(self.values) and self.values[0] is None

    def shared(self, least: np.ndarray, greatest: np.ndarray) -> np.ndarray:
        """The finest level at which rows are one group, by the least and the greatest of their values."""
        same = self.groups[:, least] == self.groups[:, greatest]
        found: np.ndarray = same.sum(axis=0) - 1
        return found

    @cached_property
    def loss(self) -> tuple[np.ndarray, ...]:
        """By level and group: what is lost by telling a row no finer (NCP): 0 for one value alone, 1 for all."""
        return tuple(self._losses(level) for level in range(len(self.labels)))

    def _losses(self, level: int) -> np.ndarray:
        starts = np.flatnonzero(np.diff(self.groups[level], prepend=-1))
        ends = np.append(starts[1:], len(self.values)) - 1
        mixed = (starts == 0) & (ends > 0) & (self.is_scale and self.has_missing)
        return self.lost(starts + mixed, ends, mixed)

    def lost(self, least: np.ndarray, greatest: np.ndarray, mixed: np.ndarray | bool = False) -> np.ndarray:
        """What is lost by telling rows only by the run from their least to their greatest value.

        `mixed` says that some rows of a scale have no value; that counts as one value more.
        """
        if self.points is None:
            count = greatest - least + 1
            return np.where(count > 1, count / len(self.values), 0.0)
        width = self._places[greatest] - self._places[least]
        known = len(self.values) - self.has_missing
        return np.where(mixed, (width * (known - 1) + 1) / max(known, 1), width)

    @cached_property
    def _places(self) -> np.ndarray:
        """The points on a scale from 0 to 1."""
        places = np.asarray(self.points, dtype=np.float64)
        known = places[int(self.has_missing) :]
        if len(known):
            places[int(self.has_missing) :] = (known - known[0]) / ((known[-1] - known[0]) or 1.0)
        return places

    def told(self, least: int, greatest: int, mixed: bool = False) -> str:
        """What rows between two values are called: those of a scale by the run in which they lie, others by the group they share."""
        level = int(self.shared(np.array([least]), np.array([greatest]))[0])
        own = self.labels[-1]
        if not self.is_scale:
            return self.labels[level][least]
        # All that there is: no more is told than nothing.
        if mixed and (least, greatest) == (1, len(self.values) - 1):
            return ALL
        run = own[least] if least == greatest else f"{own[least]}{RUN}{own[greatest]}"
        return run + OR_UNKNOWN if mixed else run

    def loss_of(self, told: str) -> float:
        """What is lost by a cell that is told so, of two groups of one name by the larger; ValueError for words that are never told."""
        if told in self._named:
            return self._named[told]
        run = told.removesuffix(OR_UNKNOWN)
        cuts = [(run, run), *((run[:at], run[at + 1 :]) for at, sign in enumerate(run) if sign == RUN)]
        ends = next(((self._place[low], self._place[high]) for low, high in cuts if {low, high} <= self._place.keys()), None)
        if not self.is_scale or ends is None:
            raise ValueError(f"Expected cells of {self.column} in the words of its hierarchy, found others.")
        return float(self.lost(np.array([ends[0]]), np.array([ends[1]]), run != told)[0])

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.labels[-1])}

    @cached_property
    def _named(self) -> dict[str, float]:
        """What is lost by each name of a value or group."""
        found: dict[str, float] = {}
        for names, numbers, lost in zip(self.labels, self.groups, self.loss, strict=True):
            for name, number in zip(names, numbers, strict=True):
                found[name] = max(found.get(name, 0.0), float(lost[number]))
        return found

    def codes(self, column: pl.Series) -> np.ndarray:
        """The place of each row's value in the order; ValueError when the hierarchy lacks some of them."""
        places = {value: place for place, value in enumerate(self.values) if value is not None}
        found = column.replace_strict(list(places), list(places.values()), default=None, return_dtype=pl.Int32)
        if self.has_missing:
            found = pl.select(pl.when(column.is_null()).then(pl.lit(0, pl.Int32)).otherwise(found)).to_series()
        if found.null_count():
            raise ValueError(
                f"Expected every value of {self.column} in its hierarchy, found {found.null_count()} rows with others: "
                "add these values to the hierarchy."
            )
        return found.to_numpy()


def bands(column: str, values: Sequence[float | None], widths: Sequence[float]) -> Hierarchy:
    """Numbers in bands of these widths, from wide to narrow; each width must fit into the one before a whole number of times."""
    for wide, narrow in pairwise(widths):
        if narrow <= 0 or wide % narrow:
            raise ValueError(f"Expected bands of {column} that fit into each other, found {narrow:g} under {wide:g}.")
    ordered, missing = _ordered(values)
    return _of(
        column, ordered, [[_band(value, width) for value in ordered] for width in widths], missing, list(map(float, ordered))
    )


def _band(value: float, width: float) -> str:
    low = value // width * width
    whole = float(width).is_integer() and float(value).is_integer()
    return f"{low:g}{RUN}{low + width - whole:g}"


def halves(column: str, values: Sequence[float | None]) -> Hierarchy:
    """Numbers whose range is cut in two again and again, down to single ones."""
    known, missing = _ordered(values)
    levels = [
        [f"{known[start]:g}{RUN}{known[end - 1]:g}" for start, end in pieces for _ in range(end - start)]
        for pieces in _halvings(known)
    ]
    return _of(column, known, levels, missing, list(map(float, known)))


def _halvings(places: Sequence[float]) -> Iterator[list[tuple[int, int]]]:
    """The runs, from two down to single places, into which a scale is cut again and again in the middle: first place and end of each."""
    pieces = [(0, len(places))]
    while any(end - start > 1 for start, end in pieces):
        pieces = [part for start, end in pieces for part in _halved(places, start, end)]
        yield pieces


def _halved(places: Sequence[float], start: int, end: int) -> list[tuple[int, int]]:
    if end - start < 2:
        return [(start, end)]
    middle = (places[start] + places[end - 1]) / 2
    cut = next(at for at in range(start + 1, end) if places[at] > middle)
    return [(start, cut), (cut, end)]


def ordered(column: str, values: Sequence[str | None], order: Sequence[str]) -> Hierarchy:
    """Words with an order (stages, grades), from low to high, told by runs; ValueError for a value that the order lacks."""
    known, missing = _ordered(values)
    if lacking := len([value for value in known if value not in order]):
        raise ValueError(f"Expected every value of {column} in its order, found {lacking} without: add them to it.")
    known = sorted(known, key=list(order).index)
    places = [float(place) for place in range(len(known))]
    levels = [
        [f"{known[start]}{RUN}{known[end - 1]}" for start, end in pieces for _ in range(end - start)]
        for pieces in _halvings(places)
    ]
    return _of(column, known, levels, missing, places)


def prefixes(column: str, values: Sequence[str | None], lengths: Sequence[int]) -> Hierarchy:
    """Codes whose first characters are their group (ICD-O, ICD-10, ATC), from short to long."""
    ordered, missing = _ordered(values)
    return _of(column, ordered, [[value[:length] for value in ordered] for length in lengths], missing)


def periods(column: str, values: Sequence[dt.date | None], names: Sequence[str]) -> Hierarchy:
    """Days in periods of `PERIODS`, from long to short; ValueError for another period."""
    if unknown := [name for name in names if name not in PERIODS]:
        raise ValueError(f"Expected periods of {column} among {', '.join(PERIODS)}, found {', '.join(unknown)}.")
    ordered, missing = _ordered(values)
    points = [float(day.toordinal()) for day in ordered]
    return _of(column, ordered, [[PERIODS[name](day) for day in ordered] for name in names], missing, points)


def groups(column: str, values: Sequence[Any], above: Mapping[str, Sequence[str]]) -> Hierarchy:
    """Values with their groups from coarse to fine, as a table says them (regions of departments); ValueError for a value without."""
    known, missing = _ordered(values)
    if lacking := len([value for value in known if value not in above]):
        raise ValueError(f"Expected groups for every value of {column}, found {lacking} values without: add them to its table.")
    ordered = sorted(known, key=lambda value: (*above[value], value))
    depth = len(next(iter(above.values()), ()))
    return _of(column, ordered, [[above[value][level] for value in ordered] for level in range(depth)], missing)


def flat(column: str, values: Sequence[Any]) -> Hierarchy:
    """Values that are told or not told."""
    ordered, missing = _ordered(values)
    return _of(column, ordered, [], missing)


def _ordered(values: Sequence[Any]) -> tuple[list[Any], bool]:
    """The different values in order, and whether some are missing."""
    different = set(values)
    return sorted(different - {None}), None in different


def _of(
    column: str, ordered: Sequence[Any], levels: Sequence[Sequence[str]], missing: bool, points: Sequence[float] | None = None
) -> Hierarchy:
    """A hierarchy with nothing told above and every value by its own name below."""
    own = [f"{value:g}" if isinstance(value, float) else str(value) for value in ordered]
    before, place = ([UNKNOWN], [0.0]) if missing else ([], [])
    names = [[ALL] * (len(before) + len(own)), *([*before, *level] for level in [*levels, own])]
    told = tuple(map(tuple, names))
    return Hierarchy(column, (*([None] if missing else []), *ordered), told, None if points is None else (*place, *points))
