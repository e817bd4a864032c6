"""What the service works with: courses and attempts, the release, the roster; and who may see what of them."""

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from courses.checking.badges import Badges
from courses.checking.course import Course, Lesson
from courses.checking.progress import Place, places, stuck
from courses.checking.service import Checking
from hub_config.portal.datasets import Release
from hub_config.portal.settings import Settings
from hub_config.portal.standing import InCourse, in_course
from hub_config.roles import may
from hub_config.roster import Account, Roster

log = logging.getLogger(__name__)
LEVELS = ("beginner", "intermediate", "advanced")


@dataclass(frozen=True)
class Academy:
    """One academy, as its pages and its checks see it."""

    settings: Settings

    @cached_property
    def checking(self) -> Checking:
        """Every course that can be read; one that cannot is left out, and the others go on."""
        found = Checking(self.settings.courses, self.settings.release, self.settings.state, self.settings.bare_functions)
        for slug, course in list(found.courses.items()):
            try:
                course.exercises  # noqa: B018
            except Exception:
                # Checks are code of an author: anything can be wrong with them.
                log.exception("Course %s is left out: its checks cannot be read. See `pscc course check %s`.", slug, slug)
                del found.courses[slug]
        return found

    @cached_property
    def badges(self) -> Badges:
        return Badges(self.checking, origin=self.settings.origin)

    @cached_property
    def release(self) -> Release:
        return Release(self.settings.release)

    @cached_property
    def roster(self) -> Roster:
        return Roster(self.settings.state / "roster.toml")

    @cached_property
    def courses(self) -> dict[str, Course]:
        """Every course, the easy ones first and each after those it builds on."""
        return {course.slug: course for course in sorted(self.checking.courses.values(), key=self._place)}

    def _place(self, course: Course) -> tuple[int, int, str]:
        level = str(course.about.get("level", ""))
        needs = course.about.get("prerequisites", ())
        return LEVELS.index(level) if level in LEVELS else 0, sum(each in self.checking.courses for each in needs), course.slug

    def account(self, user: str) -> Account:
        """Who that is; somebody whom another directory vouches for is a trainee without a class."""
        return self.roster.accounts().get(user) or Account(user, "trainee")

    def may(self, user: str, right: str) -> bool:
        return may(self.account(user).role, right)

    def enrolled(self, user: str) -> list[Course]:
        """The courses a person takes; none named means all of them, and who teaches sees all."""
        account = self.account(user)
        named = set(account.courses) if account.role == "trainee" else set()
        return [course for slug, course in self.courses.items() if not named or slug in named]

    def trainees(self, instructor: str) -> list[str]:
        """The trainees of somebody's classes, by name."""
        classes = set(self.account(instructor).classes)
        accounts = self.roster.accounts().values()
        return sorted(account.name for account in accounts if account.role == "trainee" and classes & set(account.classes))

    def standing(self, user: str, course: Course) -> InCourse:
        """How far a trainee is in a course."""
        return self.standings([user], course)[user]

    def standings(self, users: list[str], course: Course) -> dict[str, InCourse]:
        """How far each of these trainees is in a course."""
        return in_course(course, users, places(self.checking, course=course.slug))

    def stuck(self, users: list[str], course: Course) -> list[Place]:
        """Who of them may need a word in a course, who has waited longest first."""
        return [place for place in stuck(self.checking, users) if place.course == course.slug]

    def lab(self, course: Course | None = None, lesson: Lesson | None = None) -> str:
        """Where the reader's own server opens: a lesson, a course's folder, or as it was left."""
        if course is None:
            return f"{self.settings.base}hub/user-redirect/lab"
        path = course.slug + (f"/{lesson.path.stem}.ipynb" if lesson else "")
        return f"{self.settings.base}hub/user-redirect/lab/tree/{quote(path)}"


def listed(about: Any, english: str, french: str, language: str) -> list[str]:
    """A list of sentences of a course: `{en = […], fr = […]}`, or one list a language."""
    said = about.get(english, [])
    if isinstance(said, dict):
        return list(said.get(language) or said.get("en") or [])
    return list((language == "fr" and about.get(french)) or said)
