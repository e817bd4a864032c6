"""How a course's checks.py declares exercises and knows mistakes, and how it runs the very generator that the lesson shows."""

import random
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from courses.checking.canonical import canonical
from courses.checking.compare import differences
from courses.checking.exercise import Exercise, Kind, Wrong
from courses.checking.release import Release

Matches = Callable[[Release, int, Any], bool]
Expected = Callable[[Release, int], Any]
GENERATOR = re.compile(r"^# generator\n(.*?)^```", re.DOTALL | re.MULTILINE)


def asking(course: Path) -> Callable[..., tuple[str, Exercise]]:
    """How a course declares its exercises by name. What is said after a wrong answer stands beside them in `feedback.toml`, in both languages."""
    feedback = tomllib.loads((course / "feedback.toml").read_text(encoding="utf-8"))

    def asked(
        name: str, expected: Expected, kind: Kind, *mistakes: Matches, tolerance: float = 1e-6, required: bool = True
    ) -> tuple[str, Exercise]:
        """The words of the n-th mistake are the n-th of its feedback."""
        words = feedback[name]
        hints = tuple({"en": en, "fr": fr} for en, fr in zip(words["en"], words["fr"], strict=True))
        wrong = tuple(Wrong(*each) for each in zip(mistakes, words.get("wrong", ()), strict=True))
        return name, Exercise(expected, kind, tolerance, hints, wrong, required)

    return asked


def gives(mistake: Expected, tolerance: float = 1e-6) -> Matches:
    """True for the answer that a known mistake gives for this trainee."""

    def matches(release: Release, seed: int, given: Any) -> bool:
        return not differences(canonical(mistake(release, seed)), canonical(given), tolerance)

    return matches


def holds(pattern: str, absent: bool = False) -> Matches:
    """True for source code that has (or lacks) something: the source is read, never run here."""
    return lambda release, seed, given: bool(re.search(pattern, given)) is not absent


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
