"""k-anonymity by specialising from the top: everybody starts in one class, and classes part while what they part into stays large.

A class is parted in the column that wins most. Its children that are large enough become classes; what is too small for that stays together
in one, told by what its rows have in common. No row is suppressed. What was measured stands in docs/decisions/0014.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Split:
    """How a class parts in one column: the number of each row's part (the last is the pool of what is too small), and what that wins.

    `gain` is the loss that it saves for each bit by which it makes classes smaller: what is small cannot part again. On simulated patients
    that loses a quarter less than the loss saved alone.
    """

    part: np.ndarray
    parts: int
    gain: float


def classes(codes: np.ndarray, hierarchies: Sequence[Hierarchy], sensitive: np.ndarray, bounds: Bounds) -> np.ndarray:
    """The number of each row's class (local recoding). `codes` has the rows' values by column, `sensitive` the numbers of their sensitive
    values by column, from 1; 0 stands for none and is no value.

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
        here = self.codes[:, start:end]
        least, greatest = here.min(axis=1), here.max(axis=1)
        found: Split | None = None
        for column in np.flatnonzero(least < greatest):
            split = self._split(int(column), int(least[column]), int(greatest[column]), slice(start, end))
            if split is not None and (found is None or split.gain > found.gain):
                found = split
        return found

    def _split(self, column: int, least: int, greatest: int, here: slice) -> Split | None:
        hierarchy = self.hierarchies[column]
        level = int(hierarchy.shared(np.array([least]), np.array([greatest]))[0])
        below = hierarchy.groups[level + 1]
        first = below[least]
        child = below[self.codes[column, here]] - first
        counts = np.bincount(child, minlength=int(below[greatest] - first) + 1)
        alone = self._alone(counts, child, here)
        if alone is None:
            return None
        lost = hierarchy.loss[level + 1][first : first + len(counts)]
        gain = float((counts * (hierarchy.loss[level][hierarchy.groups[level, least]] - lost))[alone].sum())
        sizes = np.append(counts[alone], counts[~alone].sum())
        sizes = sizes[sizes > 0]
        if gain <= 0 or len(sizes) < 2:
            return None
        place = np.where(alone, np.cumsum(alone) - 1, alone.sum())
        return Split(place[child], len(sizes), gain / _entropy(sizes))

    def _alone(self, counts: np.ndarray, child: np.ndarray, here: slice) -> np.ndarray | None:
        """Which children can be classes, so that the rest of the rows can be one too; None where none can."""
        alone = self.keeps(counts, child, here) & (counts > 0)
        while alone.any():
            if (rest := counts[~alone].sum()) == 0 or self._pool_keeps(int(rest), alone, child, here):
                return alone
            # The pool is too small: it takes in the smallest of the others.
            alone[np.flatnonzero(alone)[np.argmin(counts[alone])]] = False
        return None

    def _pool_keeps(self, rest: int, alone: np.ndarray, child: np.ndarray, here: slice) -> bool:
        if rest < self.bounds.k:
            return False
        pooled = ~alone[child]
        kept = (np.unique(line[here][pooled]) for line in self.sensitive)
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
        order = np.argsort(split.part, kind="stable")
        self.rows[start:end] = self.rows[start:end][order]
        self.codes[:, start:end] = self.codes[:, start:end][:, order]
        self.sensitive[:, start:end] = self.sensitive[:, start:end][:, order]
        return [*(start + np.searchsorted(split.part[order], range(split.parts))).tolist(), end]


def _entropy(sizes: np.ndarray) -> float:
    """The bits that tell of a row in which part it is."""
    shares = sizes / sizes.sum()
    return float(-(shares * np.log2(shares)).sum())


@dataclass(frozen=True)
class Told:
    """The least and the greatest value of each class, by column and class: all that is told of it, and its rows."""

    hierarchies: Sequence[Hierarchy]
    least: np.ndarray
    greatest: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, hierarchies: Sequence[Hierarchy], found: np.ndarray) -> "Told":
        """What the rows of each class have in common."""
        order = np.argsort(found, kind="stable")
        starts = np.flatnonzero(np.diff(found[order], prepend=-1))
        columns = [codes[order, at] for at in range(codes.shape[1])]
        least, greatest = ([of.reduceat(each, starts) for each in columns] for of in (np.minimum, np.maximum))
        return cls(hierarchies, np.stack(least), np.stack(greatest), np.bincount(found))

    def labels(self, column: int) -> list[str]:
        """By class: what its rows are called in a column."""
        ends = zip(self.least[column].tolist(), self.greatest[column].tolist(), strict=True)
        return [self.hierarchies[column].told(low, high) for low, high in ends]

    @property
    def loss(self) -> float:
        """What was lost (GCP): the mean over all cells of the share of its column's range that a cell leaves open."""
        of_class = [
            self._lost(each, low, high) for each, low, high in zip(self.hierarchies, self.least, self.greatest, strict=True)
        ]
        return float((np.stack(of_class) * self.sizes).sum() / (self.sizes.sum() * len(self.hierarchies)))

    @staticmethod
    def _lost(hierarchy: Hierarchy, least: np.ndarray, greatest: np.ndarray) -> np.ndarray:
        if hierarchy.points is not None:
            return hierarchy.lost(least, greatest)
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
