"""Trust the data: what is expected is what a walk over the rows finds; the flaws are there; each known mistake hears of it."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
import pytest

from courses.authoring.guards import Fixture, wrong_fixtures
from courses.checking.canonical import canonical
from courses.checking.course import load_course
from courses.checking.service import Checking
from tests.courses.small_world import write_small_world

SLUG = "trust-the-data"
COURSES = Path(__file__).parents[2] / "courses"
COURSE = load_course(COURSES / SLUG)
SEED, NEIGHBOURS = 2024, (1, 2, 3, 4, 5)
GENERATOR = re.compile(r"^# generator\n(.*?)^```", re.DOTALL | re.MULTILINE)
# A function is tried, not compared.
SHARED = {name for name, exercise in COURSE.exercises.items() if exercise.kind == "code"}


@pytest.fixture(scope="module")
def checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checking]:
    release = write_small_world(tmp_path_factory.mktemp("teaching") / "small-world")
    service = Checking(COURSES, release, tmp_path_factory.mktemp("state"))
    yield service
    service.close()


@dataclass
class Delivery:
    """What a trainee holds after the first cells, as plain rows; `last` is the winning row of each tumour."""

    tumor: list[dict[str, Any]]
    line: list[dict[str, Any]]
    last: dict[int, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.last = {row["tumor_no"]: row for row in self.tumor}

    @property
    def slipped(self) -> str:
        days = defaultdict(list)
        for row in self.tumor:
            days[row["hospital"]].append(row["days"])
        return min(days, key=lambda hospital: median(days[hospital]))

    def last_day(self, tumor_no: int) -> float | None:
        row = self.last.get(tumor_no)
        return None if row is None else round(row["days"] * 30) if row["hospital"] == self.slipped else row["days"]

    def reason(self, row: dict[str, Any]) -> str | None:
        last = self.last_day(row["tumor_no"])
        if last is None:
            return "orphan"
        if row["end_day"] is not None and row["end_day"] < row["start_day"]:
            return "ends before start"
        return "starts after last news" if row["start_day"] > last else None


def deliver(checking: Checking, seed: int, end_day: pl.Expr | None = None) -> Delivery:
    """The delivery of a variant, made by the cell that stands in the lesson; lines end on `end_day` if it is given."""
    names: dict[str, Any] = {"pl": pl, "random": random}
    exec(GENERATOR.search(COURSE.lessons[0].text)[1], names)  # type: ignore[index]
    tumor, line, survival = (checking.release.of_cohort(name, seed) for name in ("edu_tumor", "edu_line", "edu_survival"))
    line = line if end_day is None else line.with_columns(end_day=end_day)
    tumor, line = names["delivery"](checking.release.table("edu_patient"), tumor, line, survival, seed)
    return Delivery(tumor.to_dicts(), line.to_dicts())


@pytest.fixture(scope="module")
def delivery(checking: Checking) -> Delivery:
    return deliver(checking, SEED)


def passes(checking: Checking, exercise: str, value: Any) -> bool:
    judged = checking.judge(f"{SLUG}.{exercise}", canonical(value), SEED)
    assert judged.what == "judged", judged.message
    return bool(judged.passed)


def test_every_lesson_makes_the_same_delivery():
    assert len({GENERATOR.search(lesson.text)[1] for lesson in COURSE.lessons}) == 1  # type: ignore[index]


@pytest.mark.parametrize("seed", [SEED, *NEIGHBOURS])
def test_every_flaw_is_planted_and_can_be_found(checking, seed):
    found = deliver(checking, seed)
    resent = [number for number, rows in Counter(row["tumor_no"] for row in found.tumor).items() if rows > 1]
    assert len({row["sex"] for row in found.tumor} - {"M", "F"}) == 3
    assert any(row != found.last[row["tumor_no"]] | {"row_no": row["row_no"]} for row in found.tumor if row["tumor_no"] in resent)
    assert min(Counter(found.reason(row) for row in found.line).values()) >= 5
    assert len({found.reason(row) for row in found.line}) == 4
    assert sum(row["end_day"] is not None and row["end_day"] > 7300 for row in found.line) >= 1
    days = {name: median(r["days"] for r in found.tumor if r["hospital"] == name) for name in ("Nord", "Centre", "Sud")}
    assert sorted(days.values())[0] * 10 < sorted(days.values())[1]


def test_flaws_are_planted_where_every_line_ends_in_the_bin_in_which_it_starts(checking):
    found = deliver(checking, SEED, pl.when(pl.col("end_day").is_not_null()).then("start_day"))
    assert min(Counter(found.reason(row) for row in found.line).values()) >= 5
    assert len({found.reason(row) for row in found.line}) == 4


def test_codes_and_resent_rows(checking, delivery):
    assert passes(checking, "expectations.codes", {row["sex"] for row in delivery.tumor if row["sex"] not in ("M", "F")})
    assert passes(checking, "expectations.resent", len(delivery.tumor) - len(delivery.last))


def test_completeness_counts_what_is_there(checking, delivery):
    names = ["sex", "tumor_group", "stage", "metastatic_at_dx", "days"]
    shares = [100 * sum(row[name] is not None for row in delivery.tumor) / len(delivery.tumor) for name in names]
    assert passes(checking, "expectations.completeness", {"column": names, "percent": shares})


def test_flaws_of_lines(checking, delivery):
    orphans = {row["line_no"] for row in delivery.line if row["tumor_no"] not in delivery.last}
    backwards = {row["line_no"] for row in delivery.line if row["end_day"] is not None and row["end_day"] < row["start_day"]}
    late = {
        row["line_no"]
        for row in delivery.line
        if row["line_no"] not in orphans
        and delivery.last[row["tumor_no"]]["event"]
        and row["start_day"] > delivery.last_day(row["tumor_no"])
    }
    assert passes(checking, "planted-flaws.orphans", orphans)
    assert passes(checking, "planted-flaws.backwards", backwards)
    assert passes(checking, "planted-flaws.after-death", late)
    assert len(orphans & backwards) == 2


def test_stand_ins_and_months(checking, delivery):
    assert passes(
        checking, "planted-flaws.stand-ins", sum(row["end_day"] is not None and row["end_day"] > 7300 for row in delivery.line)
    )
    assert passes(checking, "planted-flaws.in-months", sum(row["hospital"] == delivery.slipped for row in delivery.tumor))


def test_the_books_balance(checking, delivery):
    counted = Counter(delivery.reason(row) for row in delivery.line)
    accepted = counted.pop(None)
    assert passes(checking, "quarantine.accepted", accepted)
    assert passes(checking, "quarantine.reasons", {"reason": list(counted), "lines": list(counted.values())})
    assert accepted + sum(counted.values()) == len(delivery.line)


def by_hospital(delivery: Delivery) -> dict[str, list[dict[str, Any]]]:
    """The winning rows of each hospital, with `treated` and the stratum."""
    with_line = {row["tumor_no"] for row in delivery.line}
    often = Counter(row["tumor_group"] for row in delivery.last.values())
    frequent = sorted(often, key=lambda group: (-often[group], group))[:3]
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in delivery.last.values():
        stratum = row["tumor_group"] if row["tumor_group"] in frequent else "rest"
        groups[row["hospital"]].append(row | {"treated": row["tumor_no"] in with_line, "stratum": stratum})
    return groups


def share(rows: list[dict[str, Any]]) -> float:
    return 100 * sum(row["treated"] for row in rows) / len(rows)


def filled_cells(delivery: Delivery) -> dict[tuple[str, str], list[bool]]:
    """For each hospital and column: of which rows it has a value."""
    lines = [
        row | {"hospital": delivery.last[row["tumor_no"]]["hospital"]}
        for row in delivery.line
        if row["tumor_no"] in delivery.last
    ]
    cells: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for rows, column in ((list(delivery.last.values()), "stage"), (lines, "regimen"), (lines, "end_day")):
        for row in rows:
            cells[row["hospital"], column].append(row[column] is not None)
    return cells


def test_what_hospitals_fill_and_what_one_alone_leaves_empty(checking, delivery):
    percent = {place: 100 * sum(cells) / len(cells) for place, cells in filled_cells(delivery).items()}
    found = [{"hospital": hospital, "column": column, "percent": each} for (hospital, column), each in percent.items()]
    assert passes(checking, "comparing-hospitals.filled", found)
    assert sorted(percent.values())[0] < 15 < sorted(percent.values())[1]


@pytest.mark.parametrize("seed", [SEED, *NEIGHBOURS])
def test_lost_is_what_the_two_others_would_have_filled(checking, seed):
    cells = filled_cells(deliver(checking, seed))
    hospital, column = min(cells, key=lambda place: sum(cells[place]) / len(cells[place]))
    here = cells[hospital, column]
    others = [each for place, each in cells.items() if place[1] == column and place[0] != hospital]
    share, mean = sum(map(sum, others)) / sum(map(len, others)), sum(sum(each) / len(each) for each in others) / 2
    answers = {
        len(here) * share - sum(here): "",
        100 * (share - sum(here) / len(here)): "percentage points",
        **({len(here) - sum(here): "every empty cell", len(here) * mean - sum(here): "mean of two"} if share < 1 else {}),
    }
    assert len(answers) == (4 if column != "regimen" else 2)
    for lost, hint in answers.items():
        given = canonical({"hospital": [hospital], "column": [column], "lost": [lost]})
        judged = checking.judge(f"{SLUG}.comparing-hospitals.gap", given, seed)
        assert (judged.passed, hint in judged.message) == (not hint, True), judged.message


def test_pooled_and_standardised(checking, delivery):
    groups = by_hospital(delivery)
    everybody = [row for rows in groups.values() for row in rows]
    assert passes(checking, "comparing-hospitals.pooled", share(everybody))
    weights = {stratum: n / len(everybody) for stratum, n in Counter(row["stratum"] for row in everybody).items()}
    found = [
        {
            "hospital": hospital,
            "crude": share(rows),
            "standardised": sum(weight * share([row for row in rows if row["stratum"] == s]) for s, weight in weights.items()),
        }
        for hospital, rows in groups.items()
    ]
    assert passes(checking, "comparing-hospitals.standardised", found)


def test_the_funnel_has_a_point_a_hospital_and_may_have_limits(checking, delivery):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    for rows in [list(by_hospital(delivery).values())]:
        axes.scatter([len(each) for each in rows], [share(each) for each in rows])
    axes.plot([0, 100], [50, 50])
    axes.set(xlabel="tumours", ylabel="treated, %")
    assert passes(checking, "comparing-hospitals.funnel", figure)
    plt.close(figure)


def test_the_verdict_looks_at_the_values_that_are_there(checking, delivery):
    often = Counter(row["tumor_no"] for row in delivery.tumor)
    ends = [row for row in delivery.line if row["end_day"] is not None]
    tried = {
        "a tumour comes once": ([often[row["tumor_no"]] == 1 for row in delivery.tumor], 1.0),
        "sex is M or F": ([row["sex"] in ("M", "F") for row in delivery.tumor], 0.99),
        "days are not negative": ([row["days"] >= 0 for row in delivery.tumor], 1.0),
        "a line ends after it starts": ([row["end_day"] >= row["start_day"] for row in ends], 0.9),
        "a line ends within twenty years": ([row["end_day"] <= 7300 for row in ends], 1.0),
    }
    found = [
        {"expectation": name, "checked": len(kept), "unexpected": kept.count(False), "passed": sum(kept) / len(kept) >= mostly}
        for name, (kept, mostly) in tried.items()
    ]
    assert passes(checking, "gate.verdict", found)
    assert {each["passed"] for each in found} == {True, False}


@pytest.mark.parametrize("exercise", [name for name, each in COURSE.exercises.items() if each.kind == "code"])
def test_the_function_of_the_lesson_passes(checking, exercise):
    lesson, _, name = exercise.partition(".")
    text = next(each.text for each in COURSE.lessons if each.name == lesson)
    source = re.search(rf"# exercise: {name}\n### BEGIN SOLUTION\n(.*?)### END SOLUTION", text, re.DOTALL)[1]  # type: ignore[index]
    given = {"kind": "code", "name": re.search(r"def (\w+)", source)[1], "source": source}  # type: ignore[index]
    assert checking.judge(f"{SLUG}.{exercise}", given, SEED).passed


@pytest.mark.parametrize("fixture", wrong_fixtures(COURSE), ids=lambda fixture: fixture.path.stem)
def test_a_wrong_answer_gets_its_hint(checking, fixture: Fixture):
    judged = checking.judge(f"{SLUG}.{fixture.exercise}", canonical(fixture.value(checking.release, SEED)), SEED)
    assert judged.passed is False
    assert fixture.hint
    assert fixture.hint in judged.message


@pytest.mark.parametrize("exercise", sorted(set(COURSE.exercises) - SHARED))
def test_the_right_answers_of_neighbours_fail(checking, exercise):
    theirs = [checking.expected(f"{SLUG}.{exercise}", seed) for seed in NEIGHBOURS]
    assert sum(bool(checking.judge(f"{SLUG}.{exercise}", each, SEED).passed) for each in theirs) <= 1
