"""Whatever two facts about a patient somebody knows: k patients of the release share them."""

import itertools
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.privacy.attacks.utility import survival
from jobs.privacy.events import Fact, Telling, fewest
from jobs.teaching._days import ALIVE, BEGINNINGS, LAST, YEAR, Levels, bin_of, ends, middles


def fewest_pairs(telling: Telling) -> int:
    """The fewest who share two facts, counted the slow way."""
    counts: dict[tuple[int, int], int] = {}
    for row in telling.now.tolist():
        told = sorted(value for value in row if value)
        for at, one in enumerate(told):
            for other in told[at + 1 :]:
                counts[one, other] = counts.get((one, other), 0) + 1
    return min(counts.values(), default=telling.k)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.sampled_from([0.0, 0.1, 0.5]))
def test_any_two_facts_that_are_told_of_one_are_told_of_k(seed: int, k: int, losing: float):
    draw, telling = np.random.default_rng(seed), Telling(60, k)
    for name in "abcd":
        persons = np.flatnonzero(draw.random(60) < 0.8)
        telling.add(name, persons, [[f"{day // 20}", f"{day // 5}", f"{day}"] for day in draw.integers(0, 40, len(persons))])
        telling.refine(name, 1)
    for step in (2, 3):
        for name in "abcd":
            telling.refine(name, step, losing)
    assert fewest_pairs(telling) >= k


def test_a_fact_is_told_as_finely_as_k_share_it_and_coarsely_of_the_others():
    telling = Telling(12, 3)
    telling.add("day", range(12), [["near", "1"]] * 6 + [["near", "2"]] * 4 + [["far", "9"]] * 2)
    telling.refine("day")
    assert telling.told("day") == ["1"] * 6 + ["2"] * 4 + [None] * 2


def test_who_stays_behind_is_not_left_alone():
    """Two of eight have another day: told of the six alone, it would tell of the two."""
    telling = Telling(8, 3)
    telling.add("day", range(8), [["near", "1"]] * 6 + [["near", "2"]] * 2)
    telling.refine("day")
    assert telling.told("day") == ["near"] * 8


def test_a_few_lose_a_fact_so_that_the_others_can_be_told_finely_only_where_that_is_allowed():
    telling = Telling(8, 3)
    telling.add("day", range(8), [["near", "1"]] * 6 + [["near", "2"]] * 2)
    telling.refine("day", 1)
    telling.refine("day", 2, losing=0.25)
    assert telling.told("day") == ["1"] * 6 + [None] * 2


def test_two_facts_that_each_many_share_are_not_both_told_where_few_share_both():
    telling = Telling(20, 5)
    telling.add("gene", range(10), [["TP53"]] * 10)
    telling.add("marker", range(8, 20), [["positive"]] * 12)
    telling.refine("gene")
    telling.refine("marker")
    assert telling.told("marker") == [None] * 10 + ["positive"] * 10


def test_sql_finds_the_two_facts_that_the_fewest_share_in_what_was_written():
    events = pl.LazyFrame({"patient_no": [1, 1, 2, 2, 3], "kind": ["a", "b", "a", "b", "a"], "day": [15, 45, 15, 45, 15]})
    markers = pl.LazyFrame({"patient_no": [1, 2, 3, 3], "marker": ["er", "er", "er", "pr"], "result": ["p", "p", "p", None]})
    facts = [Fact("events", ("day",), ("kind",)), Fact("markers", ("result",), ("marker",))]
    assert fewest({"events": events, "markers": markers}, facts) == (2, 2)


def test_sql_does_not_count_what_says_nothing():
    lines = pl.LazyFrame({"patient_no": [1, 2, 3], "regimen": ["a", "a", "other"]})
    assert fewest({"lines": lines}, [Fact("lines", ("regimen",), silent="other")]) == (2, 2)


@pytest.mark.parametrize("day", [0, 30, 31, 365, 366, 730, 731, 1095, 1096, 1826, 1827, 3469, 3470, 3649, 3650, 9999])
@pytest.mark.parametrize("levels", [BEGINNINGS, ALIVE])
def test_every_bin_of_a_day_lies_in_the_next_coarser_one_and_no_day_outside(day: int, levels: Levels):
    bins = [bin_of(day, cuts) for cuts in levels]
    assert all(low <= min(day, LAST - 1) < high for low, high in bins)
    assert all(coarse[0] <= fine[0] and fine[1] <= coarse[1] for coarse, fine in itertools.pairwise(bins))


def test_the_finest_bins_are_those_of_the_contract():
    assert [middles(day)[-1] for day in (0, 31, 730, 731, 1826, 1827, 2010)] == [15, 46, 716, 776, 1781, 1918, 2100]


@pytest.mark.parametrize("level", range(1, len(BEGINNINGS)))
def test_curves_of_wide_bins_are_those_of_exact_days_as_who_is_lost_is_told_in_halves(level: int):
    draw = np.random.default_rng(5)
    death, lost = draw.exponential(900, 20_000).astype(int), draw.integers(0, 2_500, 20_000)
    exact = pl.DataFrame({"days": np.minimum(death, lost), "event": death <= lost})

    def told(tell: Callable[[int, bool], list[int]]) -> pl.DataFrame:
        return exact.with_columns(days=pl.Series([tell(*row)[level] for row in exact.rows()]))

    def gap(rows: pl.DataFrame) -> float:
        return max(abs(survival(rows, year * YEAR) - survival(exact, year * YEAR)) for year in (1, 3, 5))

    assert gap(told(ends)) < 0.004
    assert gap(told(lambda days, _: middles(days))) > 0.006
