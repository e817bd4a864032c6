"""The privacy lab: its expected values by another road, its known mistakes, and that a neighbour's answer does not count."""

import hashlib
from collections import Counter
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from courses.authoring.guards import NEIGHBOURS, wrong_fixtures
from courses.checking.canonical import canonical
from courses.checking.course import Course, load_course
from courses.checking.release import Release
from courses.checking.service import Checking

COURSES = Path(__file__).parents[2] / "courses"
SEED = 3
OUTCOMES = ("died within a year", "died later", "alive after two years", "followed less")


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(COURSES / "privacy-lab")


@pytest.fixture(scope="module")
def checks(course: Course) -> Any:
    """The functions of checks.py."""
    return SimpleNamespace(**course.exercises["pseudonyms.claims"].expected.__globals__)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A thousand people in ten classes of sex and stage."""
    folder = tmp_path_factory.mktemp("teaching") / "by-hand"
    draw, count = np.random.default_rng(5), 1000
    number, stage = np.arange(1, count + 1), draw.choice(["I", "II", "III", "IV", "unknown"], count)
    outcome = [draw.choice(OUTCOMES, p=(0.4, 0.3, 0.2, 0.1) if each == "IV" else (0.1, 0.25, 0.45, 0.2)) for each in stage]
    survival = pl.DataFrame({"tumor_no": number, "patient_no": number, "endpoint": "OS"})
    tables = {
        "edu_patient": pl.DataFrame(
            {"patient_no": number, "sex": draw.choice(["M", "F"], count), "stage": stage, "outcome": outcome}
        ),
        "edu_tumor": survival.select("tumor_no", "patient_no"),
        "edu_survival": survival.with_columns(
            days=pl.Series(30 * draw.integers(1, 100, count) + 15), event=pl.Series(draw.random(count) < 0.4)
        ),
    }
    for name, frame in tables.items():
        frame.write_delta(folder / name)
    return Release(folder)


@pytest.fixture(scope="module")
def checking(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Checking:
    return Checking(COURSES, release.path, tmp_path_factory.mktemp("state"))


def test_the_dictionary_finds_the_file_numbers(checks, release):
    wanted = {hashlib.sha256(str(number).encode()).hexdigest() for number in checks.file_numbers(release, SEED)}
    found = [number for number in range(10000, 100000) if hashlib.sha256(str(number).encode()).hexdigest() in wanted]
    assert sum(found) == sum(checks.file_numbers(release, SEED))
    assert len(found) == 20


def test_claims_are_people_who_fit_one_row(checks, release):
    rows = Counter(checks.people(release, SEED).select("sex", "birth_year", "department").rows())
    register = checks.register(release, SEED)
    fitting = {row["name"] for row in register.to_dicts() if rows[row["sex"], row["birth_year"], row["department"]] == 1}
    assert checks.claims(release, SEED) == fitting
    # Who is in both tables and alone in one is found rightly; an outsider never is.
    alone = register.filter(pl.col("tumor_no") > 0, pl.col("name").is_in(list(fitting)))
    assert checks.precision(release, SEED) == pytest.approx(alone.height / len(fitting))


def test_k_and_l_are_those_of_the_smallest_class(checks):
    rows = [
        {"sex": "F", "age": 61},
        {"sex": "F", "age": 61},
        {"sex": "M", "age": 64},
        {"sex": "M", "age": 64},
        {"sex": "M", "age": 70},
    ]
    assert [checks.smallest(rows, columns) for columns in (["sex"], ["sex", "age"], [])] == [2, 1, 5]
    fates = [{"sex": "F", "died": True}, {"sex": "F", "died": False}, {"sex": "M", "died": True}, {"sex": "M", "died": True}]
    assert (checks.diversity(fates, ["sex"], "died"), checks.diversity(fates, [], "died")) == (1, 2)


def test_the_loss_is_the_mean_over_all_cells(checks, release):
    people = checks.people(release, SEED).with_columns(pair=(pl.col("department") - 1) // 2)
    sizes = Counter(people.select("sex", "decade", "pair").rows())
    cells = [
        cell
        for row in people.select("sex", "decade", "pair").rows()
        for cell in ((0, 1, 1) if sizes[row] < 11 else (0, 9 / 59, 2 / 12))
    ]
    assert checks.loss(release, SEED) == pytest.approx(sum(cells) / len(cells))


def test_small_classes_make_an_attacker_right_more_often(checks, release):
    people = checks.people(release, SEED)
    fates: dict[Any, Counter[bool]] = {}
    for *key, died in people.select(*checks.CLOSE, "died").rows():
        fates.setdefault(tuple(key), Counter())[died] += 1
    right = sum(max(each.values()) for each in fates.values()) - max(Counter(people["died"].to_list()).values())
    assert checks.gain(release, SEED) == pytest.approx(right / people.height)
    assert right > 0


def test_two_exact_days_single_out_more_than_one(checks, release):
    rows = checks.dated(release, SEED)
    pairs = Counter(rows.select("opinion", "end").rows())
    assert checks.alone(release, SEED, "opinion", "end") == sum(number == 1 for number in pairs.values())
    assert checks.alone(release, SEED, "opinion", "end") > checks.alone(release, SEED, "end")
    rough = Counter((opinion // 14, end // 14) for opinion, end in rows.select("opinion", "end").rows())
    assert checks.alone_roughly(release, SEED) == sum(number == 1 for number in rough.values())


def test_rare_pairs_are_those_that_few_people_have(checks):
    facts = [["a", "b"], ["b", "a"], ["a", "b", "c"], ["c", "c"]]
    holders = Counter(pair for each in facts for pair in combinations(sorted(set(each)), 2))
    assert holders == {("a", "b"): 3, ("a", "c"): 1, ("b", "c"): 1}
    assert [checks.rare_pairs(facts, k) for k in (1, 2, 3, 4)] == [0, 2, 2, 3]


def test_two_tables_tell_of_who_is_in_one_of_them_alone(checks, release):
    people = checks.people(release, SEED)
    young = people.filter(pl.col("birth_year") >= 1990)
    found = checks.youngest(release, SEED)
    assert (found["people"].sum(), found["deaths"].sum()) == (young.height, young["died"].sum())


def test_an_attack_learns_of_strangers_what_it_learns_of_members(checks, release):
    found = [checks.excess(release, seed) for seed in range(12)]
    assert abs(np.mean(found)) < 0.1


def test_the_upper_bound_is_wilsons(checks):
    # z^2 / (n + z^2) where there was no success.
    assert checks.wilson_upper(0, 100) == pytest.approx(1.96**2 / (100 + 1.96**2))
    assert checks.wilson_upper(30, 30) == pytest.approx(1)


FIXTURES = [fixture.path.name for fixture in wrong_fixtures(load_course(COURSES / "privacy-lab"))]


@pytest.mark.parametrize("name", FIXTURES)
def test_a_wrong_answer_fails_and_gets_its_own_hint(name, course, release, checking):
    fixture = next(each for each in wrong_fixtures(course) if each.path.name == name)
    found = checking.judge(f"privacy-lab.{fixture.exercise}", canonical(fixture.value(release, SEED)), SEED)
    assert found.passed is False
    assert fixture.hint in found.message


def test_right_answers_pass_and_those_of_neighbours_do_not(course, checking):
    for name, exercise in course.exercises.items():
        asked = f"privacy-lab.{name}"
        if exercise.kind == "code":
            continue
        assert checking.judge(asked, checking.expected(asked, SEED), SEED).passed, name
        passing = [other for other in NEIGHBOURS if checking.judge(asked, checking.expected(asked, other), SEED).passed]
        assert len(passing) <= 1, name
