"""Checking: an answer comes in; right or wrong, what differs and the next hint go out, and the attempt is kept."""

import hashlib
import hmac
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from courses.checking import code, words
from courses.checking.attempts import Attempts, Event, secret_of
from courses.checking.canonical import Canonical, admit, canonical, dumps, thaw
from courses.checking.compare import differences
from courses.checking.course import Course, find, load_courses
from courses.checking.errors import NoRoom
from courses.checking.exercise import Exercise, Language
from courses.checking.hints import next_hint
from courses.checking.release import Release

log = logging.getLogger(__name__)
# Failures of one exercise within the time, after which answers wait: a number cannot be guessed by a loop.
FAILURES, WITHIN = 20, timedelta(minutes=10)
EXPECTED_KEPT = 5_000


@dataclass(frozen=True)
class Result:
    """What a trainee is told."""

    passed: bool
    message: str
    hint: str | None
    attempt: int


@dataclass(frozen=True)
class ExerciseProgress:
    """How far a trainee is in an exercise."""

    course: str
    lesson: str
    exercise: str
    required: bool
    attempts: int
    failures: int
    passed: bool


class Checking:
    """The answers of an academy: its courses, the release they are asked about, and what is known of its trainees."""

    def __init__(self, courses: Path | str, release: Path | str, state: Path | str, bare_functions: bool = True) -> None:
        """Without `bare_functions` no function is tried where this machine has no sandbox for it."""
        self.courses: dict[str, Course] = load_courses(Path(courses))
        self.release = Release(release)
        self.state = Path(state)
        self.bare_functions = bare_functions
        self.attempts = Attempts(self.state)
        self._secret = secret_of(self.state)
        self._expected: OrderedDict[tuple[str, int], Any] = OrderedDict()
        self._lock = Lock()

    def seed(self, user: str) -> int:
        """The variant of a trainee: always the same, and not to be guessed by a neighbour."""
        return int.from_bytes(hmac.new(self._secret, user.encode(), hashlib.sha256).digest()[:6], "big")

    def check(self, user: str, exercise: str, value: Any, lang: str | None = "en", now: datetime | None = None) -> Result:
        """Judges an answer (canonical JSON, or any value that has a canonical form) and keeps the attempt.

        UnknownExercise and NotAnAnswer are raised to who asks wrongly: nothing is kept then. A check that breaks is our fault:
        the attempt is kept and is no failure.
        """
        language, moment = words.language(lang), now or datetime.now(UTC)
        course, name = find(self.courses, exercise)
        given = admit(value) if isinstance(value, dict) and "kind" in value else canonical(value)
        stands = self.attempts.standing(user, course.slug, course.version, name, moment - WITHIN)
        if _is_blank(given):
            # Who runs a whole notebook to look at it has not tried yet.
            blank = words.say("nothing", language, expected=course.exercises[name].kind)
            return Result(False, blank, None, stands.attempts)
        if stands.recent_failures >= FAILURES:
            return Result(False, words.say("wait", language, minutes=int(WITHIN.total_seconds() // 60)), None, stands.attempts)
        found = self.judge(exercise, given, self.seed(user), language)
        if found.what == "busy":
            return Result(False, found.message, None, stands.attempts)
        asked = course.exercises[name]
        try:
            event = self.attempts.add(
                "attempt" if found.what == "judged" else "fault", user, course.slug, course.version, name, self.release.name,
                passed=found.passed, answer=dumps(given), feedback=found.message, has_hints=len(asked.hints), now=moment,
            )  # fmt: skip
        except NoRoom:
            # Right or wrong is not said: it would be an attempt that nobody knows of.
            return Result(False, words.say("no_room", language), None, stands.attempts)
        hint = next_hint(asked, event.hint, language) if found.passed is False else None
        return Result(bool(found.passed), found.message, hint, event.attempt)

    def judge(self, exercise: str, given: Canonical, seed: int, language: Language = "en") -> "Judgement":
        """Right or wrong for a variant, and what is said; nothing is kept."""
        course, name = find(self.courses, exercise)
        asked = course.exercises[name]
        try:
            expected = self.expected(exercise, seed)
            if asked.kind == "code":
                return self._judge_code(asked, expected, given, seed, language)
            found = [each.say(language) for each in differences(expected, given, asked.tolerance)]
        except Exception:
            log.exception("The check of %s broke", exercise)
            return Judgement("fault", None, words.say("fault", language))
        return self._judgement(asked, found, given, seed, language)

    def expected(self, exercise: str, seed: int) -> Any:
        """What is expected of a variant, in canonical form; for code the cases."""
        key = (exercise, seed)
        with self._lock:
            if key in self._expected:
                self._expected.move_to_end(key)
                return self._expected[key]
        course, name = find(self.courses, exercise)
        asked = course.exercises[name]
        made = asked.expected(self.release, seed)
        value = list(made) if asked.kind == "code" else canonical(made)
        with self._lock:
            self._expected[key] = value
            if len(self._expected) > EXPECTED_KEPT:
                self._expected.popitem(last=False)
        return value

    def _judge_code(self, asked: Exercise, cases: Any, given: Canonical, seed: int, language: Language) -> "Judgement":
        if given["kind"] != "code":
            said = words.say("kind", language, expected="code", given=given["kind"])
            return self._judgement(asked, [said], given, seed, language)
        if not self.bare_functions and code.isolation() == "process":
            return Judgement("busy", None, words.say("code_closed", language))
        try:
            found = code.differences(cases, given, asked.tolerance)
        except code.Busy:
            return Judgement("busy", None, words.say("code_busy", language))
        return self._judgement(asked, [each.say(language) for each in found], given, seed, language)

    def _judgement(self, asked: Exercise, found: list[str], given: Canonical, seed: int, language: Language) -> "Judgement":
        if not found:
            return Judgement("judged", True, words.say("passed", language))
        known = self._known_mistake(asked, given, seed)
        return Judgement("judged", False, " ".join([*found, *([known[language]] if known else [])]))

    def _known_mistake(self, asked: Exercise, given: Canonical, seed: int) -> dict[str, str] | None:
        """What to say about a mistake that many make. A recogniser meets answers of any form: one that breaks recognises nothing."""
        for wrong in asked.wrong:
            try:
                if wrong.matches(self.release, seed, thaw(given)):
                    return wrong.say
            except Exception as reason:
                log.debug("A recogniser of mistakes broke: %s", type(reason).__name__)
        return None

    def progress(self, user: str) -> list[ExerciseProgress]:
        """Every exercise of every course, and how far this trainee is."""
        return [self._progress(user, course, name) for course in self.courses.values() for name in course.exercises]

    def _progress(self, user: str, course: Course, name: str) -> ExerciseProgress:
        stands = self.attempts.standing(user, course.slug, course.version, name)
        lesson = name.partition(".")[0]
        required = course.exercises[name].required
        return ExerciseProgress(
            course.slug, lesson, f"{course.slug}.{name}", required, stands.attempts, stands.failures, stands.passed
        )

    def events(self, user: str | None = None, course: str | None = None) -> list[Event]:
        """What happened, in its order."""
        return self.attempts.events(user, course)

    def reset(self, user: str, exercise: str, by: str = "") -> None:
        """Gives a trainee a fresh start in an exercise: hints begin anew, an earlier pass no longer counts. What happened stays recorded."""
        course, name = find(self.courses, exercise)
        self.attempts.add("reset", user, course.slug, course.version, name, self.release.name, by=by)

    def note_invitation(self, user: str, by: str) -> None:
        """Records that somebody gave out a new invitation for an account: whoever holds it may act in its name."""
        self.attempts.add("invited", user, "", "", "", self.release.name, by=by)

    def invitations(self, user: str) -> list[Event]:
        """The new invitations that were given out for an account, the latest first."""
        return [event for event in self.attempts.events(user, "") if event.what == "invited"][::-1]

    def close(self) -> None:
        """Closes the record."""
        self.attempts.close()


def _is_blank(given: Canonical) -> bool:
    """Nothing, a function without a body, axes on which nothing was drawn."""
    if given["kind"] == "code":
        return code.is_empty(given)
    return given["kind"] == "nothing" or (given["kind"] == "figure" and not any(each["series"] for each in given["axes"]))


@dataclass(frozen=True)
class Judgement:
    """Right or wrong and what is said of it; `passed` is None where our own check broke, or nothing could be tried."""

    what: str
    passed: bool | None
    message: str
