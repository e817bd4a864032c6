"""The attack on hidden cells: what can be computed of them from the totals and the cells that are shown."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog

from jobs.exports.output import LEAST, Output, Sum

# A hidden cell may be any of at least so many numbers.
WIDTH = LEAST - 1
# The solver's own rounding.
SLACK = 1e-6
INFEASIBLE = 2
Counts = Sequence[int | None]
# The least and the most that a hidden count can be for all that its row tells; no most where the row does not tell any.
Bounds = Sequence[tuple[int, int | None]]
Terms = list[np.ndarray]


def open_cells(output: Output, counts: Counts, bounds: Bounds) -> list[int]:
    """The rows whose hidden count (None) is known to within less than `WIDTH`, by linear programming.

    Whoever attacks knows every shown count exactly, though it is written rounded, and the bounds of each hidden one. Where groups overlap, as for a patient with two tumours, a total is no sum: no part is more than it, and all are no less.
    """
    hidden = [row for row, count in enumerate(counts) if count is None]
    if not hidden:
        return []
    overlapping = _overlapping(output, counts)
    attack = _Attack(output, counts, bounds, overlapping)
    if not attack.is_possible():
        # The hidden cells overlap, which no shown total told.
        attack = _Attack(output, counts, bounds, {each.divided_by for each in output.sums})
    return [row for row in hidden if attack.width(row) < WIDTH - SLACK]


def _overlapping(output: Output, counts: Counts) -> set[frozenset[str]]:
    """By which columns the shown parts of some shown total add up to another number."""
    return {each.divided_by for each in output.sums if _contradicts(each, counts)}


def _contradicts(total: Sum, counts: Counts) -> bool:
    parts = [counts[row] for row in total.parts]
    known = counts[total.total]
    return known is not None and None not in parts and sum(each or 0 for each in parts) != known


class _Attack:
    def __init__(self, output: Output, counts: Counts, bounds: Bounds, overlapping: set[frozenset[str]]) -> None:
        self.size = len(counts)
        self.bounds = [bound if count is None else (count, count) for count, bound in zip(counts, bounds, strict=True)]
        self.equal: Terms = []
        self.at_most: Terms = []
        for each in output.sums:
            if any(columns <= each.divided_by for columns in overlapping):
                self.at_most += [self._terms({each.total: 1} | dict.fromkeys(each.parts, -1))]
                self.at_most += [self._terms({each.total: -1, part: 1}) for part in each.parts]
            else:
                self.equal.append(self._terms({each.total: 1} | dict.fromkeys(each.parts, -1)))

    def _terms(self, factors: dict[int, int]) -> np.ndarray:
        terms = np.zeros(self.size)
        for row, factor in factors.items():
            terms[row] = factor
        return terms

    def is_possible(self) -> bool:
        """False where the shown numbers contradict each other."""
        return self._solved(np.zeros(self.size))[0] != INFEASIBLE

    def width(self, row: int) -> float:
        """How many numbers apart the least and the most are that a hidden count can be."""
        (least_found, least), (most_found, most) = (self._solved(self._terms({row: sign})) for sign in (1, -1))
        return -most - least if least_found == most_found == 0 else float("inf")

    def _solved(self, wanted: np.ndarray) -> tuple[int, float]:
        """How the solver ended, and the smallest value that the shown numbers allow."""
        found = linprog(
            wanted,
            A_eq=np.array(self.equal) if self.equal else None,
            b_eq=np.zeros(len(self.equal)) if self.equal else None,
            A_ub=np.array(self.at_most) if self.at_most else None,
            b_ub=np.zeros(len(self.at_most)) if self.at_most else None,
            bounds=self.bounds,
            method="highs",
        )
        return int(found.status), float(found.fun) if found.status == 0 else 0.0
