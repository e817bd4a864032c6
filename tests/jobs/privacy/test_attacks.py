"""The attacks on a release: a sound one is published, a copy of the raw rows is not, and every figure can fail."""

import stat
from pathlib import Path

import polars as pl
import pytest

from jobs.errors import LakehouseError, WrongUse
from jobs.privacy.attacks import attack, environment
from jobs.privacy.attacks.figures import Bounds, Figure, refused
from jobs.privacy.attacks.gate import examine
from jobs.privacy.attacks.view import QUASI, joined
from jobs.privacy.own_row import guessed, numbers
from tests.jobs.privacy import simulated

# With 1,000 attacks the smallest bound can still be shown.
QUICK = Bounds(attacks=1000)
SAME_WORDS = {"age": "age_band", "dx_date": "dx_period"}


@pytest.fixture(scope="module")
def sound() -> tuple[simulated.World, dict[str, Figure]]:
    """A release of 3,000 simulated patients, and what the gate says of it."""
    world = simulated.world(3_000)
    return world, named(examine(world.released, world.raw, world.control, simulated.told, QUICK))


@pytest.fixture(scope="module")
def copied() -> dict[str, Figure]:
    """What the gate says of the exact rows given as a release."""
    world = simulated.world(3_000)
    view = world.raw.rename(SAME_WORDS).with_columns(pl.col("dx_period").cast(pl.String))
    return named(
        examine(
            simulated.tables(view),
            world.raw,
            world.control,
            lambda exact: exact.rename(SAME_WORDS).with_columns(pl.col("dx_period").cast(pl.String)),
            QUICK,
        )
    )


def named(figures: list[Figure]) -> dict[str, Figure]:
    return {each.name: each for each in figures}


def test_a_sound_release_is_not_refused(sound: tuple[simulated.World, dict[str, Figure]]) -> None:
    _, figures = sound
    assert [each.name for each in refused(figures.values())] == []
    assert figures["positive control: singling out in the raw copy"].value > 0.9


@pytest.mark.parametrize(
    "name",
    [
        "columns of exact dates",
        "singling out, three attributes",
        "singling out, three ranges",
        "linkability, administrative | clinical",
    ],
)
def test_a_copy_of_the_raw_rows_is_refused(copied: dict[str, Figure], name: str) -> None:
    assert name in [each.name for each in refused(copied.values())]


@pytest.mark.parametrize("secret", ["outcome", "n_lines", "morphology_group", "grade"])
def test_who_was_copied_is_known_better_than_who_was_not(copied: dict[str, Figure], secret: str) -> None:
    figure = copied[f"inference of {secret} from quasi-identifiers"]
    assert (figure.kept, figure.value > 0.3) == (False, True)


def test_the_attacks_on_the_copy_succeed_nearly_always(copied: dict[str, Figure]) -> None:
    assert copied["singling out, three attributes"].value > 0.9
    assert copied["linkability, administrative | clinical"].value > 0.5


def test_a_truth_in_other_words_proves_nothing_and_is_refused(sound: tuple[simulated.World, dict[str, Figure]]) -> None:
    world, _ = sound
    with pytest.raises(WrongUse, match="found other words or other patients"):
        examine(
            world.released,
            world.raw,
            world.control,
            lambda exact: simulated.told(exact).with_columns(stage=pl.lit("early")),
            QUICK,
        )


def test_who_is_alone_with_facts_of_other_tables_is_singled_out(sound: tuple[simulated.World, dict[str, Figure]]) -> None:
    world, _ = sound
    numbers_of = world.released["edu_patient"].sort("patient_no")["patient_no"]
    events = pl.DataFrame({"patient_no": numbers_of, "kind": "surgery", "day": pl.Series(range(len(numbers_of)), dtype=pl.Int32)})
    released = {**world.released, "edu_event": events}
    view = joined(released)
    assert view["edu_event surgery day"].to_list() == events["day"].to_list()
    asked = next(each for each in attack._singling_out(view.columns, view.columns, QUICK) if "three attributes" in each.name)
    figure = asked.figure(attack._run({"release": view, "truth": view}, [asked.said])[0])
    assert (figure.kept, figure.value > 0.5) == (False, True)


def test_raw_rows_too_poor_for_the_positive_control_refuse_the_release() -> None:
    view = pl.DataFrame({"sex": ["F", "M"] * 200, "stage": ["I", "II", "III", "IV"] * 100, "outcome": ["died", "lives"] * 200})
    asked = attack._singling_out(view.columns, view.columns, Bounds(attacks=200))[0]
    figure = asked.figure(attack._run({"exact": view}, [asked.said])[0])
    assert (figure.name, figure.kept) == ("positive control: singling out in the raw copy", False)


@pytest.mark.parametrize(
    ("said", "value", "kept"),
    [
        ({"risk": 0.04, "low": 0.01, "control": 0.5}, 0.04, True),
        ({"risk": 0.30, "low": 0.20, "control": 0.5}, 0.30, False),
        ({"risk": 0.08, "low": 0.03, "control": 0.5}, 0.08, True),  # too few others to say, and nobody's own row tells
        ({"risk": 0.08, "low": 0.03, "control": 0.5, "own": 0.60}, 0.20, False),
        ({"risk": 0.00, "low": 0.00, "control": 0.5, "own": 0.60}, 0.20, False),
        (
            {"risk": 0.00, "low": 0.00, "control": 0.5, "own": 0.99, "without": 0.98},
            0.00,
            True,
        ),  # of the class everybody else gives it away
        ({"risk": 0.00, "low": 0.00, "control": 0.5, "own": 0.99, "without": 0.94}, 0.83333, False),
        ({"risk": 0.60, "low": 0.20, "control": 0.98}, 0.60, True),  # nearly everybody is guessed right anyway
        ({"risk": 0.60, "low": 0.20, "control": 0.93}, 0.60, False),
        (
            {"risk": 0.50, "low": 0.40, "control": 1.0, "own": 0.9, "without": 0.2},
            0.875,
            False,
        ),  # three strangers, all guessed right
        (
            {"risk": 0.00, "low": 0.00, "control": 0.0, "own": 0.9, "without": 0.2, "attacks": 0},
            0.875,
            False,
        ),  # no stranger at all
        ({"risk": 0.00, "low": 0.00, "control": 0.0, "attacks": 0}, 0.00, True),
    ],
)
def test_an_inference_refuses_where_others_or_those_left_out_are_guessed_worse_and_something_is_left_to_be_guessed(
    said: dict[str, float], value: float, kept: bool
) -> None:
    asked = next(each for each in attack._inference(["sex", "outcome"], Bounds()) if each.decides)
    usual = {"high": 1.0, "rate": 0.9, "independent": 0.0, "success": 1, "attacks": 1, "own": 0.5, "without": 0.5}
    figure = asked.figure(usual | said)
    assert (round(figure.value, 5), figure.kept) == (value, kept)


def test_own_rows_decide_where_no_patient_outside_has_the_secret() -> None:
    # One of each class of two says what the other does not.
    rows = pl.DataFrame({"sex": [f"class {at // 2}" for at in range(200)], "outcome": [f"{at % 2}" for at in range(200)]})
    strangers = rows.head(5).with_columns(outcome=pl.lit(None, pl.String))
    asked = next(each for each in attack._inference(["sex", "outcome"], Bounds()) if each.decides)
    figure = asked.figure(attack._run({"release": rows, "truth": rows, "control": strangers}, [asked.said])[0])
    assert (figure.value, figure.kept) == (0.5, False)
    assert "Each left out in turn: 0.5000" in figure.advice


def test_what_own_rows_give_away_is_the_same_to_the_attacks_as_to_those_who_make_a_release(
    sound: tuple[simulated.World, dict[str, Figure]],
) -> None:
    view = sound[0].released["edu_patient"]
    classes = numbers(view.select(pl.concat_str(QUASI, separator="|")).to_series())
    risk = guessed(numbers(view["outcome"]), classes, int(classes.max()) + 1).risk()
    assert 0 < risk < 1
    assert f"Each left out in turn: {risk:.4f}." in sound[1]["inference of outcome from quasi-identifiers"].advice


def test_what_fails_inside_the_attacks_is_told_without_values(tmp_path: Path) -> None:
    odd = {"release": pl.DataFrame({"secret": ["DUPONT"]})}
    with pytest.raises(LakehouseError, match="nothing may be published") as told:
        attack._run(
            odd,
            [
                {
                    "attack": "inference",
                    "release": "release",
                    "truth": "gone",
                    "control": "gone",
                    "known": [],
                    "secret": "secret",
                    "seed": 1,
                }
            ],
        )
    assert "DUPONT" not in str(told.value)


def test_the_rows_lie_where_nobody_else_can_read_them_and_are_gone_afterwards(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spy = tmp_path / "python"
    spy.write_text(
        f'#!/bin/sh\nls -ld "$3" > {tmp_path}/seen\nls "$3" >> {tmp_path}/seen\necho "$3" > {tmp_path}/where\necho "[]"\n'
    )
    spy.chmod(0o755)
    monkeypatch.setattr(attack, "python", lambda: spy)
    assert attack._run({"release": pl.DataFrame({"a": [1]})}, []) == []
    seen = (tmp_path / "seen").read_text()
    assert seen.startswith("drwx------")
    assert "release.parquet" in seen
    assert not Path((tmp_path / "where").read_text().strip()).exists()


def test_an_environment_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    lock = tmp_path / "attacks.txt"
    lock.write_text("no-such-package-of-ours==1.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(WrongUse, match=r"Expected `uv pip` to make the environment"):
        environment.python(tmp_path / "venv", lock)
    assert not (tmp_path / "venv" / ".ready").exists()


def test_who_may_not_make_the_environment_is_told_who_may() -> None:
    # Nobody makes files there, not even root.
    with pytest.raises(WrongUse, match="run `make attacks` as the owner of /sys/kernel"):
        environment.python(Path("/sys/kernel/venv"))


def test_the_environment_is_made_once(tmp_path: Path) -> None:
    lock = tmp_path / "attacks.txt"
    lock.write_text("")
    made = environment.python(tmp_path / "venv", lock)
    born = (tmp_path / "venv" / ".ready").stat().st_mtime_ns
    assert environment.python(tmp_path / "venv", lock) == made
    assert (tmp_path / "venv" / ".ready").stat().st_mtime_ns == born
    assert stat.S_ISLNK(made.lstat().st_mode) or made.is_file()
    lock.write_text("# another")
    environment.python(tmp_path / "venv", lock)
    assert (tmp_path / "venv" / ".ready").stat().st_mtime_ns != born
