"""Which of the hints comes next."""

from courses.checking.exercise import Exercise, Language


def next_hint(exercise: Exercise, failures: int, language: Language) -> str | None:
    """The first hint after the first failure, the next after the next one, the last from then on; None before, or without hints."""
    if failures < 1 or not exercise.hints:
        return None
    return exercise.hints[min(failures, len(exercise.hints)) - 1][language]
