"""How many patients are left after each step, as it may be shown: no count tells of few people, nor do two of them together."""

from collections.abc import Sequence

from jobs.exports.judge import rounded
from jobs.exports.output import LEAST


def shown(counts: Sequence[int]) -> list[int | None]:
    """The counts of steps that narrow each other, as multiples of five; None for one under 11, or that another one differs from by fewer.

    From the last step up, since that is the cohort: the steps of a table differ by whom a criterion left out.
    """
    told: list[int | None] = []
    below = None
    for count in reversed(counts):
        hidden = count < LEAST or (below is not None and 0 < count - below < LEAST)
        told.append(None if hidden else rounded(count))
        below = below if hidden else count
    return told[::-1]
