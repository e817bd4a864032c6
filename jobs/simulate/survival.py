"""Times to death: piecewise-exponential hazards through the published survival at 1, 3 and 5 years."""

import numpy as np

from jobs.simulate.facts import Stratum

YEAR = 365.25
KNOTS = np.array([0.0, 1.0, 3.0, 5.0]) * YEAR
# A published survival of nought only says that nobody was followed longer.
LEAST = 0.01


def hazards(stratum: Stratum) -> np.ndarray:
    """Deaths per day in the first year, the second and third, the fourth and fifth, and after (as in the last known interval)."""
    survival = np.maximum.accumulate(np.clip((1.0, *stratum.survival), LEAST, 1.0)[::-1])[::-1]
    falls = -np.diff(np.log(survival)) / np.diff(KNOTS)
    return np.append(falls, max(falls[-1], 0.01 / YEAR))


def days_to_death(strata: tuple[Stratum, ...], which: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Days from diagnosis to death of a patient of each given stratum.

    The inverse of the cumulative hazard at a standard exponential draw. Nobody dies in the first month, so that a death
    known by its month alone (day 15) never lies before the diagnosis.
    """
    rates = np.array([hazards(each) for each in strata])[which]
    spent = np.concatenate([np.zeros((len(which), 1)), np.cumsum(rates[:, :3] * np.diff(KNOTS), axis=1)], axis=1)
    drawn = rng.exponential(size=len(which))
    piece = (drawn[:, None] >= spent[:, 1:]).sum(axis=1)
    row = np.arange(len(which))
    left = drawn - spent[row, piece]
    days = KNOTS[piece] + left / np.maximum(rates[row, piece], 1e-12)
    return np.maximum(days, 31).astype(np.int64)
