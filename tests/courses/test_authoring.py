"""Authoring: what trainees get holds no answer, what does not help is found, and a release that breaks a lesson is told so."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake

from courses.authoring import guards, lesson, new
from courses.authoring.__main__ import HERE
from courses.authoring.build import build_solution, build_trainee
from courses.authoring.desk import Desk, desk
from courses.authoring.examine import release_report
from courses.authoring.run import run_solution, run_unsolved
from courses.authoring.site import FETCHED, build_site
from courses.checking.course import Course, load_course, load_courses
from courses.checking.errors import BadCourse, CheckingError
from tests.courses.conftest import COURSES

EXAMPLE = COURSES / "example"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A copy of the tiny course, to be spoiled."""
    shutil.copytree(EXAMPLE, tmp_path / "courses" / "example", ignore=shutil.ignore_patterns("__pycache__"))
    return load_course(tmp_path / "courses" / "example")


@pytest.fixture(scope="module")
def at(release: Path):
    """A desk for the tiny course."""
    with desk(COURSES, release) as opened:
        yield opened


@pytest.fixture(scope="module")
def runs(at: Desk):
    """The tiny course, solved."""
    example = at.checking.courses["example"]
    return [run_solution(example, each, at) for each in example.lessons]


def edited(course: Course, name: str, old: str, new: str) -> Course:
    """The course with one file changed."""
    path = course.path / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_course(course.path)


def found(course: Course, release: Path) -> str:
    with desk(course.path.parent, release) as at:
        return "\n".join(map(str, guards.findings(at.checking.courses["example"], at)))


# ── what trainees get ──


def test_a_solution_is_cut_and_what_the_cell_needs_stays_to_be_filled_in():
    source = "# exercise: a\n### BEGIN SOLUTION\nimport math\nfor i in range(3):\n    area = math.pi * i\n### END SOLUTION\ncheck('a', area)"
    assert lesson.cut(source) == "# exercise: a\n# Your answer:\narea = None\ncheck('a', area)"


def test_of_a_function_its_head_stays():
    source = "# exercise: a\n### BEGIN SOLUTION\ndef f(x, *, k=11):\n    return x * k\n### END SOLUTION\ncheck('a', f)"
    assert lesson.cut(source) == "# exercise: a\n# Your answer:\ndef f(x, *, k=11):\n    ...\n\ncheck('a', f)"


def test_a_solution_inside_a_block_is_cut_to_a_cell_that_runs_and_what_the_cell_sets_itself_stays():
    source = "# exercise: a\ndef f(x):\n    n = 0\n    ### BEGIN SOLUTION\n    n = len(x)\n    m = n\n    ### END SOLUTION\n    return n, m\n\ncheck('a', f)"
    cut = lesson.cut(source)
    assert cut == "# exercise: a\ndef f(x):\n    n = 0\n    # Your answer:\n    m = None\n    return n, m\n\ncheck('a', f)"
    assert lesson.can_be_read(cut)


def test_a_magic_in_a_cell_does_not_keep_its_solution():
    cut = lesson.cut("# exercise: a\n### BEGIN SOLUTION\n%time\nn = 5\n### END SOLUTION\ncheck('a', n)")
    assert "5" not in cut
    assert "n = None" in cut


def test_instructor_notes_are_cut_up_to_the_next_heading():
    text = "# A\n\n## Instructor notes\n\nsecret\n\n### More\n\nsecret\n\n```\n## no heading\n```\n\n## Key points\n\nkept\n"
    assert lesson.without_notes(text) == "# A\n\n## Key points\n\nkept\n"


def test_no_solution_is_left_in_what_trainees_get(at, tmp_path):
    course = at.checking.courses["example"]
    built = build_trainee(course, tmp_path)
    shown = "\n".join(path.read_text(encoding="utf-8") for path in built)
    for part in course.lessons:
        for cell in lesson.solution(course, part).cells:
            for line in "\n".join(lesson.solutions(cell.source)).splitlines():
                assert line.strip() not in shown or line.startswith("def ") or len(line) < 10
    assert "Nobody but an instructor" not in shown
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"01-counting.ipynb", "02-drawing.ipynb"}


def test_two_builds_are_the_same_bytes(at, tmp_path):
    course = at.checking.courses["example"]
    first, second = build_trainee(course, tmp_path / "a"), build_trainee(course, tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    notebook = json.loads(first[0].read_text())
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert [cell["id"] for cell in notebook["cells"]] == [
        lesson.cell_id("example", "counting", n) for n in range(len(notebook["cells"]))
    ]


def test_a_solution_repeated_in_the_text_is_not_built(course, tmp_path):
    spoiled = edited(course, "01-counting.md", "A worked example", 'Hint: `stages = set(cohort["stage"]) - {"unknown"}`')
    with pytest.raises(BadCourse, match=r"example\.counting\.stages: Expected no solution"):
        build_trainee(spoiled, tmp_path / "built")
    assert not (tmp_path / "built").exists()


def test_a_solution_whose_marks_were_forgotten_is_not_built(course, tmp_path):
    path = course.path / "01-counting.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f"{lesson.BEGIN}\n", "").replace(f"{lesson.END}\n", ""), encoding="utf-8")
    with pytest.raises(BadCourse, match=r"example\.counting\.stages: Expected a solution between"):
        build_trainee(load_course(course.path), tmp_path / "built")
    with pytest.raises(BadCourse, match=r"example\.counting\.stages: Expected a solution between"):
        build_site([load_course(course.path)], [], tmp_path / "built")
    assert not (tmp_path / "built").exists()


# ── guards ──


def test_the_tiny_course_keeps_every_guard(at):
    errors = [each for each in guards.findings(at.checking.courses["example"], at) if each.severity == "error"]
    assert errors == []


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("course.toml", 'fr = "Un tout petit cours"', 'fr = ""', "Expected title in en and fr, found none in fr."),
        ("course.toml", "minutes = 10", "", "Expected minutes, found none."),
        ("checks.py", '("Group first.", "Groupez d’abord."),', "", "example.counting.largest-group: Expected three hints, found 2."),
        ("checks.py", '"fr": "C’est un stade."', '"fr": " "', "Expected every hint in en and fr, found none in fr."),
        ("checks.py", '"drawing.band": Exercise', '"drawing.bend": Exercise', "found it in text and not in checks.py"),
        ("checks.py", 'kind="text"', 'kind="set"', "Expected a right answer of kind set, found text."),
        ("checks.py", 'release.of_cohort("edu_tumor", seed).height', 'release.table("edu_tumour").height', "computing it stops with NoSuchTable"),
        ("checks.py", 'release.of_cohort("edu_tumor", seed).height', 'release.table("edu_tumor").height', "found that 5 of 5 pass"),
        ("01-counting.md", "### BEGIN SOLUTION\n", "if True:\n### BEGIN SOLUTION\n", "still Python once its solution is cut"),
        ("01-counting.md", "# exercise: stages", "# exercise: tumours", "Expected each exercise once, found it twice"),
        ("01-counting.md", 'check("example.counting.stages"', 'check("example.counting.tumours"', "found no such call"),
        ("01-counting.md", "stages = set(cohort[\"stage\"]) - {\"unknown\"}\n### END SOLUTION\n", "stages = 1\n", "found none"),
        ("wrong/counting.tumours.2.py", "# hint: A share is no count.", "# hint: Look again.", "Expected the feedback to say “Look again.”"),
        ("wrong/counting.tumours.2.py", "# hint: A share is no count.", "# hint: That is the whole release.", "to be told different things"),
        ("wrong/counting.tumours.2.py", "# hint: ", "# ", "Expected a first line '# hint: …'"),
        ("wrong/counting.tumours.1.py", 'release.table("edu_tumor").height', "cohort.height", "Expected a wrong answer to fail, found that it passes."),
        ("wrong/counting.tumours.1.py", "value = ", "walue = ", "found that the file stops with KeyError"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_course_is_found(course, release, file, old, new, sentence):
    assert sentence in found(edited(course, file, old, new), release)


def test_an_exercise_without_its_two_wrong_answers_is_found(course, release):
    (course.path / "wrong" / "drawing.band.2.py").unlink()
    assert "Expected two wrong answers or more, wrong/drawing.band.1.py and .2.py, found 1." in found(course, release)


def test_a_word_that_all_share_is_only_mentioned(at):
    said = [each for each in guards.findings(at.checking.courses["example"], at) if each.severity == "warning"]
    assert {each.where for each in said} <= {"example.counting.largest-group", "example.counting.stages"}


# ── lessons that run ──


def test_the_solutions_pass_every_check(runs):
    assert [(run.stopped, all(run.passed.values()), len(run.passed)) for run in runs] == [(None, True, 3), (None, True, 3)]


def test_no_check_passes_in_an_unsolved_notebook(release):
    with desk(COURSES, release) as at:
        course = at.checking.courses["example"]
        unsolved = [run_unsolved(course, each, at) for each in course.lessons]
        assert [set(run.passed.values()) for run in unsolved] == [{False}, {False}]
        assert at.checking.events() == []
    outputs = [output for run in unsolved for cell in run.notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output["output_type"] == "error"]


def test_solved_notebooks_are_kept_with_their_results(at, runs, tmp_path):
    built = build_solution(at.checking.courses["example"], runs, tmp_path)
    first = json.loads(built[0].read_text(encoding="utf-8"))
    assert "400 tumours in all" in json.dumps(first)
    assert "Instructor notes" in json.dumps(first)


def test_the_site_shows_examples_and_no_solution_and_fetches_nothing(at, runs, tmp_path):
    first = build_site([at.checking.courses["example"]], runs, tmp_path / "site")
    pages = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html")}
    assert "Un tout petit cours" in first.read_text(encoding="utf-8")
    assert "400 tumours in all" in pages["01-counting.html"]
    assert "data:image/svg+xml" in pages["01-counting.html"]
    text = re.sub(r"<[^>]+>", "", "".join(pages.values()))
    assert "BEGIN SOLUTION" not in text
    assert "largest = counted" not in text
    assert "Nobody but an instructor" not in text
    assert not [name for name, page in pages.items() if FETCHED.search(page)]


def test_a_stranger_gets_nothing_from_the_desk(at, monkeypatch):
    from courses.checking import client

    monkeypatch.setenv("PSCC_CHECK_URL", at.url)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "guessed")
    with pytest.raises(CheckingError, match="own token"):
        client.seed()
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", at.token)
    assert client.seed() == at.checking.seed("author")
    with pytest.raises(CheckingError, match="no course has it"):
        client.ask("example.counting.nothing", 1)
    monkeypatch.setenv("PSCC_CHECK_URL", "http://127.0.0.1:9")
    with pytest.raises(CheckingError, match="Your work is safe"):
        client.ask("example.counting.tumours", 1)


# ── a release re-examines the courses ──


def test_a_release_on_which_every_lesson_still_works_is_not_blocked(release):
    report = release_report(COURSES, release)
    assert [(each.lesson, each.state, each.passed) for each in report.verdicts] == [
        ("counting", "passes", 3),
        ("drawing", "passes", 3),
    ]
    assert not report.blocks


def test_a_release_that_breaks_a_lesson_is_blocked_where_the_course_says_so(course, release, tmp_path):
    changed = tmp_path / "small-changed"
    shutil.copytree(release, changed)
    shutil.rmtree(changed / "edu_survival")
    tumours = pl.read_parquet(sorted((release / "edu_tumor").glob("*.parquet")))
    write_deltalake(
        changed / "edu_tumor", tumours.rename({"stage": "stages"}).to_arrow(), mode="overwrite", schema_mode="overwrite"
    )
    report = release_report(course.path.parent, changed)
    assert [(each.lesson, each.state, each.blocks) for each in report.verdicts] == [
        ("counting", "stale", True),
        ("drawing", "stale", True),
    ]
    assert "example.counting.stages cannot be computed: ColumnNotFoundError" in str(report.verdicts[0].reasons)
    assert "table edu_survival is not in the release" in report.verdicts[1].reasons
    assert json.dumps(report.as_json())
    harmless = edited(course, "course.toml", "blocks_release = true", "blocks_release = false")
    assert not release_report(harmless.path.parent, changed).blocks


# ── new courses, and the command ──


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "courses.authoring", *arguments],
        cwd=HERE.parent, env={**os.environ, "PSCC_RELEASE": "", **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_new_course_keeps_every_guard_from_its_first_minute(release, tmp_path):
    new.new_course(tmp_path, "eighth-course")
    with desk(tmp_path, release) as at:
        assert guards.findings(at.checking.courses["eighth-course"], at) == []
        assert len(build_trainee(at.checking.courses["eighth-course"], tmp_path / "built")) == 1


@pytest.mark.parametrize("slug", ["Eighth", "../out", "eighth_course", ""])
def test_a_course_needs_a_plain_name(tmp_path, slug):
    with pytest.raises(BadCourse):
        new.new_course(tmp_path / "courses", slug)


def test_a_name_that_is_taken_is_refused(tmp_path):
    new.new_course(tmp_path, "mine")
    with pytest.raises(BadCourse, match="Expected a name that is free"):
        new.new_course(tmp_path, "mine")


def test_the_command_says_in_a_sentence_what_is_wrong(release):
    unknown = command("check", "nothing", "--courses", str(COURSES), "--release", str(release))
    assert (unknown.returncode, unknown.stderr.strip()) == (
        2,
        "Expected one of the courses (example), found nothing: check the name.",
    )
    without = command("check", "example", "--courses", str(COURSES))
    assert without.returncode == 2
    assert without.stderr.startswith("Expected the folder of a teaching release")


def test_the_command_checks_a_course(release):
    checked = command("check", "example", "--courses", str(COURSES), "--release", str(release), "--no-run")
    assert checked.returncode == 0
    assert "2 lessons, 6 exercises, 0 errors" in checked.stdout


def test_a_lesson_without_a_whole_header_is_refused_by_name(course, tmp_path):
    spoiled = edited(course, "02-drawing.md", "  name: python3\n---\n", "  name: python3\n")
    with pytest.raises(BadCourse, match=r"Expected example/02-drawing\.md to begin with its jupytext header"):
        build_trainee(spoiled, tmp_path)


def test_a_course_whose_folder_and_name_differ_is_refused(course):
    course.path.rename(course.path.parent / "other")
    with pytest.raises(BadCourse, match="found slug example"):
        load_courses(course.path.parent)


def test_a_check_that_is_ended_from_outside_leaves_no_folder(release, tmp_path):
    command = [
        sys.executable,
        "-m",
        "courses.authoring",
        "check",
        "example",
        "--courses",
        str(COURSES),
        "--release",
        str(release),
    ]
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(COURSES.parents[1])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not list(tmp_path.glob("course-lesson-*")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert {path.name.rpartition("-")[0] for path in tmp_path.iterdir()} >= {"course-desk", "course-lesson"}
    process.terminate()
    assert process.wait(60) > 0
    assert [path.name for path in tmp_path.iterdir()] == []
