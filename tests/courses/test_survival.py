"""The survival course: its expected values by another road, its known mistakes, and that a neighbour's answer does not count."""

import itertools
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from courses.authoring.guards import NEIGHBOURS, wrong_fixtures
from courses.checking.canonical import canonical
from courses.checking.course import Course, load_course
from courses.checking.exercise import Figure
from courses.checking.release import Release
from courses.checking.service import Checking
from jobs.teaching._days import BEGINNINGS, LAST, YEAR, ends
from jobs.teaching._told import _survived

COURSES = Path(__file__).parents[2] / "courses"
SEED = 3


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(COURSES / "survival")


@pytest.fixture(scope="module")
def checks(course: Course) -> Any:
    """The functions of checks.py."""
    return SimpleNamespace(**course.exercises["first-curves.deaths"].expected.__globals__)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Three hundred people who die the sooner the higher their stage, with days in bins."""
    folder = tmp_path_factory.mktemp("teaching") / "by-hand"
    draw, count = np.random.default_rng(5), 300
    stage = draw.choice(["I", "II", "III", "IV", "unknown"], count)
    death = draw.exponential(np.array([{"I": 4000, "II": 3000, "III": 1800, "IV": 900, "unknown": 2500}[each] for each in stage]))
    lost = draw.uniform(300, 4000, count)
    number = np.arange(1, count + 1)
    days = (np.minimum(death, lost) // 30 * 30 + 15).astype(int)
    survival = pl.DataFrame(
        {
            "tumor_no": number, "patient_no": number, "endpoint": "OS", "days": days, "event": death <= lost,
            "entry_days": np.where(number % 4 == 0, 15, 45),
        }
    )  # fmt: skip
    patient = pl.DataFrame({"patient_no": number, "sex": draw.choice(["M", "F"], count), "stage": stage})
    for name, frame in {
        "edu_survival": survival,
        "edu_patient": patient,
        "edu_tumor": survival.select("tumor_no", "patient_no"),
    }.items():
        frame.write_delta(folder / name)
    return Release(folder)


@pytest.fixture(scope="module")
def checking(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Checking:
    return Checking(COURSES, release.path, tmp_path_factory.mktemp("state"))


def test_only_the_days_that_the_text_names_stand_for_bins_which_a_year_of_the_curve_cuts():
    lesson = " ".join((COURSES / "survival" / "01-first-curves.md").read_text("utf-8").split())
    named = re.search(r"but for the two widest, where a release has them: day (\d+) .*? and day (\d+) ", lesson)
    assert named
    cut = set()
    for days, died in itertools.product(range(LAST), (True, False)):
        told = [int(end.split()[0]) for end in _survived(days, died)]
        cut |= {each for each in told for year in (1, 3, 5) if (each <= year * 365) != (days <= year * YEAR)}
    assert cut == set(map(int, named.groups()))


def test_the_half_bins_of_the_text_are_told_so():
    lesson = " ".join((COURSES / "survival" / "01-first-curves.md").read_text("utf-8").split())
    said = re.search(
        r"Where deaths of days (\d+)–(\d+) stand on day (\d+), .*? in the first half of these days stands on (\d+), in the second on (\d+)\.",
        lesson,
    )
    assert said
    first, last, *told = map(int, said.groups())
    at = next(at for at, cuts in enumerate(BEGINNINGS) if cuts[:2] == (first, last + 1))
    assert [ends(first, True)[at], ends(first, False)[at], ends(last, False)[at]] == told


def test_kaplan_meier_is_what_one_finds_by_hand(checks):
    # Six patients of lesson 1: 5/6, then 3/5 of it; who is censored on day 75 is at risk on that day.
    times, survival = checks.kaplan_meier([45, 75, 75, 75, 105, 135], [True, True, True, False, False, False])
    assert (times.tolist(), survival.round(4).tolist()) == ([45, 75], [0.8333, 0.5])
    # Who enters on day 50 was not at risk on day 45: 1/2 die there, then 2 of 4.
    times, survival = checks.kaplan_meier([45, 75, 75, 105, 135], [True, True, True, False, False], [0, 0, 50, 50, 50])
    assert survival.round(4).tolist() == [0.5, 0.25]


def test_a_hazard_ratio_is_what_one_finds_by_hand(checks):
    # One death in each group, the exposed first, four people: L = b/(2b+2) * 1/(b+2), largest where b^2 = 2.
    found = checks.hazard_ratio([10, 20, 30, 30], [True, True, False, False], [1, 0, 1, 0])
    assert found == pytest.approx(2**0.5)


def test_a_log_rank_statistic_is_what_one_finds_by_hand(checks):
    # Day 10: 2 of 4 exposed, 1 dies, exposed: excess 1/2, variance 1/4. Day 20: 1 of 3, the unexposed dies: excess -1/3, variance 2/9.
    found = checks.log_rank([10, 20, 30, 30], [True, True, False, False], [True, False, True, False])
    assert found == pytest.approx((1 / 2 - 1 / 3) ** 2 / (1 / 4 + 2 / 9))


def test_curves_agree_with_lifelines(checks, release):
    lifelines = pytest.importorskip("lifelines")
    tumors, genomic = checks.mine(release, SEED).to_pandas(), checks.sequenced(release, SEED).to_pandas()
    curve = lifelines.KaplanMeierFitter().fit(tumors["days"], tumors["event"])
    delayed = lifelines.KaplanMeierFitter().fit(genomic["days"], genomic["event"], entry=genomic["entry"])
    assert checks.five_years(release, SEED) == pytest.approx(curve.predict(1825))
    assert checks.restricted_mean(release, SEED) == pytest.approx(lifelines.utils.restricted_mean_survival_time(curve, t=1825))
    assert checks.entered(release, SEED) == pytest.approx(delayed.predict(1095))


def test_models_agree_with_lifelines(checks, release):
    lifelines = pytest.importorskip("lifelines")
    tumors = checks.mine(release, SEED).to_pandas()
    tumors["male"] = (tumors["sex"] == "M").astype(int)
    adjusted = lifelines.CoxPHFitter().fit(tumors[["days", "event", "male", "stage"]], "days", "event", strata=["stage"])
    assert checks.male(release, SEED, adjusted=True) == pytest.approx(adjusted.hazard_ratios_["male"], abs=1e-4)
    spans = checks.spans(release, SEED).to_pandas()
    fitted = lifelines.CoxTimeVaryingFitter().fit(spans, id_col="tumor_no", start_col="begin", stop_col="end", event_col="event")
    assert checks.time_dependent(release, SEED) == pytest.approx(np.exp(fitted.params_["on"]), abs=1e-4)


def test_a_treatment_that_does_nothing_helps_only_in_the_naive_analysis(checks, release):
    naive = np.log([checks.naive_hazard_ratio(release, seed) for seed in range(12)])
    mended = np.log([checks.time_dependent(release, seed) for seed in range(12)])
    assert np.exp(naive.mean()) < 0.7
    assert 0.8 < np.exp(mended.mean()) < 1.25


def test_delayed_entry_gives_the_truth_back(checks, release):
    ignored = np.mean([checks.entry_bias(release, seed) for seed in range(12)])
    respected = np.mean([checks.entered(release, seed) - checks.three_years(release, seed) for seed in range(12)])
    assert ignored > 0.03
    assert abs(respected) < ignored / 2


def test_one_rule_for_the_dead_and_the_living_gives_the_truth_back(checks, release):
    truth = np.mean([checks.three_years(release, seed) for seed in range(12)])
    mixed = np.mean([checks.news(release, seed, "mixed") for seed in range(12)])
    same = np.mean([checks.news(release, seed, "same") for seed in range(12)])
    assert mixed < truth - 0.02
    assert abs(same - truth) < (truth - mixed) / 2


def test_no_day_lies_in_two_states_and_none_is_lost(checks, release):
    spans, tumors = checks.spans(release, SEED), checks.mine(release, SEED)
    assert (spans["end"] - spans["begin"]).sum() == pytest.approx(tumors["days"].sum())
    assert spans["event"].sum() == tumors["event"].sum()


FIXTURES = [fixture.path.name for fixture in wrong_fixtures(load_course(COURSES / "survival"))]


@pytest.mark.parametrize("name", FIXTURES)
def test_a_wrong_answer_fails_and_gets_its_own_hint(name, course, release, checking):
    fixture = next(each for each in wrong_fixtures(course) if each.path.name == name)
    found = checking.judge(f"survival.{fixture.exercise}", canonical(fixture.value(release, SEED)), SEED)
    assert found.passed is False
    assert fixture.hint in found.message


def test_right_answers_pass_and_those_of_neighbours_do_not(course, checking):
    for name, exercise in course.exercises.items():
        asked = f"survival.{name}"
        if exercise.kind == "code":
            continue
        assert checking.judge(asked, checking.expected(asked, SEED), SEED).passed, name
        passing = [other for other in NEIGHBOURS if checking.judge(asked, checking.expected(asked, other), SEED).passed]
        assert len(passing) <= 1, name


def test_the_figure_that_is_expected_is_a_staircase_from_one(checks, release):
    found = checks.curve(release, SEED)
    assert isinstance(found, Figure)
    assert (found.series[0].mark, found.series[0].x[0], found.series[0].y[0]) == ("step", 0.0, 1.0)
