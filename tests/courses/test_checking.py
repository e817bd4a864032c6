"""Answers: what is right, what is said of what is wrong, what is kept."""

import hashlib
import json
import sqlite3
import stat
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from courses.checking import code, progress
from courses.checking.attempts import Attempts
from courses.checking.badges import forget
from courses.checking.canonical import MAX_ROWS, admit, canonical, dumps
from courses.checking.cohort import COHORT_SQL, cohort, is_in_cohort
from courses.checking.compare import differences
from courses.checking.errors import BrokenChain, CheckingError, NoSuchTable, NotAnAnswer, UnknownExercise
from courses.checking.exercise import Exercise, Figure, Series
from courses.checking.service import FAILURES, Checking
from tests.courses.conftest import COURSES, solve

TUMOURS, STAGES, FREQUENCY, DEATHS = (
    f"example.{name}" for name in ("counting.tumours", "counting.stages", "drawing.frequency", "drawing.deaths")
)
MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)


# ── cohort ──


def test_a_cohort_is_four_fifths_of_the_tumours_always_the_same_and_another_for_another_trainee():
    mine, again, other = cohort(11, range(1, 10_001)), cohort(11, range(10_000, 0, -1)), cohort(12, range(1, 10_001))
    assert mine == again
    assert abs(len(mine) - 8_000) < 150
    assert len(set(mine) ^ set(other)) > 2_000


def test_the_rule_of_the_cohort_is_the_one_that_is_written_down():
    for tumor_no in range(1, 200):
        digest = hashlib.sha256(f"42:{tumor_no}".encode()).hexdigest()
        assert is_in_cohort(42, tumor_no) == (int(digest[:8], 16) % 5 != 0)


def test_spark_draws_the_same_cohort(spark):
    spark.range(1, 501).toDF("tumor_no").createOrReplaceTempView("numbered")
    drawn = spark.sql(f"select tumor_no from numbered where {COHORT_SQL.format(seed=123456789012)}").toArrow()
    assert sorted(drawn["tumor_no"].to_pylist()) == cohort(123456789012, range(1, 501))


# ── canonical form ──


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, {"kind": "number", "value": 3}),
        (np.float64(0.1) + np.float64(0.2), {"kind": "number", "value": 0.3}),
        (-0.0, {"kind": "number", "value": 0.0}),
        (float("nan"), {"kind": "number", "value": "nan"}),
        (2**64, {"kind": "number", "value": 2**64}),
        (10**20, {"kind": "number", "value": 1e20}),
        (-(10**400), {"kind": "number", "value": "-inf"}),
        (Fraction(10**400), {"kind": "number", "value": "inf"}),
        (True, {"kind": "text", "value": "true"}),
        ("M", {"kind": "text", "value": "M"}),
        (None, {"kind": "nothing"}),
        ([2, 1, 2], {"kind": "set", "values": [1, 2]}),
        (np.array([1.5, 0.5]), {"kind": "set", "values": [0.5, 1.5]}),
        ([("TP53", "KRAS")], {"kind": "set", "values": [["TP53", "KRAS"]]}),
        ({"F": 2, "M": 1}, {"kind": "table", "columns": [["key", "text"], ["value", "integer"]], "rows": [["F", 2], ["M", 1]]}),
        ([{"a": 1}, {"a": 2}], {"kind": "table", "columns": [["a", "integer"]], "rows": [[1], [2]]}),
    ],
)
def test_a_value_has_one_canonical_form(value, expected):
    assert canonical(value) == expected
    assert admit(canonical(value)) == expected


def test_a_table_is_the_same_from_every_library_and_in_any_order():
    rows = {"sex": ["M", "F"], "share": [1 / 3, None]}
    grouped = pd.DataFrame(rows).set_index("sex")
    made = [pl.DataFrame(rows), pl.LazyFrame(rows), pd.DataFrame(rows), grouped, pa.table(rows), pl.DataFrame(rows).reverse()]
    assert len({dumps(canonical(each)) for each in made}) == 1


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int8(), [1, None, 3]),
        (pa.uint64(), [1, 2**40, 3]),
        (pa.float32(), [0.5, None, float("nan")]),
        (pa.float64(), [0.1, float("inf"), 1e-12]),
        (pa.decimal128(10, 2), [Decimal("1.50"), None, Decimal("-2.25")]),
        (pa.bool_(), [True, False, None]),
        (pa.string(), ["é", None, ""]),
        (pa.large_string(), ["b", "a", "a"]),
        (pa.dictionary(pa.int32(), pa.string()), ["b", "a", None]),
        (pa.date32(), [date(2020, 1, 2), None, date(1999, 12, 31)]),
        (pa.timestamp("us"), [datetime(2020, 1, 2, 3, 4, 5, 6), None, datetime(1999, 1, 1)]),
        (pa.timestamp("us", "UTC"), [MORNING, None, MORNING]),
        (pa.list_(pa.int32()), [[1, 2], None, []]),
        (pa.null(), [None, None, None]),
    ],
)
def test_a_table_of_arrow_has_the_form_that_polars_gives_it(kind, values):
    table = pa.table({"n": [3, 1, 2], "value": pa.array(values, kind)})
    assert canonical(table) == canonical(pl.from_arrow(table))
    assert canonical(table.slice(0, 0)) == canonical(pl.from_arrow(table.slice(0, 0)))


@pytest.mark.parametrize("spelt", ["nord", " Nord ", "NORD"])
def test_a_text_in_a_table_or_a_set_counts_as_a_text_alone_does(spelt):
    table, other = pl.DataFrame({"hospital": ["Nord"], "n": [3]}), pl.DataFrame({"hospital": [spelt], "n": [3]})
    assert differences(canonical(table), canonical(other), 1e-6) == []
    assert differences(canonical({"Nord", "Sud"}), canonical({spelt, "Sud"}), 1e-6) == []
    assert differences(canonical(table), canonical(other.with_columns(hospital=pl.lit("Sud"))), 1e-6)


def test_an_answer_that_is_a_table_of_arrow_loads_no_polars():
    asked = "import sys, pyarrow as pa; from courses.checking.canonical import canonical; canonical(pa.table({'n': [1]})); print('polars' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=COURSES.parents[1], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_spark_table_has_the_form_of_any_other(spark):
    frame = spark.sql("select 'F' as sex, cast(2 as bigint) as n union all select 'M', 1")
    assert canonical(frame) == canonical(pl.DataFrame({"sex": ["F", "M"], "n": [2, 1]}))


@pytest.mark.parametrize("value", [object(), [object()], iter(range(MAX_ROWS + 1)), pl.DataFrame({"n": range(MAX_ROWS + 1)})])
def test_what_cannot_be_compared_is_refused_with_a_sentence(value):
    with pytest.raises(NotAnAnswer, match=r"^Expected .*, found .*: .*\.$"):
        canonical(value)


@pytest.mark.parametrize(
    "forged",
    [
        {"kind": "number", "value": "12"},
        {"kind": "number"},
        {"kind": "number", "value": True},
        {"kind": "number", "value": 10**400},
        {"kind": "set", "values": [[10**400]]},
        {"kind": "table", "columns": [["a", "text"]], "rows": [["x", "y"]]},
        {"kind": "table", "columns": [["a", "text"], ["a", "text"]], "rows": []},
        {"kind": "table", "columns": [["a", "text"]], "rows": [{"a": "x"}]},
        {"kind": "table", "columns": [["a", "text"]], "rows": ["x"]},
        {"kind": "set", "values": [{"a": 1}]},
        {"kind": "figure", "axes": [{"series": [{"mark": "line", "x": [1], "y": []}]}]},
        {"kind": "figure", "axes": [{"series": [{"mark": "step", "where": "up", "x": [1], "y": [1]}]}]},
        {"kind": "code", "name": "a b", "source": ""},
        {"kind": "pickle", "value": "gA=="},
        {"kind": "text", "value": "x" * 5_000_000},
        [],
    ],
)
def test_what_comes_over_the_wire_is_held_to_the_form(forged):
    with pytest.raises(NotAnAnswer):
        admit(forged)


@pytest.mark.parametrize("lines", [[1] * 51, [10_000, 10_001]])
def test_a_figure_of_too_many_lines_or_points_is_refused_with_a_sentence(lines):
    series = [{"mark": "line", "x": [0.5] * points, "y": [1] * points} for points in lines]
    with pytest.raises(NotAnAnswer, match="Expected a figure of at most 50 lines and 20000 points in all, found more"):
        admit({"kind": "figure", "axes": [{"x_label": "", "y_label": "", "series": series}]})


def test_the_largest_figure_is_judged_in_a_moment(checking):
    wanted = checking.expected(DEATHS, checking.seed("anna"))
    last = wanted["axes"][0]["series"][0]["x"][-1]
    x, y = [last * n / 400 for n in range(400)], [1 - n / 1_000 for n in range(400)]
    for mark in ("step", "line", "points"):
        series = [{"mark": mark, "x": x, "y": y} for _ in range(50)]
        started = time.process_time()
        assert not checking.check("anna", DEATHS, {"kind": "figure", "axes": [{"series": series}]}).passed
        assert time.process_time() - started < 2


# ── comparison ──


def said(expected, given, tolerance=1e-6, language="en"):
    return " ".join(each.say(language) for each in differences(canonical(expected), canonical(given), tolerance))


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (0.25, 0.2500000001),
        (1_000_000_000.0, 1_000_000_000.5),
        ("Île-de-France", "  île-de-france "),
        ("60–64", "60-64"),
        ({1, 2}, [2, 1, 1]),
        ({"a"}, pl.DataFrame({"gene": ["a"]})),
        (7, pl.DataFrame({"n": [7]})),
        (pl.DataFrame({"a": ["x"], "n": [3]}), pl.DataFrame({"n": [3.0], "a": ["x"]})),
        (pl.DataFrame({"x": [0.1, 0.2, 0.3]}), pl.DataFrame({"x": [0.3 + 1e-9, 0.1 - 1e-9, 0.2]})),
        (pl.DataFrame({"a": [None, 1]}), pl.DataFrame({"a": [1, None]})),
    ],
)
def test_what_differs_only_in_writing_is_right(expected, given):
    assert said(expected, given) == ""


@pytest.mark.parametrize(
    ("expected", "given", "sentence"),
    [
        (7, 8, "It is a number, but not the right one."),
        (7, "7", "Expected a number, found a text."),
        (7, float("inf"), "The result is not a finite number."),
        (0.5, 10**400, "The result is not a finite number."),
        (0.5, 10**20, "It is a number, but not the right one."),
        ({0.5}, {10**400}, "Elements missing from the list: 1. Elements that do not belong there: 1."),
        ({1, 2, 3}, {1, 4}, "Elements missing from the list: 2. Elements that do not belong there: 1."),
        (pl.DataFrame({"a": [1]}), 1, "Expected a table, found a number."),
        (
            pl.DataFrame({"a": [1], "b": [1]}),
            pl.DataFrame({"a": [1], "c": [1]}),
            "The columns differ. Missing: b. Not asked for: c.",
        ),
        (pl.DataFrame({"a": ["x"]}), pl.DataFrame({"a": [1]}), "Column a should hold texts, it holds numbers."),
        (pl.DataFrame({"a": ["x", "y"]}), pl.DataFrame({"a": ["x"]}), "Rows missing: 1."),
        (pl.DataFrame({"a": ["x"]}), pl.DataFrame({"a": ["x", "x"]}), "Rows that do not belong there: 1."),
        (
            pl.DataFrame({"a": ["x", "y"], "n": [1, 2], "m": [5, 5]}),
            pl.DataFrame({"a": ["x", "y"], "n": [1, 3], "m": [5, 5]}),
            "The rows are right, but values differ in column n.",
        ),
    ],
)
def test_what_differs_is_said_in_kinds_names_and_counts(expected, given, sentence):
    assert said(expected, given) == sentence


def test_nothing_that_is_said_holds_the_expected_value(checking):
    for name, exercise in checking.courses["example"].exercises.items():
        if exercise.kind in ("number", "table", "figure"):
            expected = checking.expected(f"example.{name}", checking.seed("anna"))
            for wrong in (5, "x", [1, 2], pl.DataFrame({"gene": ["TP53"], "tested": [1], "share": [0.5]})):
                result = checking.judge(f"example.{name}", canonical(wrong), checking.seed("anna"))
                for number in _numbers(expected):
                    assert f" {number}" not in result.message


def _numbers(value):
    if isinstance(value, dict):
        return [number for each in value.values() for number in _numbers(each)]
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    return [value] if isinstance(value, int | float) and value > 10 else []


STAIRS = ((0, 10, 20, 30), (1, 0.9, 0.5, 0.2))
LEANING = "The values are right, but a staircase keeps its height until the next day on which something happens: draw it with where='post'."


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda axes: axes.step(*STAIRS, where="post"), ""),
        (lambda axes: axes.plot(*STAIRS, drawstyle="steps-post"), ""),
        (lambda axes: axes.step([0, 5, *STAIRS[0][1:]], [1, 1, *STAIRS[1][1:]], where="post"), ""),
        (lambda axes: axes.step([*STAIRS[0], 40], [*STAIRS[1], 0.1], where="post"), ""),
        (lambda axes: axes.step([-5, *STAIRS[0]], [0, *STAIRS[1]], where="post"), ""),
        (lambda axes: axes.step([0, 10, 20, 30, 30], [1, 1, 0.9, 0.5, 0.2]), ""),
        (lambda axes: axes.plot([0, 10, 10, 20, 20, 30, 30], [1, 1, 0.9, 0.9, 0.5, 0.5, 0.2]), ""),
        (lambda axes: axes.plot([0, 10 - 1e-7, 10, 20 - 1e-7, 20, 30 - 1e-7, 30], [1, 1, 0.9, 0.9, 0.5, 0.5, 0.2]), ""),
        (lambda axes: axes.plot(*STAIRS), LEANING),
        (lambda axes: axes.step(*STAIRS), LEANING),
        (lambda axes: axes.step(*STAIRS, where="pre"), LEANING),
        (lambda axes: axes.step(*STAIRS, where="mid"), LEANING),
        (lambda axes: axes.step(STAIRS[0], [1, 0.9, 0.6, 0.2], where="post"), "What is drawn (staircase) does not follow the right values everywhere."),
        (lambda axes: axes.plot([0, 10, 30], [1, 0.8, 0.2]), "What is drawn (staircase) does not follow the right values everywhere."),
        (lambda axes: axes.scatter(*STAIRS), "Nothing of the asked form is drawn (staircase)."),
    ],
)  # fmt: skip
def test_a_staircase_is_what_lies_flat_until_the_next_step(draw, said):
    from matplotlib.figure import Figure as Drawing

    axes = Drawing().add_subplot()
    draw(axes)
    expected = canonical(Figure((Series("step", *STAIRS),), labelled=False))
    found = differences(expected, admit(canonical(axes)), 1e-6)
    assert " ".join(each.say("en") for each in found) == said


def test_bars_are_known_by_their_names_standing_or_lying():
    from matplotlib.figure import Figure as Drawing

    expected = canonical(Figure((Series("bars", ("F", "M"), (12, 13)),), labelled=False))
    standing, lying = Drawing().add_subplot(), Drawing().add_subplot()
    standing.bar(["M", "F"], [13, 12])
    lying.barh(["F", "M"], [12, 13])
    assert [differences(expected, canonical(each), 1e-6) for each in (standing, lying)] == [[], []]


# ── the service ──


def test_hints_come_one_by_one_and_stay_at_the_last(checking):
    hints = [checking.check("anna", STAGES, ["x"]).hint for _ in range(4)]
    assert hints == ["Distinct values.", "Unknown is no stage.", "Take it out of the set.", "Take it out of the set."]


def test_a_known_mistake_is_recognised_in_the_language_that_was_asked_for(checking, release):
    everybody = checking.release.table("edu_tumor").height
    assert "That is the whole release." in checking.check("anna", TUMOURS, everybody, "en").message
    assert "C’est toute la publication." in checking.check("anna", TUMOURS, everybody, "fr-FR").message


def test_a_neighbours_right_answer_is_wrong(checking):
    for exercise in (TUMOURS, FREQUENCY, DEATHS):
        theirs = checking.expected(exercise, checking.seed("ben"))
        assert checking.check("ben", exercise, theirs).passed
        assert not checking.check("anna", exercise, theirs).passed


def test_a_variant_stays_the_same_after_a_restart_and_is_another_in_another_academy(checking, release, tmp_path):
    again, elsewhere = Checking(COURSES, release, tmp_path / "state"), Checking(COURSES, release, tmp_path / "other")
    assert again.seed("anna") == checking.seed("anna") != elsewhere.seed("anna")
    assert checking.seed("anna") < 2**53


def test_only_the_owner_can_read_secret_and_attempts(release, tmp_path):
    drawn = Checking(COURSES, release, tmp_path / "drawn")
    drawn.check("anna", TUMOURS, 1)
    kept = [*drawn.state.glob("course.secret"), *drawn.state.glob("attempts.sqlite*")]
    assert len(kept) >= 2
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in kept} == {0}


def test_an_unsolved_cell_is_no_attempt(checking):
    assert checking.check("anna", TUMOURS, None).attempt == 0
    assert (
        checking.check("anna", "example.drawing.band", {"kind": "code", "name": "f", "source": "def f(x):\n    ...\n"}).attempt
        == 0
    )
    blank = {"kind": "figure", "axes": [{"x_label": "", "y_label": "", "series": []}]}
    assert checking.check("anna", "example.drawing.deaths", blank).attempt == 0
    assert checking.events() == []


def test_a_check_that_breaks_costs_the_trainee_nothing(checking):
    def breaks(release, seed):
        raise ZeroDivisionError

    checking.courses["example"].exercises["counting.tumours"] = Exercise(breaks, "number")
    result = checking.check("anna", TUMOURS, 3)
    assert (result.passed, result.hint, result.attempt) == (False, None, 0)
    assert "fault of ours" in result.message
    assert [(each.what, each.answer) for each in checking.events()] == [("fault", '{"kind":"number","value":3}')]


def test_no_answer_fills_the_record(checking):
    wide = {"kind": "table", "columns": [["x" * 100_000, "text"], ["y" * 100_000, "text"]], "rows": []}
    checking.check("anna", FREQUENCY, wide)
    [event] = checking.events("anna")
    assert event.feedback.startswith("The columns differ.")
    assert len(event.answer) + len(event.feedback) <= 4_000
    assert checking.attempts.verify() == 1


def test_an_answer_to_no_exercise_is_refused(checking):
    for name in ("example.counting.nothing", "nowhere.counting.tumours", "", "example"):
        with pytest.raises(UnknownExercise):
            checking.check("anna", name, 1)


def test_a_number_cannot_be_guessed_by_a_loop(checking):
    for guess in range(FAILURES):
        checking.check("anna", TUMOURS, guess, now=MORNING)
    right = checking.expected(TUMOURS, checking.seed("anna"))
    refused = checking.check("anna", TUMOURS, right, now=MORNING + timedelta(minutes=9))
    assert not refused.passed
    assert "not counted" in refused.message
    assert checking.check("anna", TUMOURS, right, now=MORNING + timedelta(minutes=11)).passed
    assert checking.check("ben", TUMOURS, checking.expected(TUMOURS, checking.seed("ben")), now=MORNING).passed


def test_a_reset_gives_a_fresh_start_and_forgets_no_event(checking):
    right = checking.expected(TUMOURS, checking.seed("anna"))
    checking.check("anna", TUMOURS, 1)
    checking.check("anna", TUMOURS, right)
    checking.reset("anna", TUMOURS, by="ines")
    progress_now = next(each for each in checking.progress("anna") if each.exercise == TUMOURS)
    assert (progress_now.attempts, progress_now.passed) == (0, False)
    assert checking.check("anna", TUMOURS, 1).hint == "Count rows of the cohort."
    assert [(each.what, each.by) for each in checking.events("anna")] == [
        ("attempt", ""),
        ("attempt", ""),
        ("reset", "ines"),
        ("attempt", ""),
    ]


def test_a_function_is_not_tried_without_a_sandbox_where_that_is_not_allowed(checking, monkeypatch):
    given = {"kind": "code", "name": "stage_of", "source": "def stage_of(x):\n    return x"}
    exercise = next(f"example.{name}" for name, asked in checking.courses["example"].exercises.items() if asked.kind == "code")
    monkeypatch.setattr(code, "isolation", lambda: "process")
    checking.bare_functions = False
    refused = checking.check("anna", exercise, given)
    assert (refused.passed, refused.attempt) == (False, 0)
    assert "no sandbox for them" in refused.message
    assert checking.events("anna") == []
    checking.bare_functions = True
    assert checking.check("anna", exercise, given).attempt == 1


def test_passes_of_another_version_do_not_count(checking):
    checking.check("anna", TUMOURS, checking.expected(TUMOURS, checking.seed("anna")))
    checking.courses["example"].about["version"] = "2"
    assert not any(each.passed for each in checking.progress("anna"))


# ── the record ──


def test_events_cannot_be_changed_or_removed_and_a_forged_one_is_found(checking):
    for _ in range(3):
        checking.check("anna", TUMOURS, 1)
    assert checking.attempts.verify() == 3
    base = sqlite3.connect(checking.attempts.path)
    for statement in ("update event set passed = 1", "delete from event"):
        with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
            base.execute(statement)
    base.execute("drop trigger event_is_not_changed")
    base.execute("update event set passed = 1 where number = 2")
    base.commit()
    with pytest.raises(BrokenChain, match="event 2"):
        checking.attempts.verify()


def test_a_forgotten_person_is_in_no_event_and_the_chain_still_holds(checking):
    checking.check("anna", TUMOURS, 1)
    checking.check("ben", TUMOURS, 1)
    forget(checking.state, "anna")
    assert [each.user for each in checking.events()] == ["ben"]
    assert checking.attempts.verify() == 2
    checking.close()
    assert b"anna" not in everything_below(checking.state)


def everything_below(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_who_acted_upon_somebody_is_told_until_they_are_forgotten_themselves(checking):
    checking.check("anna", TUMOURS, 1)
    checking.reset("anna", TUMOURS, by="ines")
    assert checking.events("anna")[-1].by == "ines"
    forget(checking.state, "ines")
    assert checking.events("anna")[-1].by == ""
    assert checking.attempts.verify() == 2
    checking.close()
    assert b"ines" not in everything_below(checking.state)


def removed_tail(state, kept):
    base = sqlite3.connect(state / "attempts.sqlite")
    base.execute("drop trigger event_is_kept")
    base.execute("delete from event where number > ?", (kept,))
    base.commit()
    base.close()


def test_a_tail_that_was_removed_is_found(checking, release):
    for _ in range(3):
        checking.check("anna", TUMOURS, 1)
    checking.close()
    removed_tail(checking.state, kept=2)
    again = Checking(COURSES, release, checking.state)
    with pytest.raises(BrokenChain, match="Expected the 3 recorded events that were sealed, found 2"):
        again.attempts.verify()
    # Going on does not seal over it.
    again.check("anna", TUMOURS, 1)
    again.close()
    with pytest.raises(BrokenChain, match="sealed"):
        Attempts(checking.state).verify()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda seal: seal.unlink(), "Expected the seal of the recorded events"),
        (lambda seal: seal.write_text("{}"), "Expected the academy's own seal"),
        (lambda seal: seal.write_text(seal.read_text().replace('"number": 3', '"number": 2')), "Expected the academy's own seal"),
    ],
)
def test_a_seal_that_is_gone_or_not_the_academy_s_own_is_found(checking, spoil, said):
    for _ in range(3):
        checking.check("anna", TUMOURS, 1)
    checking.attempts.seal()
    assert checking.attempts.verify() == 3
    spoil(checking.state / "attempts.seal")
    with pytest.raises(BrokenChain, match=said):
        checking.attempts.verify()


def test_progress_is_not_made_from_a_record_that_was_cut(checking, tmp_path):
    for _ in range(3):
        checking.check("anna", TUMOURS, 1)
    assert progress.publish(checking, tmp_path / "progress") == 1
    removed_tail(checking.state, kept=2)
    with pytest.raises(BrokenChain):
        progress.publish(checking, tmp_path / "progress")


def test_thirty_at_once_lose_no_attempt(checking):
    def one(number):
        return checking.check(f"user{number % 10}", TUMOURS, number)

    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(one, range(30)))
    assert len(results) == len(checking.events()) == checking.attempts.verify() == 30
    assert sorted(result.attempt for result in results) == sorted([1, 2, 3] * 10)


def test_an_answer_takes_tens_of_milliseconds(checking):
    answers = {name: checking.expected(name, 1) for name in (TUMOURS, STAGES, FREQUENCY, DEATHS)}
    taken = []
    for number in range(40):
        for name, value in answers.items():
            started = time.perf_counter()
            checking.check(f"user{number}", name, value)
            taken.append(time.perf_counter() - started)
    assert statistics.quantiles(taken, n=20)[-1] <= 0.3


# ── progress ──


def test_an_instructor_sees_who_is_where_and_who_is_stuck(checking):
    for minute in range(3):
        checking.check("anna", TUMOURS, minute, now=MORNING + timedelta(minutes=minute))
    checking.check("ben", TUMOURS, 1, now=MORNING)
    checking.check("cleo", TUMOURS, checking.expected(TUMOURS, checking.seed("cleo")), now=MORNING)
    class_ = ("anna", "ben", "cleo", "dan")

    def states(hours):
        seen = progress.heat_map(checking, "example", class_, MORNING + timedelta(hours=hours))
        return [seen[user][TUMOURS] for user in class_]

    assert states(0.5) == ["trying", "trying", "passed", "open"]
    assert states(1.5) == ["stuck", "trying", "passed", "open"]
    waiting = progress.stuck(checking, class_, MORNING + timedelta(hours=1.5))
    assert [(each.trainee, each.exercise, each.failures) for each in waiting] == [("anna", TUMOURS, 3)]


def test_progress_is_a_table_that_keeps_its_contract(checking, tmp_path):
    solve(checking, "anna")
    checking.check("ben", TUMOURS, 1)
    assert progress.publish(checking, tmp_path / "progress") == 6
    rows = pl.read_parquet(DeltaTable(tmp_path / "progress").file_uris())
    assert rows.columns == list(progress.TABLE.names)
    assert rows.filter(trainee="anna")["passed"].all()
    assert rows.filter(trainee="ben").select("state", "attempts", "failures", "hints").row(0) == ("trying", 1, 1, 1)


def test_progress_that_breaks_its_contract_is_not_written(checking, tmp_path, monkeypatch):
    checking.check("ben", TUMOURS, 1)
    wrong = [progress.Place(**{**vars(each), "failures": 5}) for each in progress.places(checking)]
    monkeypatch.setattr(progress, "places", lambda *_: wrong)
    with pytest.raises(CheckingError, match="attempts >= failures"):
        progress.publish(checking, tmp_path / "progress")
    assert not (tmp_path / "progress").exists()


def test_a_table_that_the_release_lacks_is_named(checking):
    with pytest.raises(NoSuchTable, match=r"edu_survival.*found edu_person"):
        checking.release.table("edu_person")


def test_feedback_is_in_both_languages_everywhere():
    from courses.checking import words

    for sentences in (words.SENTENCES, words.KIND_NAMES, words.MARKS, words.TYPE_NAMES):
        for name, said_of_it in sentences.items():
            assert set(said_of_it) == {"en", "fr"}, name
    blanks = {name: [text.count("{") for text in said_of_it.values()] for name, said_of_it in words.SENTENCES.items()}
    assert all(en == fr for en, fr in blanks.values())


def test_canonical_json_is_json():
    assert json.loads(dumps(canonical({"a": [1.0], "b": ["é"]})))["rows"] == [[1.0, "é"]]


def test_a_release_and_its_courses_may_be_given_as_text(release: Path, tmp_path: Path):
    service = Checking(str(COURSES), str(release), str(tmp_path / "state"))
    assert service.release.name == "small-standin"
