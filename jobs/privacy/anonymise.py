"""k-anonymity by specialising from the top: everybody starts in one class, and classes part while what they part into stays large.

A class is parted in the column that wins most. Its children that are large enough become classes; what is too small for that stays together
in one, told by what its rows have in common. No row is suppressed. What was measured stands in docs/decisions/0014.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from jobs.privacy.hierarchy import Hierarchy

TOO_FEW = (
    "Expected at least {bounds.k} rows with {bounds.diverse} different values of each sensitive column, found {rows} rows that do not "
    "have them: lower k or l, or bring more rows."
)


@dataclass(frozen=True)
class Bounds:
    """What every class must have: at least `k` rows, and at least `diverse` different values of each sensitive column (its l).

    With `diverse` 1 sensitive columns are not looked at: a class may have no value at all.
    """

    k: int
    diverse: int = 1


# A cut costs at least so many bits: else a search from the top would peel off a few outliers at a time.
LEAST_BITS = 0.6


@dataclass(frozen=True)
class Split:
    """A way for a class to part in one column: what that wins, and a function for the number of each row's part.

    `gain` is the loss that it saves for each bit by which it makes classes smaller: what is small cannot part again.
    """

    gain: float
    parts: int
    of_rows: Callable[[], np.ndarray]


def classes(codes: np.ndarray, hierarchies: Sequence[Hierarchy], sensitive: np.ndarray, bounds: Bounds) -> np.ndarray:
    """The number of each row's class (local recoding). `codes` has the rows' values by column, `sensitive` the numbers of their sensitive
    values by column, from 1; 0 stands for none and is no value. Of rows that are alike in a column the first go first.

    ValueError where all rows together do not keep the bounds: then nothing can be told of them.
    """
    work = _Work(codes.T.copy(order="C"), hierarchies, np.ascontiguousarray(sensitive.T), bounds)
    if not work.keeps(np.array([len(codes)]), np.zeros(len(codes), dtype=np.int64), slice(0, len(codes)))[0]:
        raise ValueError(TOO_FEW.format(bounds=bounds, rows=len(codes)))
    open_classes, ends = [(0, len(codes))], []
    while open_classes:
        start, end = open_classes.pop()
        split = work.best(start, end)
        if split is None:
            ends.append(end)
            continue
        cuts = work.sort(start, end, split)
        open_classes += pairwise(cuts)
    found = np.empty(len(codes), dtype=np.int32)
    found[work.rows] = np.searchsorted(np.sort(ends), np.arange(len(codes)), side="right")
    return found


@dataclass
class _Work:
    """Rows in an order in which every class is a run of neighbours; `codes` and `sensitive` have a line a column."""

    codes: np.ndarray
    hierarchies: Sequence[Hierarchy]
    sensitive: np.ndarray
    bounds: Bounds

    def __post_init__(self) -> None:
        self.rows = np.arange(self.codes.shape[1], dtype=np.int32)
        self.kinds = [int(line.max()) + 1 if line.size else 1 for line in self.sensitive]

    def best(self, start: int, end: int) -> Split | None:
        """The split of a class that wins most; None where none keeps the bounds."""
        # Two classes take twice k rows.
        if end - start < 2 * self.bounds.k:
            return None
        here = slice(start, end)
        least, greatest = self.codes[:, here].min(axis=1), self.codes[:, here].max(axis=1)
        found: Split | None = None
        for column in np.flatnonzero(least < greatest).tolist():
            by = self._cut if self.hierarchies[column].is_scale else self._grouped
            split = by(column, int(least[column]), int(greatest[column]), here)
            if split is not None and (found is None or split.gain > found.gain):
                found = split
        return found

    def _cut(self, column: int, least: int, greatest: int, here: slice) -> Split | None:
        """The cut of numbers, days or ordered words into low and high. Rows of one value lie on both sides where one side lacked rows else."""
        line = self.codes[column, here]
        low, high = self._room(line, here)
        if low > high:
            return None
        upto = np.cumsum(np.bincount(line - least))
        gain, rank = cut_in_two(self.hierarchies[column], least, upto, self.bounds.k, (low, high))
        return Split(gain, 2, partial(_low_and_high, line, rank)) if gain > 0 else None

    def _room(self, line: np.ndarray, here: slice) -> tuple[int, int]:
        """The fewest and the most rows that may lie on the low side, so that both sides keep the bounds; the fewest are more where none can."""
        rows, least = len(line), self.bounds.diverse
        low, high = self.bounds.k, rows - self.bounds.k
        if least == 1:
            return low, high
        order, places = np.argsort(line, kind="stable"), np.arange(rows)
        for values, kinds in zip(self.sensitive, self.kinds, strict=True):
            met = values[here][order]
            first, last = np.full(kinds, rows), np.full(kinds, -1)
            # Of several places for one kind the last assigned stays.
            last[met], first[met[::-1]] = places, places[::-1]
            low = max(low, int(np.sort(first[1:])[least - 1]) + 1)
            high = min(high, int(np.sort(last[1:])[-least]))
        return low, high

    def _grouped(self, column: int, least: int, greatest: int, here: slice) -> Split | None:
        """The split into the groups that stand next below what the rows share; the last part is the pool of those that are too small."""
        hierarchy = self.hierarchies[column]
        level = int(hierarchy.shared(np.array([least]), np.array([greatest]))[0])
        below = hierarchy.groups[level + 1]
        first = below[least]
        child = below[self.codes[column, here]] - first
        counts = np.bincount(child, minlength=int(below[greatest] - first) + 1)
        found = self._alone(counts, child, here)
        if found is None:
            return None
        alone, lent = found
        own = counts - np.bincount(child[lent], minlength=len(counts))
        lost = hierarchy.loss[level + 1][first : first + len(counts)]
        saved = float((own * (hierarchy.loss[level][hierarchy.groups[level, least]] - lost))[alone].sum())
        sizes = np.append(own[alone], len(child) - own[alone].sum())
        sizes = sizes[sizes > 0]
        if saved <= 0 or len(sizes) < 2:
            return None
        part = np.where(alone, np.cumsum(alone) - 1, alone.sum())
        spent = float(_spent(len(child), sizes, self.bounds.k))
        return Split(saved / (spent + LEAST_BITS), len(sizes), partial(_own_and_pool, part, child, lent))

    def _alone(self, counts: np.ndarray, child: np.ndarray, here: slice) -> tuple[np.ndarray, np.ndarray] | None:
        """Which children can be classes, and the rows that they lend to the rest, so that it can be one too; None where none can."""
        alone = self.keeps(counts, child, here) & (counts > 0)
        nothing = np.zeros(0, dtype=np.int64)
        while alone.any():
            pooled = ~alone[child]
            if not pooled.any() or self._enough(pooled, here):
                return alone, nothing
            if (lent := self._lent(counts * alone, child, pooled, here)) is not None:
                return alone, lent
            # The pool is too small: it takes in the smallest of the others.
            alone[np.flatnonzero(alone)[np.argmin(counts[alone])]] = False
        return None

    def _lent(self, counts: np.ndarray, child: np.ndarray, pooled: np.ndarray, here: slice) -> np.ndarray | None:
        """The rows that the pool lacks, of the largest child: those most like the pool's; None where it has too few or the wrong ones."""
        lacking = self.bounds.k - int(pooled.sum())
        lender = int(np.argmax(counts))
        if lacking <= 0 or counts[lender] - lacking < self.bounds.k:
            return None
        codes, rows = self.codes[:, here], np.flatnonzero(child == lender)
        least, greatest = codes[:, pooled].min(axis=1, keepdims=True), codes[:, pooled].max(axis=1, keepdims=True)
        like = ((codes[:, rows] >= least) & (codes[:, rows] <= greatest)).sum(axis=0)
        order = np.argsort(-like, kind="stable")
        lent, kept = rows[order[:lacking]], rows[order[lacking:]]
        if self.bounds.diverse > 1:
            taken = pooled.copy()
            taken[lent] = True
            left = np.zeros(len(child), dtype=bool)
            left[kept] = True
            if not (self._enough(taken, here) and self._enough(left, here)):
                return None
        return lent

    def _enough(self, chosen: np.ndarray, here: slice) -> bool:
        """True where the chosen rows of a class could be a class."""
        if chosen.sum() < self.bounds.k:
            return False
        if self.bounds.diverse == 1:
            return True
        kept = (np.unique(line[here][chosen]) for line in self.sensitive)
        return all((values > 0).sum() >= self.bounds.diverse for values in kept)

    def keeps(self, counts: np.ndarray, child: np.ndarray, here: slice) -> np.ndarray:
        """Which children have the rows and the different sensitive values that a class must have."""
        enough: np.ndarray = counts >= self.bounds.k
        if self.bounds.diverse > 1 and enough.any():
            for line, kinds in zip(self.sensitive, self.kinds, strict=True):
                seen = np.bincount(child * kinds + line[here], minlength=len(counts) * kinds).reshape(len(counts), kinds)
                enough = enough & ((seen[:, 1:] > 0).sum(axis=1) >= self.bounds.diverse)
        return enough

    def sort(self, start: int, end: int, split: Split) -> list[int]:
        """Put the rows of each part together; where the parts begin, and the end."""
        part = split.of_rows()
        order = np.argsort(part, kind="stable")
        self.rows[start:end] = self.rows[start:end][order]
        self.codes[:, start:end] = self.codes[:, start:end][:, order]
        self.sensitive[:, start:end] = self.sensitive[:, start:end][:, order]
        return [*(start + np.searchsorted(part[order], range(split.parts))).tolist(), end]


def cut_in_two(hierarchy: Hierarchy, least: int, upto: np.ndarray, k: int, room: tuple[int, int]) -> tuple[float, int]:
    """The cut of a class into low and high that wins most: its gain, and how many rows lie below, no fewer and no more than `room` says.

    `upto` counts the rows up to each value, from the class's `least`.
    """
    rows, greatest = int(upto[-1]), least + len(upto) - 1
    # Rows without a value come first.
    without = int(upto[0]) if hierarchy.has_missing and least == 0 and hierarchy.is_scale else 0
    first = least + int(np.searchsorted(upto, without, side="right"))
    ranks = np.clip(upto[:-1], *room)
    ends, starts = (least + np.searchsorted(upto, at, side="right") for at in (ranks - 1, ranks))
    whole = hierarchy.lost(np.array([first]), np.array([greatest]), without > 0)
    low = np.where(ranks <= without, 0.0, hierarchy.lost(np.array([first]), np.maximum(ends, first), without > 0))
    high = hierarchy.lost(np.maximum(starts, first), np.array([greatest]), ranks < without)
    saved = rows * whole - ranks * low - (rows - ranks) * high
    gains = saved / (_spent(rows, np.stack([ranks, rows - ranks]), k) + LEAST_BITS)
    best = int(np.argmax(gains))
    return float(gains[best]), int(ranks[best])


def _low_and_high(line: np.ndarray, rank: int) -> np.ndarray:
    """0 for so many rows with the least values, 1 for the others."""
    part = np.ones(len(line), dtype=np.uint8)
    part[np.argsort(line, kind="stable")[:rank]] = 0
    return part


def _own_and_pool(part: np.ndarray, child: np.ndarray, lent: np.ndarray) -> np.ndarray:
    """The part of each row's child; of rows that are lent that of the pool, the last."""
    # Small numbers are sorted fastest.
    part = part.astype(np.min_scalar_type(int(part.max())))
    found: np.ndarray = part[child]
    found[lent] = part.max()
    return found


def _spent(rows: int, sizes: np.ndarray, k: int) -> np.ndarray:
    """The bits that a class of some rows loses for further cuts by parting into these sizes: it could have had rows / k classes at most.

    33 rows with k = 11 become three classes when cut into 11 and 22, two when cut into 16 and 17.
    """
    left: np.ndarray = (sizes / rows * np.log2(sizes // k)).sum(axis=0)
    return np.log2(rows // k) - left


@dataclass(frozen=True)
class Told:
    """The least and the greatest value of each class, by column and class: all that is told of it, and its rows.

    `mixed`: some rows of the class have no value on the scale; least and greatest are those of the others.
    """

    hierarchies: Sequence[Hierarchy]
    least: np.ndarray
    greatest: np.ndarray
    mixed: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, hierarchies: Sequence[Hierarchy], found: np.ndarray) -> "Told":
        """What the rows of each class have in common."""
        order = np.argsort(found, kind="stable")
        starts = np.flatnonzero(np.diff(found[order], prepend=-1))
        ends = [cls._ends(codes[order, at], each, starts) for at, each in enumerate(hierarchies)]
        least, greatest, mixed = (np.stack(lines) for lines in zip(*ends, strict=True))
        return cls(hierarchies, least, greatest, mixed, np.bincount(found))

    @staticmethod
    def _ends(line: np.ndarray, hierarchy: Hierarchy, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        least, greatest = np.minimum.reduceat(line, starts), np.maximum.reduceat(line, starts)
        mixed = (least == 0) & (greatest > 0) & (hierarchy.is_scale and hierarchy.has_missing)
        known = np.minimum.reduceat(np.where(line == 0, len(hierarchy.values), line), starts)
        return np.where(mixed, known, least), greatest, mixed

    def labels(self, column: int) -> list[str]:
        """By class: what its rows are called in a column."""
        ends = zip(self.least[column].tolist(), self.greatest[column].tolist(), self.mixed[column].tolist(), strict=True)
        return [self.hierarchies[column].told(*each) for each in ends]

    @property
    def loss(self) -> float:
        """What was lost (GCP): the mean over all cells of the share of its column's range that a cell leaves open."""
        return float(np.mean(self.losses))

    @property
    def losses(self) -> list[float]:
        """What was lost by column."""
        ends = zip(self.hierarchies, self.least, self.greatest, self.mixed, strict=True)
        return [float(np.average(self._lost(*each), weights=self.sizes)) for each in ends]

    @staticmethod
    def _lost(hierarchy: Hierarchy, least: np.ndarray, greatest: np.ndarray, mixed: np.ndarray) -> np.ndarray:
        if hierarchy.is_scale:
            return hierarchy.lost(least, greatest, mixed)
        level = hierarchy.shared(least, greatest)
        return np.array([hierarchy.loss[at][hierarchy.groups[at, value]] for at, value in zip(level, least, strict=True)])


def levels(codes: np.ndarray, hierarchies: Sequence[Hierarchy], sensitive: np.ndarray, bounds: Bounds) -> list[int]:
    """One level a column for all rows (global recoding), the finest that a search from the top finds; a trainee can group by such columns.

    ValueError where all rows together do not keep the bounds.
    """
    found, frozen = [0] * len(hierarchies), set[int]()
    if not _keep(np.zeros(len(codes), dtype=np.int64), sensitive, bounds):
        raise ValueError(TOO_FEW.format(bounds=bounds, rows=len(codes)))
    while True:
        gains = {
            at: _gain(codes[:, at], each, found[at])
            for at, each in enumerate(hierarchies)
            if at not in frozen and found[at] + 1 < len(each.labels)
        }
        if not gains:
            return found
        column = max(gains, key=lambda at: (gains[at], -at))
        finer = [level + (at == column) for at, level in enumerate(found)]
        if _keep(combined(codes, hierarchies, finer), sensitive, bounds):
            found = finer
        else:
            # Other columns only make classes smaller still: it never fits again.
            frozen.add(column)


def _gain(codes: np.ndarray, hierarchy: Hierarchy, level: int) -> float:
    lost = [hierarchy.loss[at][hierarchy.groups[at, codes]].sum() for at in (level, level + 1)]
    return float(lost[0] - lost[1])


def combined(codes: np.ndarray, hierarchies: Sequence[Hierarchy], told: Sequence[int]) -> np.ndarray:
    """The number of each row's class when every column is told at one level."""
    found = np.zeros(len(codes), dtype=np.int64)
    for at, (each, level) in enumerate(zip(hierarchies, told, strict=True)):
        _, found = np.unique(found * len(each.values) + each.groups[level, codes[:, at]], return_inverse=True)
    return found


def _keep(found: np.ndarray, sensitive: np.ndarray, bounds: Bounds) -> bool:
    """True where every class keeps the bounds."""
    if np.bincount(found).min() < bounds.k:
        return False
    for line in sensitive.T if bounds.diverse > 1 else ():
        pairs = np.unique(np.stack([found[line > 0], line[line > 0]]), axis=1)
        if np.bincount(pairs[0].astype(np.int64), minlength=int(found.max()) + 1).min() < bounds.diverse:
            return False
    return True
