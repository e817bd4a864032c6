"""What one's own row gives away: how much better an attacker guesses a secret with a release that has it than with one that has not.

Who knows the class of somebody guesses what most of the class say. Where a class is small or nearly even, one row more or less turns the
guess. Leaving every patient out in turn measures just that, without a second set of patients and the luck in it.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

# Where fewer guesses than these go wrong nothing is left that a row could give away.
NO_SECRET = 0.05


@dataclass(frozen=True)
class Guessed:
    """By class: of how many a secret is told, of how many it is guessed right, and of how many by the rows of all others."""

    told: np.ndarray
    with_own: np.ndarray
    without: np.ndarray

    @property
    def gain(self) -> np.ndarray:
        """By class: the share of its patients whose secret only their own row gives away."""
        gained: np.ndarray = (self.with_own - self.without) / np.maximum(self.told, 1)
        return gained

    def risk(self, left: np.ndarray | slice = slice(None)) -> float:
        """The share of what the others do not give away that one's own row does, in all classes or in those `left`."""
        told, with_own, without = (float(each[left].sum()) for each in (self.told, self.with_own, self.without))
        return (with_own - without) / (told - without) if told - without >= NO_SECRET * told > 0 else 0.0


def guessed(secret: np.ndarray, classes: np.ndarray, number: int) -> Guessed:
    """What is guessed of patients by their class; secrets and classes are numbers from 0, of the latter there are `number`.

    Who has to choose between secrets that equally many have is right of one in so many.
    """
    counts = np.zeros((number, int(secret.max(initial=0)) + 1))
    np.add.at(counts, (classes, secret), 1)
    with_own = counts[classes]
    others = with_own.copy()
    others[np.arange(len(secret)), secret] -= 1
    chances = (_chance(each, secret) for each in (with_own, others))
    return Guessed(np.bincount(classes, minlength=number), *(np.bincount(classes, each, number) for each in chances))


def _chance(counts: np.ndarray, secret: np.ndarray) -> np.ndarray:
    """By row: the chance that what most have is the secret. Alone in a class, a patient leaves nobody to guess by."""
    most = counts.max(axis=1, initial=0)
    likely = counts == most[:, None]
    chance: np.ndarray = np.where(most > 0, likely[np.arange(len(secret)), secret] / np.maximum(likely.sum(axis=1), 1), 0.0)
    return chance


def numbers(values: pl.Series) -> np.ndarray:
    """Values as numbers from 0, in the order of their texts."""
    counted: np.ndarray = values.cast(pl.String).rank("dense").to_numpy().astype(np.int64) - 1
    return counted
