"""Query the lakehouse: what is expected is what another engine finds, and what a hand counts; each known mistake hears of it."""

import itertools
import math
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from courses.authoring.guards import Fixture, wrong_fixtures
from courses.checking.canonical import canonical
from courses.checking.cohort import is_in_cohort
from courses.checking.course import load_course
from courses.checking.service import Checking
from jobs.teaching._days import BEGINNINGS, LAST, middles
from tests.courses.small_world import COLUMNS, KINDS, write_rows, write_small_world

SLUG = "query-the-lakehouse"
COURSES = Path(__file__).parents[2] / "courses"
COURSE = load_course(COURSES / SLUG)
SEED, NEIGHBOURS = 2024, (1, 2, 3, 4, 5)
# A function is tried, not compared.
SHARED = {name for name, exercise in COURSE.exercises.items() if exercise.kind == "code"}


@pytest.fixture(scope="module")
def checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checking]:
    release = write_small_world(tmp_path_factory.mktemp("teaching") / "small-world")
    service = Checking(COURSES, release, tmp_path_factory.mktemp("state"))
    yield service
    service.close()


@pytest.fixture(scope="module")
def sqlite(checking: Checking) -> Iterator[sqlite3.Connection]:
    """Another engine on the same rows, with the view `cohort`."""
    database = sqlite3.connect(":memory:")
    for name, columns in COLUMNS.items():
        database.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        database.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", checking.release.table(name).rows())
    database.execute("CREATE TABLE cohort (tumor_no)")
    numbers = [each for (each,) in database.execute("SELECT tumor_no FROM edu_tumor") if is_in_cohort(SEED, each)]
    database.executemany("INSERT INTO cohort VALUES (?)", [(each,) for each in numbers])
    yield database
    database.close()


def passes(checking: Checking, exercise: str, value: Any, seed: int = SEED) -> bool:
    judged = checking.judge(f"{SLUG}.{exercise}", canonical(value), seed)
    assert judged.what == "judged", judged.message
    return bool(judged.passed)


PARTLY = "(SELECT gene FROM edu_panel_gene GROUP BY gene HAVING count(*) < 3)"
GENE = f"""(SELECT gene FROM edu_variant JOIN cohort USING (tumor_no) WHERE gene IN {PARTLY}
    GROUP BY gene ORDER BY count(DISTINCT tumor_no) DESC, gene LIMIT 1)"""
NUMBERS = {
    "first-questions.tumours": "SELECT count(*) FROM cohort",
    "first-questions.untreated-share": "SELECT 100.0 * sum(n_lines = 0) / count(n_lines) FROM edu_tumor JOIN cohort USING (tumor_no)",
    "first-questions.sequenced-share": "SELECT 100.0 * count(panel) / count(*) FROM edu_tumor JOIN cohort USING (tumor_no)",
    "joins.fan-out": "SELECT count(*) FROM edu_line l, edu_event e, cohort c WHERE l.tumor_no = e.tumor_no AND l.tumor_no = c.tumor_no",
    "joins.mean-lines": "SELECT 1.0 * (SELECT count(*) FROM edu_line JOIN cohort USING (tumor_no)) / (SELECT count(*) FROM cohort)",
}
TABLES = {
    "first-questions.by-group": "SELECT tumor_group, count(*) AS tumours FROM edu_tumor JOIN cohort USING (tumor_no) GROUP BY 1",
    "joins.lines-and-events": """SELECT tumor_group, count(*) AS tumours,
            sum((SELECT count(*) FROM edu_line l WHERE l.tumor_no = t.tumor_no)) AS lines,
            sum((SELECT count(*) FROM edu_event e WHERE e.tumor_no = t.tumor_no)) AS events
        FROM edu_tumor t JOIN cohort USING (tumor_no) GROUP BY 1""",
    "windows.first-event": """SELECT kind, count(*) AS tumours FROM edu_event e JOIN cohort USING (tumor_no)
        WHERE NOT EXISTS (SELECT 1 FROM edu_event o WHERE o.tumor_no = e.tumor_no
            AND (o.day, o.kind, o.event_no) < (e.day, e.kind, e.event_no)) GROUP BY 1""",
    "windows.top-event": """WITH counted AS (SELECT tumor_group, kind, count(DISTINCT tumor_no) AS tumours FROM edu_event
            JOIN edu_tumor USING (tumor_no) JOIN cohort USING (tumor_no) WHERE kind <> 'sequencing' GROUP BY 1, 2)
        SELECT * FROM counted c WHERE NOT EXISTS (SELECT 1 FROM counted o WHERE o.tumor_group = c.tumor_group
            AND (-o.tumours, o.kind) < (-c.tumours, c.kind))""",
    "denominators.gene-frequency": f"""SELECT panel, count(*) AS tested, sum(altered) AS altered, 100.0 * sum(altered) / count(*) AS percent
        FROM (SELECT panel, EXISTS (SELECT 1 FROM edu_variant v WHERE v.tumor_no = t.tumor_no AND v.gene = {GENE}) AS altered
            FROM edu_tumor t JOIN cohort USING (tumor_no)
            WHERE panel IN (SELECT panel FROM edu_panel_gene WHERE gene = {GENE})) GROUP BY 1""",
    "denominators.gene-table": """SELECT gene, count(*) AS tested,
            sum(EXISTS (SELECT 1 FROM edu_variant v WHERE v.tumor_no = t.tumor_no AND v.gene = p.gene)) AS altered
        FROM edu_tumor t JOIN cohort USING (tumor_no) JOIN edu_panel_gene p USING (panel) GROUP BY 1""",
}


@pytest.mark.parametrize("exercise", NUMBERS)
def test_a_number_is_what_another_engine_finds(checking, sqlite, exercise):
    assert passes(checking, exercise, sqlite.execute(NUMBERS[exercise]).fetchone()[0])


@pytest.mark.parametrize("exercise", TABLES)
def test_a_table_is_what_another_engine_finds(checking, sqlite, exercise):
    found = sqlite.execute(TABLES[exercise])
    names = [each[0] for each in found.description]
    assert passes(checking, exercise, pl.DataFrame(found.fetchall(), schema=names, orient="row"))


def test_the_silent_tumours_are_those_of_no_other_table(checking, sqlite):
    named = "SELECT tumor_no FROM cohort EXCEPT SELECT tumor_no FROM edu_line EXCEPT SELECT tumor_no FROM edu_event"
    assert passes(checking, "joins.silent", {each for (each,) in sqlite.execute(named)})


def test_the_wait_is_from_line_one_to_line_two(checking, sqlite):
    found = sqlite.execute("""SELECT b.start_day - a.start_day FROM edu_line a JOIN edu_line b USING (tumor_no) JOIN cohort USING (tumor_no)
        WHERE a.line_number = 1 AND b.line_number = 2""")
    waits = [days for (days,) in found]
    assert passes(
        checking, "windows.first-to-second", pl.DataFrame({"tumours": [len(waits)], "median_days": [float(median(waits))]})
    )


def test_the_bars_are_those_of_the_most_tested_groups(checking, sqlite):
    import matplotlib.pyplot as plt

    groups = sqlite.execute(f"""SELECT tumor_group, 100.0 * sum(EXISTS
            (SELECT 1 FROM edu_variant v WHERE v.tumor_no = t.tumor_no AND v.gene = {GENE})) / count(*)
        FROM edu_tumor t JOIN cohort USING (tumor_no) JOIN edu_panel_gene p USING (panel) WHERE p.gene = {GENE}
        GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 5""").fetchall()
    figure, axes = plt.subplots()
    axes.bar([name for name, _ in groups], [share for _, share in groups])
    assert not passes(checking, "denominators.frequency-by-group", figure), "without labels"
    axes.set(xlabel="group", ylabel="altered, % of tested")
    assert passes(checking, "denominators.frequency-by-group", figure)
    plt.close(figure)


def text(lesson: str) -> str:
    return " ".join((COURSES / SLUG / f"{lesson}.md").read_text("utf-8").split())


def test_a_day_stands_for_the_bin_that_the_text_says():
    said = re.search(
        r'day (\d+) means "in the first year", day (\d+) "after one year and within three" and, where a release tells as finely, '
        r'day (\d+) "in the third month", from day (\d+) to day (\d+)\.',
        text("01-first-questions"),
    )
    assert said
    year, later, day, first, last = map(int, said.groups())
    bins = [(low, high) for cuts in BEGINNINGS for low, high in itertools.pairwise(cuts)]
    assert [(low, high - 1) for low, high in bins if (low + high) // 2 == day] == [(first, last)]
    for coarse, cuts in ((year, BEGINNINGS[0][:2]), (later, BEGINNINGS[0][1:])):
        assert {(low, high) for low, high in bins if (low + high) // 2 == coarse} == {cuts}


def test_the_bars_of_the_lesson_are_the_bins_of_the_release():
    lesson = text("03-windows")
    months = re.search(r"month_begins = (\[.*?range\(25\)\])", lesson)
    assert months
    edges = eval(months[1], {"math": math})
    assert tuple(edges) == (*BEGINNINGS[-1][:24], BEGINNINGS[-1][24])
    told = {day for values in re.findall(r"\(VALUES (.*?)\)\)", lesson) for day in map(int, re.findall(r", (\d{2,})\b", values))}
    assert told <= {middle for day in range(LAST) for middle in middles(day)}


def cell(lesson: str) -> dict[str, Any]:
    """What the lesson's generator cell gives a trainee."""
    import random

    names: dict[str, Any] = {"pl": pl, "random": random}
    text = (COURSE.path / lesson).read_text(encoding="utf-8")
    exec(re.search(r"# generator\n(.*?)```", text, re.DOTALL)[1], names)  # type: ignore[index]
    return names


def test_versions_read_back_from_a_real_delta_table_answer_the_lesson(checking, tmp_path):
    lines = checking.release.of_cohort("edu_line", SEED)
    for _, frame in cell("05-time-travel.md")["versions"](lines, SEED):
        write_deltalake(tmp_path / "line", frame.to_arrow(), mode="overwrite")
    states = [pl.read_delta(str(tmp_path / "line"), version=number).to_dicts() for number in range(6)]
    assert DeltaTable(tmp_path / "line").version() == 5
    assert passes(checking, "time-travel.rows-at", pl.DataFrame({"version": range(6), "rows": [len(each) for each in states]}))
    bad = [sum(row["end_day"] is not None and row["end_day"] < row["start_day"] for row in state) for state in states]
    guilty = next(number for number in range(6) if bad[number])
    assert bad[0] == 0
    assert passes(checking, "time-travel.last-sound", len(states[guilty - 1]))
    before = {row["line_no"]: row["end_day"] for row in states[guilty - 1]}
    changed = {row["line_no"] for row in states[guilty] if row["end_day"] != before[row["line_no"]]}
    assert passes(checking, "time-travel.damaged", changed)
    assert len(changed) > bad[guilty], "some of the damage does not show"


def test_the_log_of_a_real_delta_table_says_which_files_are_read(checking, tmp_path):
    made = cell("06-files-and-plans.md")
    first, last = made["wanted"](checking.release.of_cohort("edu_event", SEED), SEED)
    found = []
    for layout, by_day in (("as it came", False), ("by day", True)):
        for part in made["parts"](checking.release.of_cohort("edu_event", SEED), SEED, by_day):
            write_deltalake(tmp_path / layout, part.to_arrow(), mode="append")
        labels = pl.DataFrame(DeltaTable(tmp_path / layout).get_add_actions(flatten=True)).to_dicts()
        read = [each["num_records"] for each in labels if not (each["max.day"] < first or each["min.day"] > last)]
        found.append({"layout": layout, "files": len(read), "rows": sum(read)})
    assert passes(checking, "files-and-plans.two-layouts", pl.DataFrame(found))
    assert found[1]["files"] < found[0]["files"]


def test_the_operator_is_known_by_its_name_and_the_rows_by_their_filter(checking, sqlite):
    [(rows,)] = sqlite.execute("SELECT count(*) FROM edu_event JOIN cohort USING (tumor_no) WHERE day < 400")
    [(everything,)] = sqlite.execute("SELECT count(*) FROM edu_event JOIN cohort USING (tumor_no)")
    said = {
        ("Exchange", rows): "",
        ("exchange ", rows): "",
        ("the shuffle", rows): "How does the plan call it?",
        ("Exchange", everything): "You counted every event of your cohort",
        ("Exchange", len(KINDS)): "So few travel because each worker counts first",
    }
    for (operator, moved), hint in said.items():
        answer = {"operator": [operator], "rows": [moved]}
        judged = checking.judge(f"{SLUG}.files-and-plans.moving-rows", canonical(answer), SEED)
        assert (judged.passed, hint in judged.message) == (not hint, True), judged.message


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


# By hand: five tumours that are all in the cohort. Tumour 1 has lines 1 and 3 (2 was too rare to be shared).
BY_HAND = {
    "edu_patient": [(n, "F", "70+", "breast", "I") for n in range(1, 6)],
    "edu_tumor": [
        (1, 1, "breast", "I", True, 2, "wide"),
        (2, 2, "breast", "I", False, 3, "wide"),
        (3, 3, "breast", "II", None, None, "core"),
        (4, 4, "lung", "II", False, None, None),
        (5, 5, "lung", "II", None, 0, None),
    ],
    "edu_line": [
        (1, 1, 1, 1, 15, 45, "A", None),
        (2, 1, 1, 3, 315, None, "A", None),
        (3, 2, 2, 1, 45, 45, "other", None),
        (4, 2, 2, 2, 105, 195, "A", None),
        (5, 4, 4, 1, 15, 75, "other", None),
        (6, 3, 3, 1, 15, 75, "other", None),
        (7, 3, 3, 2, 45, 75, "A", None),
        (8, 4, 4, 1, 15, 75, "B", None),
        (9, 2, 2, 3, 505, 515, "A", None),
    ],
    "edu_event": [(1, 1, 1, "surgery", 15), (2, 1, 1, "radiotherapy", 15), (3, 2, 2, "surgery", 15)]
    + [(n + 3, n, n, "sequencing", 45) for n in (1, 2, 3)],
    "edu_survival": [(n, n, 900, False) for n in range(1, 6)],
    "edu_variant": [(1, "RB1", "missense"), (1, "RB1", "truncating"), (3, "TP53", "missense")],
    "edu_panel_gene": [("wide", "RB1"), ("wide", "TP53"), ("core", "TP53")],
}
ALL_IN = next(seed for seed in range(1000) if all(is_in_cohort(seed, number) for number in range(1, 6)))


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checking]:
    service = Checking(COURSES, write_rows(tmp_path_factory.mktemp("hand"), BY_HAND), tmp_path_factory.mktemp("state"))
    yield service
    service.close()


@pytest.mark.parametrize(
    ("exercise", "value"),
    [
        ("first-questions.tumours", 5),
        ("first-questions.untreated-share", 100 / 3),
        ("first-questions.sequenced-share", 60.0),
        ("joins.fan-out", 2 * 3 + 3 * 2 + 2 * 1),
        ("joins.silent", {5}),
        ("joins.mean-lines", 9 / 5),
        ("windows.first-event", {"kind": ["radiotherapy", "sequencing", "surgery"], "tumours": [1, 1, 1]}),
        ("windows.first-to-second", {"tumours": [2], "median_days": [45.0]}),
        ("windows.top-event", {"tumor_group": ["breast"], "kind": ["surgery"], "tumours": [2]}),
        ("denominators.gene-frequency", {"panel": ["wide"], "tested": [2], "altered": [1], "percent": [50.0]}),
        ("denominators.gene-table", {"gene": ["RB1", "TP53"], "tested": [2, 3], "altered": [1, 1]}),
    ],
)
def test_a_hand_counts_the_same(by_hand, exercise, value):
    assert passes(by_hand, exercise, value, ALL_IN)


@pytest.mark.parametrize(
    ("exercise", "value", "hint"),
    [
        ("windows.first-to-second", {"tumours": [4], "median_days": [45.0]}, "need not be lines 1 and 2"),
        ("windows.first-to-second", {"tumours": [5], "median_days": [60.0]}, "lag paired every row"),
        (
            "denominators.gene-frequency",
            {"panel": ["core", "wide"], "tested": [1, 2], "altered": [0, 1], "percent": [0.0, 50.0]},
            "nobody looked",
        ),
        ("windows.top-event", {"tumor_group": ["breast"], "kind": ["sequencing"], "tumours": [3]}, "Sequencing is among them"),
        (
            "denominators.gene-frequency",
            {"panel": ["wide"], "tested": [2], "altered": [2], "percent": [100.0]},
            "You counted variants",
        ),
        (
            "joins.lines-and-events",
            {"tumor_group": ["breast", "lung"], "tumours": [3, 2], "lines": [7, 1], "events": [5, 0]},
            "true twins",
        ),
    ],
)
def test_a_mistake_that_shows_on_few_releases_hears_of_it_there(by_hand, exercise, value, hint):
    assert hint in by_hand.judge(f"{SLUG}.{exercise}", canonical(value), ALL_IN).message
