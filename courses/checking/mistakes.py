"""What a course's checks.py says of known mistakes, and how it runs the very generator that the lesson shows."""

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from courses.checking.canonical import canonical
from courses.checking.compare import differences
from courses.checking.exercise import Wrong
from courses.checking.release import Release

Expected = Callable[[Release, int], Any]
GENERATOR = re.compile(r"^# generator\n(.*?)^```", re.DOTALL | re.MULTILINE)


def say(en: str, fr: str) -> dict[str, str]:
    """A sentence in both languages."""
    return {"en": en, "fr": fr}


def gives(mistake: Expected, en: str, fr: str, tolerance: float = 1e-6) -> Wrong:
    """The answer that a known mistake gives for this trainee, and what to say to it."""

    def matches(release: Release, seed: int, given: Any) -> bool:
        return not differences(canonical(mistake(release, seed)), canonical(given), tolerance)

    return Wrong(matches, say(en, fr))


def holds(pattern: str, en: str, fr: str, absent: bool = False) -> Wrong:
    """Source code that has (or lacks) something: the source is read, never run here."""
    return Wrong(lambda release, seed, given: bool(re.search(pattern, given)) is not absent, say(en, fr))


def generator(lesson: Path) -> dict[str, Any]:
    """The functions of a lesson's `# generator` cell: what the trainee ran is what is checked, not a copy of it."""
    cell = GENERATOR.search(lesson.read_text(encoding="utf-8"))
    assert cell, f"{lesson.name} has no cell with `# generator`"
    names: dict[str, Any] = {"pl": pl, "random": random}
    exec(cell[1], names)
    return names
