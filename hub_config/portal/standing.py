"""Where trainees stand: what the recorded attempts say of each exercise, of a course, of a class."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from courses.checking.attempts import Event
from courses.checking.course import Course

# So many failures without a pass, and an instructor should know.
STUCK_AFTER = 3


@dataclass(frozen=True)
class State:
    """How far somebody is in an exercise, since their last fresh start."""

    tries: int = 0
    failures: int = 0
    passed: bool = False
    hints: int = 0
    last: datetime | None = None

    @property
    def word(self) -> str:
        """One of the words of the heat map's legend."""
        if self.passed:
            return "first_try" if self.failures == 0 else "passed"
        if self.failures >= STUCK_AFTER:
            return "stuck"
        return "trying" if self.tries else "open"

    @property
    def sign(self) -> str:
        """What stands for the word where colour must not be needed."""
        return {"first_try": "★", "passed": "✓", "trying": "…", "stuck": "!", "open": "·"}[self.word]


NOT_TRIED = State()
# By user, then by `<lesson>.<exercise>`.
States = dict[str, dict[str, State]]


def states(events: Iterable[Event], course: Course) -> States:
    """Everybody's state in each exercise of a course, in its version of today."""
    found: States = {}
    for event in events:
        if event.course != course.slug or not event.exercise:
            continue
        of_user = found.setdefault(event.user, {})
        if event.what == "reset":
            of_user.pop(event.exercise, None)
        elif event.what == "attempt" and event.version == course.version:
            of_user[event.exercise] = _after(of_user.get(event.exercise, NOT_TRIED), event)
    return found


def _after(state: State, event: Event) -> State:
    return State(
        tries=state.tries + 1,
        failures=state.failures + (event.passed is False and not state.passed),
        passed=state.passed or bool(event.passed),
        hints=max(state.hints, event.hint),
        last=datetime.fromisoformat(event.at),
    )


@dataclass(frozen=True)
class InCourse:
    """One trainee in one course."""

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

    def lesson_done(self, lesson: str) -> bool:
        """Whether every required exercise of a lesson is passed; a lesson without any is never done."""
        asked = [name for name in self.course.required if name.startswith(f"{lesson}.")]
        return bool(asked) and all(self.state(name).passed for name in asked)

    def of_lesson(self, lesson: str) -> list[str]:
        """The exercises of a lesson, as `<lesson>.<exercise>`."""
        return [name for name in self.course.exercises if name.startswith(f"{lesson}.")]

    @property
    def next_lesson(self) -> str | None:
        """The first lesson with something left to do."""
        names = (lesson.name for lesson in self.course.lessons)
        return next((name for name in names if self.of_lesson(name) and not self.lesson_done(name)), None)


@dataclass(frozen=True)
class Stuck:
    """Somebody who tries an exercise again and again."""

    user: str
    exercise: str
    state: State


def stuck(class_states: States) -> list[Stuck]:
    """Who may need a word, latest first."""
    found = [
        Stuck(user, exercise, state)
        for user, exercises in class_states.items()
        for exercise, state in exercises.items()
        if state.word == "stuck"
    ]
    return sorted(found, key=lambda each: each.state.last or datetime.min, reverse=True)
