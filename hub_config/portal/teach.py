"""The instructor's pages: heat map, who is stuck, class in and out, fresh starts, badges revoked. Nothing here opens a trainee's notebooks."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from tornado.web import HTTPError, authenticated

from courses.checking.badges import WHYS
from courses.checking.course import Course
from courses.checking.errors import UnknownExercise
from hub_config.access import note_entry
from hub_config.portal import words
from hub_config.portal.class_list import NotAClass, admitted
from hub_config.portal.pages import Page
from hub_config.portal.standing import InCourse

# A cell that begins like this is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Class(Page):
    """Where each trainee of one's classes stands in a course."""

    @authenticated
    def get(self) -> None:
        self.need("follow_class")
        self.show_class()

    def show_class(self, **values: Any) -> None:
        """The page, with what a form has just done."""
        courses = self.academy.enrolled(self.user)
        wanted = self.get_query_argument("course", "")
        course = next((each for each in courses if each.slug == wanted), courses[0] if courses else None)
        trainees = self.academy.trainees(self.user)
        shown: dict[str, Any] = {
            "done": None,
            "wrong": None,
            "invitations": {},
            "class_name": self._classes(),
            "badges": self.academy.badges.given(trainees),
            "title": self.title,
            "whys": WHYS,
            "origin": self.origin,
        }
        if course is None:
            self.show("class.html", course=None, courses=courses, trainees=trainees, **shown | values)
            return
        note_view(self, trainees, "shown")
        nobody = InCourse(course, {})
        columns = [(lesson, names) for lesson in course.lessons if (names := nobody.of_lesson(lesson.name))]
        shown |= {
            "stands": self.academy.standings(trainees, course),
            "columns": columns,
            "stuck": self.academy.stuck(trainees, course),
        }
        self.show("class.html", course=course, courses=courses, trainees=trainees, **shown | values)

    def title(self, slug: str) -> str:
        """The title of a course, its short name where it is no longer taught."""
        return words.choose(self.lang, self.academy.courses[slug].title) if slug in self.academy.courses else slug

    def _classes(self) -> tuple[str, ...]:
        return self.academy.account(self.user).classes


class Reset(Class):
    """A fresh start for one trainee in one exercise."""

    @authenticated
    def post(self) -> None:
        self.need("reset_class")
        user, exercise = self.get_body_argument("user"), self.get_body_argument("exercise")
        if user not in self.academy.trainees(self.user):
            raise HTTPError(404)
        try:
            self.academy.checking.reset(user, exercise, by=self.user)
        except UnknownExercise:
            raise HTTPError(404) from None
        self.show_class(done=self.say("class.was_reset", user=user, exercise=exercise))


class Revoke(Class):
    """A trainee's badge counts for nothing from now on."""

    @authenticated
    def post(self) -> None:
        self.need("revoke_badge")
        badge, why = self.get_body_argument("badge"), self.get_body_argument("why")
        found = next((each for each in self.academy.badges.given(self.academy.trainees(self.user)) if each.id == badge), None)
        if found is None:
            raise HTTPError(404)
        if why not in WHYS or self.get_body_argument("sure", "") != "yes":
            raise HTTPError(400)
        self.academy.badges.revoke(badge, by=self.user, why=why)
        self.show_class(done=self.say("class.was_revoked", user=found.user, course=self.title(found.course)))


class Invite(Class):
    """A class comes in as CSV; whoever is new gets an invitation, shown once."""

    @authenticated
    def post(self) -> None:
        self.need("reset_class")
        sent = self.request.files.get("file")
        roster = self.academy.roster
        try:
            if not sent:
                raise NotAClass("import.no_file")
            listed = admitted(sent[0]["body"], self.academy.account(self.user), roster.accounts())
            codes = roster.import_class(listed)
        except NotAClass as fault:
            self.set_status(422)
            self.show_class(wrong=self.say(fault.key, **fault.filled))
            return
        known = listed.count("\n") - 1 - len(codes)
        self.show_class(invitations=codes, done=words.count(self.lang, "class.known", known) if known else None)


class InviteAgain(Class):
    """A new invitation for somebody who forgot the password."""

    @authenticated
    def post(self) -> None:
        self.need("reset_class")
        user = self.get_body_argument("user")
        if user not in self.academy.trainees(self.user):
            raise HTTPError(404)
        # First noted, then done: nobody gets a code that the trainee is not told of.
        self.academy.checking.note_invitation(user, by=self.user)
        self.show_class(invitations={user: self.academy.roster.reset(user)})


class ExportList(Page):
    """The class list, in the form that an import takes."""

    @authenticated
    def get(self) -> None:
        self.need("export_class")
        _as_csv(self, "class.csv")
        lines = [
            self.academy.roster.export_class(name).splitlines(keepends=True) for name in self.academy.account(self.user).classes
        ]
        head = lines[0][:1] if lines else []
        trainees = set(self.academy.trainees(self.user))
        kept = {line for each in lines for line in each[1:] if line.partition(",")[0] in trainees}
        self.finish("".join([*head, *sorted(kept)]))


class Export(Page):
    """The progress of one's classes, one line a trainee and exercise."""

    @authenticated
    def get(self) -> None:
        self.need("export_class")
        _as_csv(self, "progress.csv")
        trainees = self.academy.trainees(self.user)
        note_view(self, trainees, "exported")
        self.finish(_csv(line for course in self.academy.courses.values() for line in self._lines(course, trainees)))

    def _lines(self, course: Course, trainees: list[str]) -> Iterable[tuple[Any, ...]]:
        for user, stands in self.academy.standings(trainees, course).items():
            for name, exercise in course.exercises.items():
                state = stands.state(name)
                last = state.last.isoformat(timespec="seconds") if state.last else ""
                yield user, course.slug, course.version, name, exercise.required, state.passed, state.tries, state.hints, last


def note_view(page: Page, trainees: list[str], outcome: str) -> None:
    """Note in the access log who looks at the work of how many trainees; where it cannot be noted nobody does."""
    note_entry(
        page.academy.settings.state,
        "view",
        who=page.user,
        client=page.request.remote_ip,
        outcome=outcome,
        through="portal",
        table="academy.attempts",
        rows=len(trainees),
    )


def _as_csv(page: Page, name: str) -> None:
    page.set_header("Content-Type", "text/csv; charset=utf-8")
    page.set_header("Content-Disposition", f'attachment; filename="{name}"')


def _csv(lines: Iterable[tuple[Any, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("user", "course", "version", "exercise", "required", "passed", "tries", "hints", "last_try"))
    writer.writerows(tuple(_inert(cell) for cell in line) for line in lines)
    return out.getvalue()


def _inert(cell: Any) -> str:
    text = str(cell).lower() if isinstance(cell, bool) else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
