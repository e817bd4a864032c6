"""Courses as they lie in a folder: what they are, their lessons, their exercises."""

import hashlib
import importlib.util
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from courses.checking.errors import BadCourse, UnknownExercise
from courses.checking.exercise import KINDS, Exercise, Said

LESSON = re.compile(r"^(\d\d)-([a-z0-9-]+)\.md$")
EXERCISE = re.compile(r"^# exercise: *([a-z0-9-]+) *$", re.MULTILINE)


@dataclass(frozen=True)
class Lesson:
    """A lesson: `01-first-curves.md` is number 1, `first-curves`."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem.partition("-")[2]

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def title(self) -> str:
        """Its first heading."""
        found = re.search(r"^# +(?!exercise:)(.+)$", self.text.partition("\n---\n")[2] or self.text, re.MULTILINE)
        return found[1].strip() if found else self.name

    @cached_property
    def exercises(self) -> tuple[str, ...]:
        """The names of its exercises in their order."""
        return tuple(EXERCISE.findall(self.text))


@dataclass(frozen=True)
class Course:
    """A course of a folder `courses/<slug>`."""

    path: Path
    about: dict[str, Any]

    @property
    def slug(self) -> str:
        return str(self.about["slug"])

    @property
    def title(self) -> Said:
        return dict(self.about["title"])

    @property
    def summary(self) -> Said:
        return dict(self.about["summary"])

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(self.about.get("tables", ()))

    @property
    def blocks_release(self) -> bool:
        return bool(self.about.get("blocks_release", False))

    @property
    def version(self) -> str:
        """What a badge is pinned to. Passes of one version do not count for another: raise it when an exercise asks for something else."""
        return str(self.about.get("version", "1"))

    @cached_property
    def digest(self) -> str:
        """What exactly was asked: SHA-256 over declaration, lessons, checks and what lies beside them."""
        digest = hashlib.sha256()
        for file in sorted(each for each in self.path.iterdir() if each.suffix in (".md", ".py", ".toml")):
            digest.update(f"{file.name}\0".encode() + file.read_bytes() + b"\0")
        return digest.hexdigest()

    @cached_property
    def lessons(self) -> tuple[Lesson, ...]:
        return tuple(Lesson(each) for each in sorted(self.path.glob("*.md")) if LESSON.match(each.name))

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        """By `<lesson>.<name>`, in the order of the lessons."""
        declared: dict[str, Exercise] = dict(_checks(self).EXERCISES)
        order = [f"{lesson.name}.{name}" for lesson in self.lessons for name in lesson.exercises]
        return {
            name: declared[name] for name in [*filter(declared.__contains__, order), *(n for n in declared if n not in order)]
        }

    @property
    def required(self) -> tuple[str, ...]:
        """The exercises that a badge needs."""
        return tuple(name for name, exercise in self.exercises.items() if exercise.required)


def _checks(course: Course) -> ModuleType:
    """The course's checks.py. It is never a module of the package, so that no trainee can import it."""
    path = course.path / "checks.py"
    spec = importlib.util.spec_from_file_location(f"checks_of_{course.slug.replace('-', '_')}", path)
    if spec is None or spec.loader is None or not path.exists():
        raise BadCourse(f"Expected the checks of course {course.slug} in {path.name}, found none: write EXERCISES there.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wrong = [name for name, exercise in module.EXERCISES.items() if exercise.kind not in KINDS]
    if wrong:
        raise BadCourse(
            f"Expected one of the kinds {', '.join(KINDS)}, found another in {', '.join(wrong)} of course {course.slug}."
        )
    return module


def load_course(path: Path) -> Course:
    """The course of a folder; BadCourse where its declaration lacks something."""
    try:
        about = tomllib.loads((path / "course.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as reason:
        raise BadCourse(f"Expected a declaration in {path.name}/course.toml, found none that can be read: {reason}.") from None
    lacking = [name for name in ("slug", "title", "summary") if name not in about]
    if lacking or about["slug"] != path.name:
        found = f"no {', '.join(lacking)}" if lacking else f"slug {about['slug']}"
        raise BadCourse(f"Expected slug (the folder's name), title and summary in {path.name}/course.toml, found {found}.")
    return Course(path, about)


def load_courses(folder: Path) -> dict[str, Course]:
    """Every course below a folder, by slug: a folder counts because it has a course.toml."""
    return {path.parent.name: load_course(path.parent) for path in sorted(folder.glob("*/course.toml"))}


def find(courses: dict[str, Course], exercise: str) -> tuple[Course, str]:
    """The course and the `<lesson>.<name>` of `<slug>.<lesson>.<name>`."""
    slug, _, name = exercise.partition(".")
    if slug not in courses or name not in courses[slug].exercises:
        raise UnknownExercise(f"Expected an exercise <course>.<lesson>.<name>, found {exercise[:100]}: no course has it.")
    return courses[slug], name
