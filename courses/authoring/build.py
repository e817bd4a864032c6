"""What is made of a course: notebooks for trainees, solved notebooks for instructors. Two builds of the same sources are the same bytes."""

import shutil
from pathlib import Path
from typing import Any

from courses.authoring import lesson as lessons
from courses.authoring.guards import Finding, cells, leaks
from courses.authoring.run import Run
from courses.checking.course import Course
from courses.checking.errors import BadCourse


def build_trainee(course: Course, to: Path) -> list[Path]:
    """`<to>/<slug>/trainee/*.ipynb`; BadCourse, and nothing written, where a solution would leak."""
    refuse_leaks(course)
    folder = _emptied(to / course.slug / "trainee")
    return [_write(folder / f"{lesson.path.stem}.ipynb", lessons.trainee(course, lesson)) for lesson in course.lessons]


def refuse_leaks(course: Course) -> None:
    """BadCourse where trainees would see a solution, or may: of an exercise without its marks nothing says what to cut."""
    found: list[Finding] = [each for lesson in course.lessons for each in (*cells(course, lesson), *leaks(course, lesson))]
    if found:
        raise BadCourse(" ".join(map(str, found)))


def build_solution(course: Course, runs: list[Run], to: Path) -> list[Path]:
    """`<to>/<slug>/solution/*.ipynb`, from lessons that were run."""
    folder = _emptied(to / course.slug / "solution")
    named = {lesson.name: lesson.path.stem for lesson in course.lessons}
    return [_write(folder / f"{named[run.lesson]}.ipynb", without_times(run.notebook)) for run in runs]


def without_times(notebook: Any) -> Any:
    """The notebook without what differs from run to run: when each cell ran."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _write(path: Path, notebook: Any) -> Path:
    import nbformat

    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path
