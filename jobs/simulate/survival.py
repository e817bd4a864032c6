"""Times to death: piecewise-exponential hazards through the published survival at 1, 3 and 5 years."""

import numpy as np

from jobs.simulate.facts import Stratum

YEAR = 365.25
KNOTS = np.array([0.0, 1.0, 3.0, 5.0]) * YEAR
# A published survival of nought only says that nobody was followed longer.
LEAST = 0.01
GOLDEN = 0.6180339887498949


def hazards(stratum: Stratum) -> np.ndarray:
    """Deaths per day in the first year, the second and third, the fourth and fifth, and after (as in the last known interval)."""
    survival = np.maximum.accumulate(np.clip((1.0, *stratum.survival), LEAST, 1.0)[::-1])[::-1]
    falls = -np.diff(np.log(survival)) / np.diff(KNOTS)
    return np.append(falls, max(falls[-1], 0.01 / YEAR))


class Luck:
    """Even draws: the n-th patient of a stratum gets the n-th number of a golden-ratio sequence that starts anywhere.

    A stratum of a hundred patients then follows its published curve within a percent or two, where dice would miss it by five.
    """

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self._start = rng.random(count)
        self._drawn = np.zeros(count, dtype=np.int64)

    def draw(self, which: np.ndarray) -> np.ndarray:
        """A number between 0 and 1 for a patient of each given stratum."""
        order = np.argsort(which, kind="stable")
        counts = np.bincount(which, minlength=len(self._drawn))
        place = np.empty(len(which), dtype=np.int64)
        place[order] = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        numbers = (self._start[which] + (self._drawn[which] + place) * GOLDEN) % 1.0
        self._drawn += counts
        return numbers


def days_to_death(strata: tuple[Stratum, ...], which: np.ndarray, luck: Luck) -> np.ndarray:
    """Days from diagnosis to death of a patient of each given stratum.

    The inverse of the cumulative hazard at a standard exponential draw. Nobody dies in the first month, so that a death
    known by its month alone (day 15) never lies before the diagnosis.
    """
    rates = np.array([hazards(each) for each in strata])[which]
    spent = np.concatenate([np.zeros((len(which), 1)), np.cumsum(rates[:, :3] * np.diff(KNOTS), axis=1)], axis=1)
    drawn = -np.log1p(-luck.draw(which))
    piece = (drawn[:, None] >= spent[:, 1:]).sum(axis=1)
    row = np.arange(len(which))
    left = drawn - spent[row, piece]
    days = KNOTS[piece] + left / np.maximum(rates[row, piece], 1e-12)
    return np.maximum(days, 31).astype(np.int64)
