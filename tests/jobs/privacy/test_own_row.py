"""What one's own row gives away, against the plain count: every patient left out in turn."""

from collections import Counter

import numpy as np
import polars as pl
import pytest

from jobs.privacy.own_row import Guessed, guessed, numbers


def counted_one_by_one(secrets: list[int], classes: list[int]) -> tuple[float, float]:
    """How many are guessed right by their class, and how many by the others of it; of equally many one is drawn."""

    def chance(rows: list[int], of: int) -> float:
        counts = Counter(rows)
        most = [each for each, count in counts.items() if count == max(counts.values())]
        return (of in most) / len(most) if most else 0.0

    alike = [[at for at, each in enumerate(classes) if each == mine] for mine in classes]
    with_own = sum(chance([secrets[at] for at in rows], secrets[me]) for me, rows in enumerate(alike))
    without = sum(chance([secrets[at] for at in rows if at != me], secrets[me]) for me, rows in enumerate(alike))
    return with_own, without


@pytest.mark.parametrize("seed", range(5))
def test_guesses_are_those_of_leaving_every_patient_out_in_turn(seed: int) -> None:
    draw = np.random.default_rng(seed)
    classes, secrets = draw.integers(0, 12, 60), draw.integers(0, 3, 60)
    found = guessed(secrets, classes, 12)
    one_by_one = counted_one_by_one(secrets.tolist(), classes.tolist())
    assert (found.with_own.sum(), found.without.sum()) == pytest.approx(one_by_one)
    assert found.told.sum() == 60


@pytest.mark.parametrize("fewer", [0, 1])
def test_an_even_class_gives_away_more_than_a_clear_one(fewer: int) -> None:
    found = guessed(np.array([1 - fewer] * 9 + [fewer] * 8 + [0] * 16 + [1]), np.repeat([0, 1], 17), 2)
    assert found.gain.tolist() == pytest.approx([4.5 / 17, 0])


def test_alone_in_a_class_there_is_nobody_to_guess_by() -> None:
    assert guessed(np.array([0, 0, 1]), np.array([0, 1, 2]), 3).risk() == 1.0


def test_what_nearly_everybody_has_is_no_secret() -> None:
    assert Guessed(np.array([100]), np.array([100]), np.array([96])).risk() == 0.0
    assert Guessed(np.array([100]), np.array([100]), np.array([90])).risk() == 1.0


def test_nothing_told_gives_nothing_away() -> None:
    assert guessed(np.array([], dtype=np.int64), np.array([], dtype=np.int64), 4).risk() == 0.0


def test_values_are_numbered_in_the_order_of_their_texts() -> None:
    assert numbers(pl.Series([10, 9, 10, 100])).tolist() == [0, 2, 0, 1]
