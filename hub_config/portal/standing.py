"""Where trainees stand, in the words of the pages: in an exercise, in a course."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from courses.checking.course import Course
from courses.checking.progress import Place

Word = Literal["first_try", "passed", "trying", "stuck", "open"]
# What stands for the word, so that no colour is needed.
SIGNS: dict[Word, str] = {"first_try": "★", "passed": "✓", "trying": "…", "stuck": "!", "open": "·"}


@dataclass(frozen=True)
class State:
    """How far somebody is in an exercise, since their last fresh start."""

    word: Word = "open"
    tries: int = 0
    hints: int = 0
    last: datetime | None = None

    @classmethod
    def of(cls, place: Place) -> "State":
        at_once = place.passed and place.passed_at == place.first_attempt_at
        return cls("first_try" if at_once else place.state, place.attempts, place.hints, place.last_attempt_at)

    @property
    def passed(self) -> bool:
        return self.word in ("first_try", "passed")

    @property
    def sign(self) -> str:
        return SIGNS[self.word]


NOT_TRIED = State()


@dataclass(frozen=True)
class InCourse:
    """One trainee in one course; `exercises` are those they touched, by `<lesson>.<exercise>`."""

    course: Course
    exercises: dict[str, State]

    def state(self, exercise: str) -> State:
        return self.exercises.get(exercise, NOT_TRIED)

    @property
    def required(self) -> int:
        return len(self.course.required)

    @property
    def done(self) -> int:
        """Required exercises that are passed."""
        return sum(self.state(name).passed for name in self.course.required)

    @property
    def begun(self) -> bool:
        return any(state.tries for state in self.exercises.values())

    @property
    def finished(self) -> bool:
        return self.done == self.required > 0

    @property
    def last(self) -> datetime | None:
        return max((state.last for state in self.exercises.values() if state.last), default=None)

    def of_lesson(self, lesson: str) -> list[str]:
        """The exercises of a lesson, as `<lesson>.<exercise>`."""
        return [name for name in self.course.exercises if name.startswith(f"{lesson}.")]

    def lesson_done(self, lesson: str) -> bool:
        """Whether every required exercise of a lesson is passed; a lesson without any is never done."""
        asked = [name for name in self.of_lesson(lesson) if self.course.exercises[name].required]
        return bool(asked) and all(self.state(name).passed for name in asked)

    @property
    def next_lesson(self) -> str | None:
        """The first lesson with something left to do."""
        names = (lesson.name for lesson in self.course.lessons)
        return next((name for name in names if self.of_lesson(name) and not self.lesson_done(name)), None)


def in_course(course: Course, users: Iterable[str], places: Iterable[Place]) -> dict[str, InCourse]:
    """These trainees in a course, those who have not begun included."""
    found: dict[str, dict[str, State]] = {user: {} for user in users}
    for place in places:
        if place.trainee in found:
            found[place.trainee][place.exercise.partition(".")[2]] = State.of(place)
    return {user: InCourse(course, exercises) for user, exercises in found.items()}
