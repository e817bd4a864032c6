"""A data release re-examines the courses: which lessons still reach 100 % on it, which are stale, and whether one of them blocks it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from courses.authoring.desk import AUTHOR, Desk, desk
from courses.authoring.guards import after_solution
from courses.authoring.run import run_solution
from courses.checking.course import Course, Lesson

State = Literal["passes", "stale"]


@dataclass(frozen=True)
class Verdict:
    """A lesson on a release; `blocks` where it is stale and its course says that a release may not go out then."""

    course: str
    lesson: str
    state: State
    blocks: bool
    passed: int
    exercises: int
    reasons: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Report:
    """Every lesson that speaks of a table of the release."""

    release: str
    verdicts: tuple[Verdict, ...]

    @property
    def blocks(self) -> bool:
        return any(verdict.blocks for verdict in self.verdicts)

    def as_json(self) -> dict[str, Any]:
        """The report as it is kept beside the release."""
        return {"release": self.release, "blocks": self.blocks, "lessons": [asdict(verdict) for verdict in self.verdicts]}


def release_report(
    courses: Path, release: Path, only: Sequence[str] = (), told: Callable[[Verdict], None] = lambda _: None
) -> Report:
    """Executes the solutions of every lesson that names a table of the release; `told` hears of each as it is done.

    A lesson whose expected answers cannot even be computed, because a table or a column is gone, is stale without being run.
    """
    verdicts = []
    with desk(courses, release) as at:
        for course, lesson in lessons_on(at, only):
            verdicts.append(_verdict(course, lesson, at))
            told(verdicts[-1])
    return Report(at.checking.release.name, tuple(verdicts))


def lessons_on(at: Desk, only: Sequence[str] = ()) -> list[tuple[Course, Lesson]]:
    """The lessons that name one of the tables, or a table that their course declares and the release lacks."""
    chosen = [course for slug, course in at.checking.courses.items() if not only or slug in only]
    return [
        (course, lesson)
        for course in chosen
        for lesson in course.lessons
        if any(table in lesson.text for table in {*course.tables, *at.checking.release.tables})
    ]


def _verdict(course: Course, lesson: Lesson, at: Desk) -> Verdict:
    names = [f"{course.slug}.{lesson.name}.{name}" for name in lesson.exercises]
    missing = [
        f"table {name} is not in the release"
        for name in course.tables
        if name in lesson.text and name not in at.checking.release.tables
    ]
    broken = missing or [reason for name in names if (reason := _breaks(name, at))]
    if broken:
        return Verdict(course.slug, lesson.name, "stale", course.blocks_release, 0, len(names), tuple(broken), 0.0)
    run = run_solution(course, lesson, at)
    reasons = tuple(each.sentence for each in after_solution(run, at))
    state: State = "stale" if reasons else "passes"
    blocks = bool(reasons) and course.blocks_release
    return Verdict(course.slug, lesson.name, state, blocks, sum(run.passed.values()), len(names), reasons, round(run.seconds, 1))


def _breaks(exercise: str, at: Desk) -> str | None:
    try:
        at.checking.expected(exercise, at.checking.seed(AUTHOR))
    except Exception as reason:
        return f"{exercise} cannot be computed: {type(reason).__name__}: {reason}"[:300]
    return None
