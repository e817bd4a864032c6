"""Days from diagnosis in bins: 30 days up to two years, 90 up to five, then 180; coarser bins are runs of these. A year is 360 days.

Every coarser bin ends where a year of the curves does (1, 3 and 5 years), so that what survives until then is told without error.
"""

from bisect import bisect_right

LAST = 3650
# Where bins begin, from coarse to fine; each is a run of the next.
BEGINNINGS = (
    (0, 360, 1080),
    (0, 360, 720, 1080, 1800),
    (0, 180, 360, 540, 720, 1080, 1440, 1800, 2520),
    (*range(0, 720, 90), *range(720, 1800, 180), 1800, 2160, 2520, 2880, 3240),
    (*range(0, 720, 30), *range(720, 1800, 90), *range(1800, 3421, 180)),
)


def middles(day: int) -> list[int]:
    """The middle of the bin in which a day lies, from coarse to fine."""
    return [(low + high) // 2 for low, high in (bin_of(day, level) for level in range(len(BEGINNINGS)))]


def bin_of(day: int, level: int) -> tuple[int, int]:
    """Where the bin of a day begins, and where the next one does."""
    cuts = BEGINNINGS[level]
    at = bisect_right(cuts, min(max(day, 0), LAST - 1)) - 1
    return cuts[at], cuts[at + 1] if at + 1 < len(cuts) else LAST
