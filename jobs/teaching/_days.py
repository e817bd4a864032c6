"""Days from diagnosis in bins of whole months: one up to two years, three up to five, then six; coarser bins are runs of these.

A year has 365.25 days. Every coarser bin ends where a year of the curves does (1, 3 and 5 years), so that what survives until then is
told without error. Who dies and who is lost in one bin would share its middle, and who is lost count as if followed to its end: survival
would be too high. So up to five years the end of who is alive is told in halves of these bins: one half leaves before the deaths.
"""

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from math import ceil

LAST, YEAR = 3650, 365.25
HALVED = 60.0
Levels = tuple[tuple[int, ...], ...]
# The months with which bins begin, from coarse to fine; each is a run of the next.
MONTHS = (
    (0, 12, 36),
    (0, 12, 24, 36, 60),
    (0, 6, 12, 18, 24, 36, 48, 60, 84),
    (*range(0, 24, 3), *range(24, 60, 6), 60, 72, 84, 96, 108),
    (*range(24), *range(24, 60, 3), *range(60, 115, 6)),
)


def _days(months: Sequence[float]) -> tuple[int, ...]:
    return tuple(ceil(month * YEAR / 12) for month in months)


def _halved(months: Sequence[float]) -> list[float]:
    return sorted({*months, *((low + high) / 2 for low, high in itertools.pairwise(months) if high <= HALVED)})


BEGINNINGS: Levels = tuple(_days(months) for months in MONTHS)
ALIVE: Levels = tuple(_days(_halved(months)) for months in MONTHS)


def middles(day: int, levels: Levels = BEGINNINGS) -> list[int]:
    """The middle of the bin in which a day lies, from coarse to fine."""
    return [(low + high) // 2 for low, high in (bin_of(day, cuts) for cuts in levels)]


def ends(days: int, died: bool) -> list[int]:
    """How the end of a follow-up is told, from coarse to fine."""
    return middles(days, BEGINNINGS if died else ALIVE)


def bin_of(day: int, cuts: Sequence[int]) -> tuple[int, int]:
    """Where the bin of a day begins, and where the next one does."""
    at = bisect_right(cuts, min(max(day, 0), LAST - 1)) - 1
    return cuts[at], cuts[at + 1] if at + 1 < len(cuts) else LAST
