"""The gate: two hundred tables that tell of somebody are refused, a hundred that do not pass, and what is hidden stays hidden."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product

import numpy as np
import polars as pl
import pytest

from jobs.errors import GateFailed
from jobs.exports.earlier import Left, differenced
from jobs.exports.intervals import open_cells
from jobs.exports.judge import judge, protect, rounded
from jobs.exports.output import Behind, Output
from jobs.exports.text import harmless

Draw = np.random.Generator
SEXES, GROUPS = ("F", "M"), ("breast", "colon", "lung", "prostate", "skin")


def crossed(draw: Draw, low: int = 25, high: int = 400) -> dict[tuple[str, str], int]:
    """People by sex and tumour group, nowhere few."""
    groups = GROUPS[: int(draw.integers(2, 6))]
    return {key: int(draw.integers(low, high)) for key in product(SEXES, groups)}


def cube(cells: dict[tuple[str, str], int | None], shown: dict[tuple[str, str], int] | None = None) -> Output:
    """The cells with all their totals; those of `shown` where cells are hidden."""
    known = shown or cells
    rows: list[tuple[str | None, str | None, int | None]] = [(*key, count) for key, count in cells.items()]
    for sex in (*SEXES, None):
        for group in (*sorted({group for _, group in cells}), None):
            if None in (sex, group):
                total = sum(count or 0 for (s, g), count in known.items() if sex in (None, s) and group in (None, g))
                rows.append((sex, group, total))
    return Output(pl.DataFrame(rows, ["sex", "tumor_group", "n"], orient="row"), ("n",), totals=True)


def plain(cells: dict[tuple[str, str], int], **more: list[object]) -> pl.DataFrame:
    rows = [(*key, count) for key, count in cells.items()]
    return pl.DataFrame(rows, ["sex", "tumor_group", "n"], orient="row").with_columns(
        pl.Series(name, values) for name, values in more.items()
    )


# What tells of somebody


def a_small_cell(draw: Draw) -> Output:
    cells = crossed(draw)
    cells[list(cells)[int(draw.integers(len(cells)))]] = int(draw.integers(0, 11))
    return Output(plain(cells), ("n",)) if draw.random() < 0.5 else cube(dict(cells))


def a_hidden_cell_that_a_total_gives_away(draw: Draw) -> Output:
    cells = crossed(draw)
    key = list(cells)[int(draw.integers(len(cells)))]
    shown = cells | {key: int(draw.integers(1, 11))}
    return cube({**shown, key: None}, shown)


def two_hidden_cells_with_few_people_together(draw: Draw) -> Output:
    cells = crossed(draw)
    group = GROUPS[0]
    shown = cells | {("F", group): int(draw.integers(1, 5)), ("M", group): int(draw.integers(1, 5))}
    return cube({**shown, ("F", group): None, ("M", group): None}, shown)


def few_who_did_not_die(draw: Draw) -> Output:
    cells = crossed(draw)
    deaths = [max(0, count - 11 - int(draw.integers(1, 10))) for count in cells.values()]
    deaths[0] = next(iter(cells.values())) - int(draw.integers(1, 11))
    return Output(plain(cells, deaths=deaths), ("n", "deaths"))


def few_who_died(draw: Draw) -> Output:
    cells = crossed(draw)
    deaths = [count // 2 for count in cells.values()]
    deaths[-1] = int(draw.integers(0, 11))
    return Output(plain(cells, deaths=deaths), ("n", "deaths"))


def a_share_of_few(draw: Draw) -> Output:
    cells = crossed(draw)
    shares = [int(draw.integers(0, 10)) / count for count in cells.values()]
    return Output(plain(cells, dead=[1 - each for each in shares] if draw.random() < 0.5 else shares), ("n",))


def rows_of_people(draw: Draw) -> Output:
    size = int(draw.integers(20, 200))
    days = [date(2020, 1, 1) + timedelta(days=int(each)) for each in draw.integers(0, 900, size)]
    return Output(pl.DataFrame({"dx_date": days, "row": list(range(size)), "n": [1] * size}), ("n",))


def pseudonyms(draw: Draw) -> Output:
    size = int(draw.integers(2, 60))
    ids = [draw.bytes(16).hex() for _ in range(size)]
    name = str(draw.choice(["patient_id", "tumor_id", "who"]))
    return Output(pl.DataFrame({name: ids, "n": draw.integers(20, 90, size).tolist()}), ("n",))


def lists_of_values(draw: Draw) -> Output:
    cells = crossed(draw)
    return Output(plain(cells, days=[draw.integers(0, 999, 20).tolist() for _ in cells]), ("n",))


def no_count(draw: Draw) -> Output:
    cells = crossed(draw)
    return Output(plain(cells).drop("n") if draw.random() < 0.5 else plain(cells).cast({"n": pl.Float64}), ("n",))


def a_data_set(draw: Draw) -> Output:
    size = int(draw.integers(2_001, 4_000))
    return Output(pl.DataFrame({"code": list(range(size)), "n": [50] * size}), ("n",))


UNSAFE: tuple[Callable[[Draw], Output], ...] = (
    a_small_cell,
    a_hidden_cell_that_a_total_gives_away,
    two_hidden_cells_with_few_people_together,
    few_who_did_not_die,
    few_who_died,
    a_share_of_few,
    rows_of_people,
    pseudonyms,
    lists_of_values,
    no_count,
    a_data_set,
)


def test_two_hundred_unsafe_tables_are_refused() -> None:
    passed = [(kind.__name__, seed) for seed in range(209) if not judge((kind := UNSAFE[seed % len(UNSAFE)])(drawn(seed)))]
    assert passed == []


def drawn(seed: int) -> Draw:
    return np.random.default_rng(seed)


# What tells of nobody


def many_in_every_cell(draw: Draw) -> Output:
    return Output(plain(crossed(draw, low=11)), ("n",))


def many_with_totals(draw: Draw) -> Output:
    return cube(dict(crossed(draw, low=11)))


def means_and_shares_of_many(draw: Draw) -> Output:
    cells = crossed(draw, low=40)
    means = draw.uniform(100, 900, len(cells)).tolist()
    return Output(plain(cells, mean_days=means, dead=draw.uniform(0.3, 0.7, len(cells)).tolist()), ("n",))


def many_who_died_and_did_not(draw: Draw) -> Output:
    cells = crossed(draw, low=30)
    return Output(plain(cells, deaths=[count // 2 for count in cells.values()]), ("n", "deaths"))


def well_hidden(draw: Draw) -> Output:
    """Two small cells in each of two rows and columns: their totals leave them open."""
    shown = crossed(draw, low=60) | {key: int(draw.integers(6, 11)) for key in product(SEXES, GROUPS[:2])}
    return cube({**shown, **dict.fromkeys(product(SEXES, GROUPS[:2]))}, shown)


SAFE = (many_in_every_cell, many_with_totals, means_and_shares_of_many, many_who_died_and_did_not, well_hidden)


def test_at_most_five_of_a_hundred_safe_tables_are_refused() -> None:
    refused = [(kind.__name__, seed) for seed in range(100) if judge((kind := SAFE[seed % len(SAFE)])(drawn(seed)))]
    assert len(refused) <= 5, refused


# What is hidden


@pytest.mark.parametrize("seed", range(20))
def test_what_is_hidden_cannot_be_computed_from_what_is_shown(seed: int) -> None:
    draw = drawn(seed)
    cells = crossed(draw)
    for key in draw.permutation(list(cells))[: int(draw.integers(1, 4))]:
        cells[str(key[0]), str(key[1])] = int(draw.integers(1, 11))
    told = protect(cube(dict(cells)))
    assert open_cells(cube(dict(cells)), told.shown, [(1, None)] * len(told.shown)) == []
    assert 0 < told.hidden < len(told.shown)
    shown = [each for each in told.shown if each is not None]
    assert min(shown) >= 11
    assert told.rows["n"].to_list() == [rounded(each) for each in told.shown]


def test_one_small_cell_takes_another_of_its_row_and_of_its_column_with_it() -> None:
    told = protect(cube({("F", "breast"): 90, ("F", "lung"): 70, ("M", "breast"): 4, ("M", "lung"): 60}))
    assert told.rows.rows()[:4] == [("F", "breast", None), ("F", "lung", None), ("M", "breast", None), ("M", "lung", None)]


def test_hidden_people_hide_their_means_and_the_means_of_all_totals() -> None:
    rows = cube({("F", "breast"): 90, ("F", "lung"): 70, ("M", "breast"): 4, ("M", "lung"): 60}).rows
    told = protect(Output(rows.with_columns(days=pl.Series([123.456] * rows.height)), ("n",), totals=True))
    assert told.rows["days"].to_list() == [None] * rows.height


@pytest.mark.parametrize(
    ("people", "dead", "told"),
    [
        # Nobody died of the second group: the total less the first would say so.
        ([60, 45, 105], [30, 0, 30], [None, None, 30]),
        # 85 of 90 died in the first two groups: at least 40 of each, for nobody dies who is not there.
        ([45, 45, 45, 135], [40, 45, 25, 110], [None, None, None, 110]),
    ],
)
def test_a_part_is_none_to_all_of_the_people_of_its_row(people: list[int], dead: list[int], told: list[int | None]) -> None:
    groups = [*GROUPS[: len(people) - 1], None]
    rows = pl.DataFrame({"tumor_group": groups, "n": people, "dead": dead})
    assert protect(Output(rows, ("n", "dead"), totals=True)).rows["dead"].to_list() == told


def test_a_total_over_groups_that_overlap_is_no_sum() -> None:
    rows = pl.DataFrame({"tumor_group": ["breast", "lung", "skin", None], "n": [60, 50, 4, 100]})
    told = protect(Output(rows, ("n",), totals=True))
    assert told.shown == (60, 50, None, 100)


def test_a_lonely_small_cell_under_its_total_cannot_be_hidden() -> None:
    rows = pl.DataFrame({"sex": ["F", None], "n": [4, 4]})
    assert protect(Output(rows, ("n",), totals=True)).shown == (None, None)


def test_nothing_helps_a_table_of_people() -> None:
    with pytest.raises(GateFailed, match="Expected no pseudonyms"):
        protect(Output(pl.DataFrame({"patient_id": ["a"], "n": [40]}), ("n",)))


@pytest.mark.parametrize(("count", "told"), [(11, 15), (17, 15), (18, 20), (22, 20), (23, 25), (1234, 1235), (None, None)])
def test_counts_leave_as_multiples_of_five(count: int | None, told: int | None) -> None:
    assert rounded(count) == told


def test_a_mean_leaves_with_three_digits() -> None:
    rows = pl.DataFrame({"sex": ["F"], "n": [40], "days": [1234.567], "dead": [0.45678]})
    assert protect(Output(rows, ("n",))).rows.rows() == [("F", 40, 1230.0, 0.457)]


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        (Behind([11], [11]), True),
        (Behind([500], [900]), True),
        (Behind([1], [1]), False),
        (Behind([10], [10]), False),
        # One of twelve has eleven rows.
        (Behind([12], [23]), False),
        (Behind([20], [20], 0.25), True),
        (Behind([19], [19], 0.25), False),
    ],
)
def test_a_mean_is_of_many_whoever_else_is_in_the_row(behind: Behind, told: bool) -> None:
    rows = pl.DataFrame({"sex": ["F"], "n": [500], "days": [63.0]})
    assert (judge(Output(rows, ("n",), behind={"days": behind})) == []) == told


def test_a_share_among_percentages_is_one_of_few_too() -> None:
    rows = pl.DataFrame({"sex": ["F", "M"], "n": [500, 500], "days": [63.0, 0.004]})
    assert "found 1 in days" in judge(Output(rows, ("n",)))[0]


def test_a_share_is_hidden_with_either_of_its_counts() -> None:
    rows = pl.DataFrame({"sex": ["F", "M"], "n": [100, 99], "dead": [40, 3], "percent": [40.0, 3.03]})
    told = protect(Output(rows, ("n", "dead"), shares={"percent": ("dead", "n")}))
    assert told.rows["percent"].to_list() == [40.0, None]


# Earlier outputs

BEFORE = {("F", "breast"): 90, ("F", "lung"): 70, ("M", "breast"): 50, ("M", "lung"): 60}


@pytest.mark.parametrize(
    ("now", "betrayed"),
    [
        (BEFORE, set()),
        (BEFORE | {("M", "lung"): 59}, {3}),
        (BEFORE | {("M", "lung"): 40}, set()),
        ({key: count + 40 for key, count in BEFORE.items()}, set()),
    ],
)
def test_a_table_that_differs_from_an_earlier_one_by_few_people_tells_of_them(
    now: dict[tuple[str, str], int], betrayed: set[int]
) -> None:
    before = Left(1, ("sex", "tumor_group"), dict(BEFORE))
    assert differenced(Output(plain(now), ("n",)), [before]) == betrayed
    assert bool(judge(Output(plain(now), ("n",)), betrayed)) == bool(betrayed)


@pytest.mark.parametrize(("by", "betrayed"), [(("sex", "tumor_group"), {3}), (("sex",), {3}), (("marker",), set())])
def test_other_names_for_the_groups_of_an_earlier_table_do_not_hide_whom_it_tells_of(
    by: tuple[str, ...], betrayed: set[int]
) -> None:
    now = (
        plain(BEFORE | {("M", "lung"): 59})
        .with_columns(pl.col("sex").str.to_lowercase())
        .rename({"sex": "s", "tumor_group": "g"})
    )
    assert differenced(Output(now, ("n",), grouped_by=by), [Left(1, ("sex", "tumor_group"), dict(BEFORE))]) == betrayed


# Text


def test_what_begins_like_a_formula_leaves_as_text() -> None:
    rows = pl.DataFrame({"=a": ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "plain", None]})
    told = harmless(rows.to_arrow())
    assert told.column_names == ["'=a"]
    assert told["'=a"].to_pylist() == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "plain", None]
