"""Anonymous tables: every class keeps its bounds, as little as possible is lost, and what could not be proven is not written."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import GateFailed, WrongUse
from jobs.privacy import hierarchy
from jobs.privacy.anonymise import Bounds
from jobs.privacy.spec import Spec
from jobs.privacy.table import anonymise_file, anonymised, loss_told, proven

QUASI = {"age": {}, "sex": {}, "region": {"table": "regions.csv"}, "diagnosed": {"periods": ["year", "quarter"]}}
REGIONS = "department,region\n75,Île-de-France\n92,Île-de-France\n13,Provence\n06,Provence\n"


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    """2,000 simulated people, some without an age or a day."""
    dice = np.random.default_rng(5)
    first = dt.date(2015, 1, 1)
    age = pl.Series(dice.normal(62, 14, 2000).clip(18, 99).astype(int).tolist())
    day = pl.Series([first + dt.timedelta(days=int(each)) for each in dice.integers(0, 3000, 2000)])
    return pl.DataFrame(
        {
            "patient_id": [f"p{number}" for number in range(2000)],
            "age": pl.select(pl.when(age % 17 != 0).then(age)).to_series(),
            "sex": dice.choice(["F", "M"], 2000),
            "region": dice.choice(["75", "92", "13", "06"], 2000, p=[0.6, 0.3, 0.08, 0.02]),
            "diagnosed": pl.select(pl.when(day.dt.day() > 2).then(day)).to_series(),
            "stage": dice.choice(["I", "II", "III", "IV", None], 2000),
            "samples": dice.integers(0, 4, 2000),
        }
    )


def spec(folder: Path, k: int = 11, diverse: int = 1, mode: str = "local") -> Spec:
    (folder / "regions.csv").write_text(REGIONS, encoding="utf-8")
    return Spec(Bounds(k, diverse), mode, ("stage",), ("samples",), ("patient_id",), QUASI, folder)


@pytest.mark.parametrize("mode", ["local", "global"])
@pytest.mark.parametrize(("k", "diverse"), [(2, 1), (11, 1), (11, 3), (40, 4)])
def test_every_class_keeps_its_bounds_and_nobody_is_left_out(
    people: pl.DataFrame, tmp_path: Path, mode: str, k: int, diverse: int
) -> None:
    said = spec(tmp_path, k, diverse, mode)
    made = anonymised(people, said)
    made.rows.write_parquet(tmp_path / "made.parquet")
    proof = proven(tmp_path / "made.parquet", said)
    assert (proof.smallest >= k, made.suppressed) == (True, 0)
    assert diverse == 1 or proof.varieties["stage"] >= diverse
    assert proof.classes > 1
    assert made.rows.columns == [*QUASI, "stage", "samples"]
    # What is told as it is stays the same rows in another order.
    kept = ["stage", "samples"]
    assert made.rows.select(kept).sort(kept).equals(people.select(kept).sort(kept))


def test_local_classes_lose_less_than_one_level_for_all_and_more_with_a_larger_k(people: pl.DataFrame, tmp_path: Path) -> None:
    lost = {(mode, k): anonymised(people, spec(tmp_path, k, mode=mode)).loss for mode in ("local", "global") for k in (5, 50)}
    assert 0 < lost["local", 5] < lost["local", 50] < lost["global", 50] < 1
    assert lost["local", 5] < lost["global", 5]


def test_the_same_rows_give_the_same_table_in_whatever_order_they_come(people: pl.DataFrame, tmp_path: Path) -> None:
    said = spec(tmp_path, 11, 3)
    assert anonymised(people, said).rows.equals(anonymised(people.sample(fraction=1.0, shuffle=True, seed=3), said).rows)


def told(frame: pl.DataFrame, k: int, **quasi: dict[str, list[str]]) -> dict[str, int]:
    """The classes of a table and their rows."""
    made = anonymised(frame, Spec(Bounds(k), quasi_identifiers=quasi))
    return dict(made.rows.group_by(*quasi).len().select(pl.concat_str(*quasi, separator=" "), "len").iter_rows())


def test_what_everybody_shares_is_told_and_what_only_few_have_is_not() -> None:
    frame = pl.DataFrame({"sex": ["F"] * 40, "town": ["A"] * 20 + ["B"] * 17 + ["C"] * 3})
    # Two of A keep the three of C company: alone they would be too few.
    assert told(frame, 5, sex={}, town={}) == {"F A": 18, "F B": 17, "F *": 5}


def test_those_who_keep_few_company_are_like_them_in_other_columns() -> None:
    frame = pl.DataFrame({"town": ["A"] * 20 + ["C"] * 3, "sex": ["F"] * 2 + ["M"] * 21})
    assert told(frame, 5, town={}, sex={}) == {"A M": 13, "A *": 5, "* M": 5}


def test_rows_of_one_number_lie_on_both_sides_of_a_cut_where_one_side_lacked_rows_else() -> None:
    assert told(pl.DataFrame({"age": [50] * 30 + [60] * 5}), 11, age={}) == {"50": 24, "50–60": 11}


def test_a_class_is_cut_so_that_no_row_is_left_over() -> None:
    assert told(pl.DataFrame({"age": range(33)}), 11, age={}) == {"0–10": 11, "11–21": 11, "22–32": 11}


def test_ordered_words_are_told_by_their_run() -> None:
    frame = pl.DataFrame({"grade": ["low"] * 8 + ["middle"] * 2 + ["high"] * 3})
    assert told(frame, 5, grade={"order": ["low", "middle", "high"]}) == {"low": 8, "middle–high": 5}


def test_a_few_without_a_number_go_with_a_run_and_many_by_themselves() -> None:
    ages = [30] * 9 + [70] * 9
    assert told(pl.DataFrame({"age": [*ages, None, None]}), 5, age={}) == {"30 or unknown": 5, "30": 6, "70": 9}
    assert told(pl.DataFrame({"age": [*ages, *[None] * 6]}), 5, age={}) == {"30": 9, "70": 9, "unknown": 6}


@pytest.mark.parametrize("mode", ["local", "global"])
def test_what_was_lost_is_read_from_the_words_alone(people: pl.DataFrame, tmp_path: Path, mode: str) -> None:
    said = spec(tmp_path, 11, mode=mode)
    made, hierarchies = anonymised(people, said), said.hierarchies(people)
    assert loss_told(made.rows.lazy(), hierarchies) == pytest.approx(made.loss)
    # Rows that were left out have lost everything.
    assert loss_told(made.rows.lazy(), hierarchies, suppressed=2000) == pytest.approx((made.loss + 1) / 2)
    with pytest.raises(ValueError, match="Expected cells of age in the words of its hierarchy"):
        loss_told(made.rows.lazy().with_columns(age=pl.lit("old")), hierarchies)


ROW = st.tuples(
    st.sampled_from([None, 1, 2, 3, 9]),
    st.sampled_from(["a", "b", "c", None]),
    st.sampled_from(["x", "y", "z"]),
    st.sampled_from("pqr"),
)


@settings(deadline=None, max_examples=100)
@given(rows=st.lists(ROW, min_size=12, max_size=80), k=st.integers(2, 6), diverse=st.integers(1, 3))
def test_no_table_whatsoever_has_a_class_below_its_bounds(rows: list[tuple[object, ...]], k: int, diverse: int) -> None:
    frame = pl.DataFrame(rows, schema={"age": pl.Int64, "town": pl.String, "grade": pl.String, "stage": pl.String}, orient="row")
    quasi: dict[str, dict[str, list[str]]] = {"age": {}, "town": {}, "grade": {"order": ["x", "y", "z"]}}
    said = Spec(Bounds(k, diverse), sensitive=("stage",), quasi_identifiers=quasi)
    if frame["stage"].n_unique() < diverse:
        with pytest.raises(WrongUse, match="Expected at least"):
            anonymised(frame, said)
        return
    made = anonymised(frame, said)
    found = made.rows.group_by(*quasi).agg(pl.len(), pl.col("stage").n_unique())
    assert (made.suppressed, made.rows.height) == (0, frame.height)
    assert found["len"].min() >= k
    assert found["stage"].min() >= diverse


def test_rows_that_cannot_be_told_apart_enough_are_no_table(people: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"^Expected at least 11 rows with 1 different values .* found 10 rows"):
        anonymised(people.head(10), spec(tmp_path))


def test_a_class_below_its_bounds_is_never_proven(tmp_path: Path) -> None:
    pl.DataFrame({"age": ["40–49"] * 11 + ["50–59"] * 10, "stage": ["I", "II"] * 10 + ["I"]}).write_parquet(
        tmp_path / "t.parquet"
    )
    with pytest.raises(GateFailed, match="found 10 rows and 2 values in what was written"):
        proven(tmp_path / "t.parquet", Spec(Bounds(11, 2), sensitive=("stage",), quasi_identifiers={"age": {}}))


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"shoe_size": [40] * 30}, "not named: shoe_size"),
        ({"patient_id": None}, "named but not there: patient_id"),
    ],
)
def test_a_column_that_nobody_thought_of_stops_everything(
    people: pl.DataFrame, tmp_path: Path, columns: dict[str, list[int] | None], fault: str
) -> None:
    [(name, values)] = columns.items()
    frame = people.head(30)
    frame = frame.drop(name) if values is None else frame.with_columns(pl.Series(name, values))
    with pytest.raises(WrongUse, match=fault):
        anonymised(frame, spec(tmp_path))


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("k = 0", "Expected k to be a whole number from 1, found 0"),
        ("k = 5\nkeeep = []", "found keeep: correct the spelling"),
        ("k = 5", "Expected at least one table"),
        ("l = 3\n[quasi_identifiers.age]", "Expected sensitive columns"),
        ("mode = 'best'\n[quasi_identifiers.age]", "Expected mode local or global"),
        ("[quasi_identifiers.age]\nband = [5]", "Expected one of bands, periods, prefixes, order, table"),
        ("k = ", "found none that can be read"),
        ("quasi_identifiers = ['age']", "Expected at least one table"),
        ("quasi_identifiers.age = 5", "Expected a table .quasi_identifiers.age"),
        ("drop = 5\n[quasi_identifiers.age]", "Expected drop in .* to be a list of columns"),
        ("[quasi_identifiers.age]\nbands = [0]", "Expected bands of age in .* to be numbers above 0"),
        ("[quasi_identifiers.age]\nbands = [-5]", "numbers above 0"),
        ("[quasi_identifiers.age]\nbands = []", "numbers above 0"),
        ("[quasi_identifiers.age]\nprefixes = ['2']", "whole numbers above 0"),
        ("[quasi_identifiers.age]\ntable = 3", "Expected table of age in .* to be the name of a file"),
    ],
)
def test_a_spec_that_cannot_be_followed_gets_a_sentence(tmp_path: Path, said: str, fault: str) -> None:
    (tmp_path / "spec.toml").write_text(said)
    with pytest.raises(WrongUse, match=fault):
        Spec.read(tmp_path / "spec.toml")


@pytest.mark.parametrize(
    ("said", "values", "fault"),
    [
        ({}, [1.0, float("nan")], "Expected finite numbers in age, found some that are not"),
        ({"bands": [10]}, [1.0, float("inf")], "Expected finite numbers in age"),
        ({"bands": [10]}, ["1", "2"], "Expected numbers in age, which the spec tells by bands, found String"),
        ({"prefixes": [1]}, [1, 2], "Expected text in age, which the spec tells by prefixes, found Int64"),
        ({"periods": ["year"]}, ["2020", "2021"], "Expected days in age, which the spec tells by periods, found String"),
    ],
)
def test_a_column_that_cannot_be_told_so_gets_a_sentence(said: dict[str, object], values: list[object], fault: str) -> None:
    rows = pl.DataFrame({"age": values * 20})
    with pytest.raises(WrongUse, match=fault):
        anonymised(rows, Spec(Bounds(2, 1), quasi_identifiers={"age": said}))


def test_a_column_may_have_quotation_marks_in_its_name(tmp_path: Path) -> None:
    asked = Spec(Bounds(2, 1), quasi_identifiers={'so "old"': {}})
    made = anonymised(pl.DataFrame({'so "old"': [1, 2] * 20}), asked)
    made.rows.write_parquet(tmp_path / "t.parquet")
    assert proven(tmp_path / "t.parquet", asked).rows == 40


def command_of(to: str, *options: str) -> list[str]:
    """`pscc anonymise in.parquet TO --spec spec.toml`, in a process of its own."""
    return [
        sys.executable,
        "-c",
        "from jobs.cli import main; main()",
        "anonymise",
        "in.parquet",
        to,
        "--spec",
        "spec.toml",
        *options,
    ]


def test_the_command_writes_a_new_file_and_says_what_it_cost(people: pl.DataFrame, tmp_path: Path) -> None:
    people.write_parquet(tmp_path / "in.parquet")
    (tmp_path / "regions.csv").write_text(REGIONS, encoding="utf-8")
    (tmp_path / "spec.toml").write_text(
        'k = 11\nl = 3\nsensitive = ["stage"]\nkeep = ["samples"]\ndrop = ["patient_id"]\n[quasi_identifiers.age]\n[quasi_identifiers.sex]\n'
        '[quasi_identifiers.region]\ntable = "regions.csv"\n[quasi_identifiers.diagnosed]\nperiods = ["year", "quarter"]\n'
    )
    command = command_of("out.parquet")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "rows suppressed" in done.stdout
    assert proven(tmp_path / "out.parquet", Spec.read(tmp_path / "spec.toml")).smallest >= 11
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (again.returncode, "Expected a new name" in again.stderr) == (2, True)


def test_nothing_is_written_where_the_proof_fails(people: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise GateFailed("no")

    monkeypatch.setattr("jobs.privacy.table.proven", refuse)
    people.select("age", "sex").write_parquet(tmp_path / "in.parquet")
    (tmp_path / "spec.toml").write_text("[quasi_identifiers.age]\n[quasi_identifiers.sex]\n")
    with pytest.raises(GateFailed):
        anonymise_file(tmp_path / "in.parquet", tmp_path / "out.parquet", tmp_path / "spec.toml")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.parquet", "spec.toml"]


# Hierarchies


def test_bands_fit_into_each_other() -> None:
    made = hierarchy.bands("age", [41, 49, 50, 67, None], [20, 10])
    assert made.labels[1:3] == (("unknown", "40–59", "40–59", "40–59", "60–79"), ("unknown", "40–49", "40–49", "50–59", "60–69"))
    with pytest.raises(ValueError, match="found 7 under 20"):
        hierarchy.bands("age", [41], [20, 7])


def test_no_number_counts_as_one_number_more() -> None:
    made = hierarchy.halves("age", [None, 40, 60, 80])
    told = [
        made.told(1, 1, mixed=True),
        made.told(1, 2, mixed=True),
        made.told(1, 3, mixed=True),
        made.told(0, 0),
        made.told(2, 3),
    ]
    assert told == ["40 or unknown", "40–60 or unknown", "*", "unknown", "60–80"]
    lost = made.lost(np.array([1, 1, 1, 0, 2]), np.array([1, 2, 3, 0, 3]), np.array([True, True, True, False, False]))
    assert lost.tolist() == pytest.approx([1 / 3, 2 / 3, 1.0, 0.0, 0.5])
    assert [made.loss_of(each) for each in told] == pytest.approx(lost.tolist())


def test_groups_of_one_name_under_different_parents_are_two() -> None:
    made = hierarchy.groups("site", ["a", "b", "c"], {"a": ["x", "other"], "b": ["x", "one"], "c": ["y", "other"]})
    assert made.groups.tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 2], [0, 1, 2]]
    assert made.loss[1].tolist() == [pytest.approx(2 / 3), 0.0]


def test_codes_are_grouped_by_their_first_characters_and_days_by_their_periods() -> None:
    assert hierarchy.prefixes("topography", ["C50.1", "C50.9", "C34.1"], [3]).labels[1] == ("C34", "C50", "C50")
    days = [dt.date(2020, 3, 31), dt.date(2020, 4, 1)]
    assert hierarchy.periods("day", days, ["year", "quarter"]).labels[1:3] == (("2020", "2020"), ("2020-Q1", "2020-Q2"))
    with pytest.raises(ValueError, match="found week"):
        hierarchy.periods("day", days, ["week"])


def test_words_have_the_order_that_was_said_and_no_others() -> None:
    made = hierarchy.ordered("grade", ["high", None, "low", "middle"], ["low", "middle", "high"])
    assert made.values == (None, "low", "middle", "high")
    assert (made.told(1, 3), made.told(2, 3), made.told(1, 1)) == ("low–high", "middle–high", "low")
    assert made.lost(np.array([1, 2, 0]), np.array([3, 3, 0])).tolist() == [1.0, 0.5, 0.0]
    with pytest.raises(ValueError, match="found 1 without"):
        hierarchy.ordered("grade", ["odd"], ["low"])


def test_of_two_groups_of_one_name_the_larger_says_what_is_lost() -> None:
    made = hierarchy.groups(
        "site", ["a", "b", "c", "d"], {"a": ["x", "other"], "b": ["x", "other"], "c": ["y", "other"], "d": ["y", "one"]}
    )
    assert [made.loss_of(told) for told in ("*", "other", "one", "a")] == [1.0, 0.5, 0.0, 0.0]
