"""Anonymous tables: every class keeps its bounds, as little as possible is lost, and what could not be proven is not written."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jobs.errors import GateFailed, WrongUse
from jobs.privacy import hierarchy
from jobs.privacy.anonymise import Bounds
from jobs.privacy.spec import Spec
from jobs.privacy.table import anonymise_file, anonymised, proven

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


def test_what_everybody_shares_is_told_and_what_only_few_have_is_not() -> None:
    frame = pl.DataFrame({"sex": ["F"] * 40, "town": ["A"] * 20 + ["B"] * 17 + ["C"] * 3})
    made = anonymised(frame, Spec(Bounds(5), quasi_identifiers={"sex": {}, "town": {}}))
    assert dict(made.rows.group_by("sex", "town").len().select(pl.format("{} {}", "sex", "town"), "len").iter_rows()) == {
        "F A": 20,
        "F *": 20,
    }


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
        ("[quasi_identifiers.age]\nband = [5]", "Expected one of bands, periods, prefixes, table"),
        ("k = ", "found none that can be read"),
    ],
)
def test_a_spec_that_cannot_be_followed_gets_a_sentence(tmp_path: Path, said: str, fault: str) -> None:
    (tmp_path / "spec.toml").write_text(said)
    with pytest.raises(WrongUse, match=fault):
        Spec.read(tmp_path / "spec.toml")


def test_the_command_writes_a_new_file_and_says_what_it_cost(people: pl.DataFrame, tmp_path: Path) -> None:
    people.write_parquet(tmp_path / "in.parquet")
    (tmp_path / "regions.csv").write_text(REGIONS, encoding="utf-8")
    (tmp_path / "spec.toml").write_text(
        'k = 11\nl = 3\nsensitive = ["stage"]\nkeep = ["samples"]\ndrop = ["patient_id"]\n[quasi_identifiers.age]\n[quasi_identifiers.sex]\n'
        '[quasi_identifiers.region]\ntable = "regions.csv"\n[quasi_identifiers.diagnosed]\nperiods = ["year", "quarter"]\n'
    )
    command = [
        sys.executable,
        "-c",
        "from jobs.cli import main; main()",
        "anonymise",
        "in.parquet",
        "out.parquet",
        "--spec",
        "spec.toml",
    ]
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


def test_a_number_or_none_is_told_as_nothing_and_loses_all() -> None:
    made = hierarchy.halves("age", [None, 40, 60, 80])
    assert (made.told(0, 1), made.told(1, 2), made.told(0, 0), made.told(3, 3)) == ("*", "40–60", "unknown", "80")
    assert made.lost(np.array([0, 1, 1]), np.array([1, 2, 3])).tolist() == [1.0, 0.5, 1.0]


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
