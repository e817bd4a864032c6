"""What must hold of a course before a trainee sees it: nothing leaks, every exercise helps, no neighbour's answer counts."""

import hashlib
import linecache
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from courses.authoring import lesson as lessons
from courses.authoring.desk import AUTHOR, Desk
from courses.authoring.run import Run
from courses.checking.canonical import canonical
from courses.checking.course import Course, Lesson
from courses.checking.exercise import LANGUAGES, Said
from courses.checking.release import Release
from courses.checking.service import Checking

HINT = re.compile(r"^# hint: *(.+)$")
FIXTURE = re.compile(r"^(?P<exercise>[a-z0-9-]+\.[a-z0-9-]+)\.(?P<number>\d+)\.py$")
NEIGHBOURS = tuple(int(hashlib.sha256(f"neighbour {n}".encode()).hexdigest()[:8], 16) for n in range(5))
# Two variants may meet by chance: a small count can be the same in two cohorts.
MAY_MEET = 1
PERSONAL = ("number", "table", "figure")


@dataclass(frozen=True)
class Finding:
    """Something wrong with a course: where, and one sentence on what was expected and found."""

    where: str
    sentence: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.sentence}"


def findings(course: Course, desk: Desk) -> list[Finding]:
    """Everything that is wrong with a course and can be seen without running its notebooks."""
    found = [*_declaration(course), *_names(course), *_helpful(course)]
    found += [each for lesson in course.lessons for each in leaks(course, lesson)]
    if any(each.severity == "error" for each in found):
        return found
    found += _right(course, desk.checking)
    if any(each.severity == "error" for each in found):
        return found
    return [*found, *_wrong_answers(course, desk), *_neighbours(course, desk.checking)]


def _declaration(course: Course) -> Iterator[Finding]:
    where = f"{course.slug}/course.toml"
    for name in ("level", "minutes", "objectives", "tables", "release", "badge"):
        if name not in course.about:
            yield Finding(where, f"Expected {name}, found none.")
    for name in ("title", "summary"):
        yield from _both_languages(where, name, course.about[name])
    if not course.lessons:
        yield Finding(course.slug, "Expected lessons named 01-first-lesson.md, found none.")


def _both_languages(where: str, what: str, said: Said) -> Iterator[Finding]:
    for language in LANGUAGES:
        if not str(said.get(language, "")).strip():
            yield Finding(where, f"Expected {what} in en and fr, found none in {language}.")


def _names(course: Course) -> Iterator[Finding]:
    """Every exercise of the text has a check and every check an exercise; what a cell sends goes to its own check."""
    written = [f"{lesson.name}.{name}" for lesson in course.lessons for name in lesson.exercises]
    for name in sorted({each for each in written if written.count(each) > 1}):
        yield Finding(f"{course.slug}.{name}", "Expected each exercise once, found it twice in the text.")
    for name in sorted(set(written) ^ set(course.exercises)):
        has, lacks = ("text", "checks.py") if name in written else ("checks.py", "text")
        yield Finding(
            f"{course.slug}.{name}", f"Expected the exercise in the text and in checks.py, found it in {has} and not in {lacks}."
        )
    for lesson in course.lessons:
        yield from cells(course, lesson)


def cells(course: Course, lesson: Lesson) -> Iterator[Finding]:
    """Exercises whose solution is not marked, or is marked where it cannot be cut, and those that hand in nothing."""
    for cell in lessons.solution(course, lesson).cells:
        exercise = cell.metadata.get("exercise")
        if exercise is None:
            if cell.cell_type == "code" and lessons.BEGIN in cell.source:
                yield Finding(
                    f"{course.slug}/{lesson.path.name}",
                    "Expected solutions only in cells that begin with # exercise:, found one elsewhere.",
                )
            continue
        if not lessons.solutions(cell.source):
            yield Finding(exercise, f"Expected a solution between {lessons.BEGIN} and {lessons.END}, found none.")
        if not lessons.can_be_read(lessons.cut(cell.source)):
            yield Finding(exercise, "Expected a cell that is still Python once its solution is cut, found that it is not.")
        if f'check("{exercise}"' not in lessons.BLOCK.sub("", cell.source):
            yield Finding(exercise, f'Expected check("{exercise}", …) after the solution, found no such call.')


def _helpful(course: Course) -> Iterator[Finding]:
    """Three hints, two known mistakes, in both languages, and a fixture for each mistake."""
    fixtures = wrong_fixtures(course)
    for name, exercise in course.exercises.items():
        where = f"{course.slug}.{name}"
        if len(exercise.hints) != 3:
            yield Finding(where, f"Expected three hints, found {len(exercise.hints)}.")
        for said in (*exercise.hints, *(wrong.say for wrong in exercise.wrong)):
            yield from _both_languages(where, "every hint", said)
        said_to = [fixture.hint for fixture in fixtures if fixture.exercise == name]
        if len(said_to) < 2:
            yield Finding(where, f"Expected two wrong answers or more, wrong/{name}.1.py and .2.py, found {len(said_to)}.")
        elif len(set(said_to)) == 1:
            yield Finding(where, "Expected two wrong answers to be told different things, found the same words for all of them.")
    for name in sorted({fixture.exercise for fixture in fixtures} - set(course.exercises)):
        yield Finding(
            f"{course.slug}/wrong/{name}", "Expected a wrong answer to an exercise of the course, found no such exercise."
        )


@dataclass(frozen=True)
class Fixture:
    """A wrong answer that somebody would give, and what must be said to them."""

    path: Path
    exercise: str

    @property
    def hint(self) -> str | None:
        found = HINT.match(self.path.read_text(encoding="utf-8").partition("\n")[0])
        return found[1].strip() if found else None

    def value(self, release: Release, seed: int) -> Any:
        """What the file sets as `value`; it finds `release`, `seed` and `cohort`, the trainee's own tumours."""
        source = self.path.read_text(encoding="utf-8")
        # The source of a function is looked up by its file.
        linecache.checkcache(str(self.path))
        space = {
            "__name__": "wrong",
            "__file__": str(self.path),
            "release": release,
            "seed": seed,
            "cohort": release.cohort(seed),
        }
        exec(compile(source, str(self.path), "exec"), space)
        return space["value"]


def wrong_fixtures(course: Course) -> list[Fixture]:
    """The wrong answers that lie beside a course."""
    named = [(path, FIXTURE.match(path.name)) for path in sorted((course.path / "wrong").glob("*.py"))]
    return [Fixture(path, found["exercise"]) for path, found in named if found]


def _right(course: Course, checking: Checking) -> Iterator[Finding]:
    """What is expected can be computed, and passes when it is handed in."""
    for name, exercise in course.exercises.items():
        where = f"{course.slug}.{name}"
        try:
            expected = checking.expected(where, checking.seed(AUTHOR))
        except Exception as reason:
            yield Finding(
                where,
                f"Expected a right answer on release {checking.release.name}, found that computing it stops with {_short(reason)}.",
            )
            continue
        if exercise.kind == "code":
            if not expected:
                yield Finding(where, "Expected cases to try the function on, found none.")
        elif expected["kind"] != exercise.kind:
            yield Finding(where, f"Expected a right answer of kind {exercise.kind}, found {expected['kind']}.")
        elif not checking.judge(where, expected, checking.seed(AUTHOR)).passed:
            yield Finding(where, "Expected the right answer to pass, found that it fails.")


def _wrong_answers(course: Course, desk: Desk) -> Iterator[Finding]:
    for number, fixture in enumerate(wrong_fixtures(course)):
        where = f"{course.slug}/wrong/{fixture.path.name}"
        if fixture.hint is None:
            yield Finding(where, "Expected a first line '# hint: …' with words that the feedback must hold, found none.")
            continue
        yield from _told(course, desk.checking, fixture, where, f"wrong {number}")


def _told(course: Course, checking: Checking, fixture: Fixture, where: str, user: str) -> Iterator[Finding]:
    try:
        given = canonical(fixture.value(checking.release, checking.seed(user)))
    except Exception as reason:
        yield Finding(where, f"Expected a value, found that the file stops with {_short(reason)}.")
        return
    result = checking.check(user, f"{course.slug}.{fixture.exercise}", given, "en")
    if result.passed:
        yield Finding(where, "Expected a wrong answer to fail, found that it passes.")
    elif str(fixture.hint) not in f"{result.message} {result.hint or ''}":
        yield Finding(where, f"Expected the feedback to say “{fixture.hint}”, found “{result.message}”.")
    elif not any(str(fixture.hint) in wrong.say["en"] for wrong in course.exercises[fixture.exercise].wrong):
        yield Finding(
            where, f"Expected “{fixture.hint}” to be said of a mistake that checks.py knows, found it in no such words."
        )


def _neighbours(course: Course, checking: Checking) -> Iterator[Finding]:
    """The right answers of five others are wrong for the author. A function is right for everybody; of a word it is only said."""
    seed = checking.seed(AUTHOR)
    for name, exercise in course.exercises.items():
        if exercise.kind == "code":
            continue
        where = f"{course.slug}.{name}"
        passing = sum(bool(checking.judge(where, checking.expected(where, other), seed).passed) for other in NEIGHBOURS)
        if passing > MAY_MEET:
            said = f"Expected the right answer of a neighbour to fail, found that {passing} of {len(NEIGHBOURS)} pass: ask about the cohort."
            yield Finding(where, said, "error" if exercise.kind in PERSONAL else "warning")


def leaks(course: Course, lesson: Lesson) -> list[Finding]:
    """Solutions of which something is left in the trainee's notebook."""
    notebook = lessons.trainee(course, lesson)
    shown = _squeezed("\n".join(cell.source for cell in notebook.cells))
    found = []
    for cell in lessons.solution(course, lesson).cells:
        for text in lessons.solutions(cell.source):
            if _squeezed(text) in shown:
                found.append(
                    Finding(
                        cell.metadata.get("exercise", lesson.name), "Expected no solution in the trainee's notebook, found one."
                    )
                )
    left = [mark for mark in (lessons.BEGIN, lessons.END, lessons.NOTES) if _squeezed(mark) in shown]
    if left:
        found.append(
            Finding(f"{course.slug}/{lesson.path.name}", f"Expected solutions and notes to be cut, found “{left[0]}” left over.")
        )
    if any(cell.get("outputs") or cell.get("attachments") for cell in notebook.cells):
        found.append(Finding(f"{course.slug}/{lesson.path.name}", "Expected a notebook without outputs, found some."))
    return found


def _squeezed(text: str) -> str:
    return "".join(text.split())


def after_solution(run: Run, desk: Desk) -> list[Finding]:
    """What is wrong where a solved lesson does not reach 100 %."""
    where = f"{run.course}/{run.lesson}"
    if run.stopped:
        return [Finding(where, f"Expected the solutions to run to the end, found that they stop with {run.stopped}.")]
    failed = [exercise for exercise, passed in run.passed.items() if not passed]
    return [
        Finding(each, f"Expected the solution to pass, found: {desk.last_message(each) or 'no answer was sent'}")
        for each in failed
    ]


def after_unsolved(run: Run) -> list[Finding]:
    """Exercises that pass without being solved, and cells that stop where an answer before them is still open."""
    where = f"{run.course}/{run.lesson}"
    return [
        *(
            Finding(each, "Expected no pass from an unsolved notebook, found one.")
            for each, passed in run.passed.items()
            if passed
        ),
        *(
            Finding(
                where,
                f"Expected the unsolved notebook to run, found a cell that stops with {each['ename']}: {each['evalue']}"[:300],
            )
            for each in outputs(run)
            if each["output_type"] == "error"
        ),
        *([Finding(where, f"Expected an open answer to be no attempt, found {run.attempts} judged.")] if run.attempts else []),
        *([Finding(where, f"Expected the unsolved notebook to run, found {run.stopped}.")] if run.stopped else []),
    ]


def outputs(run: Run) -> list[Any]:
    """What the cells of a run gave, in their order."""
    return [output for cell in run.notebook.cells for output in cell.get("outputs", ())]


def _short(reason: BaseException) -> str:
    return f"{type(reason).__name__}: {reason}"[:300]
