"""What a course's checks.py says of known mistakes, and how it runs the very generator that the lesson shows."""

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from courses.checking.canonical import canonical
from courses.checking.compare import differences
from courses.checking.exercise import Wrong
from courses.checking.release import Release

Matches = Callable[[Release, int, Any], bool]
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


def is_number(value: Expected, tolerance: float = 2e-4) -> Matches:
    """True for who answers the number that this mistake gives."""

    def matches(release: Release, seed: int, given: Any) -> bool:
        return isinstance(given, int | float) and abs(float(given) - float(value(release, seed))) <= tolerance

    return matches


def column_gives(column: str, value: Callable[[Release, int], list[float]], tolerance: float = 2e-4) -> Matches:
    """True for a table whose column holds what this mistake gives, in any order."""

    def matches(release: Release, seed: int, given: Any) -> bool:
        if not isinstance(given, pl.DataFrame) or column not in given.columns or not given[column].dtype.is_numeric():
            return False
        found, known = sorted(given[column].drop_nulls().to_list()), sorted(value(release, seed))
        return len(found) == len(known) and bool(np.allclose(found, known, atol=tolerance, rtol=0))

    return matches


def source_has(*parts: str, lacks: Sequence[str] = ()) -> Matches:
    """True for a function whose text has all of these parts and none of those."""

    def matches(release: Release, seed: int, given: Any) -> bool:
        text = str(given)
        return all(part in text for part in parts) and not any(part in text for part in lacks)

    return matches
