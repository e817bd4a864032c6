"""Badges: issued to who passed, downloaded, shared, and verified by anybody without an account."""

import json
from typing import Any

from tornado.web import HTTPError, authenticated

from courses.checking.badges import Badge, NotEarned, NotGenuine, told
from courses.checking.course import Course
from hub_config.portal import words
from hub_config.portal.pages import Page

LONGEST_NAME = 80


class Badges(Page):
    """The reader's badges, and what is missing for the others."""

    @authenticated
    def get(self) -> None:
        courses = self.academy.enrolled(self.user)
        held = [(self.academy.standing(self.user, course), self._held(course)) for course in courses]
        issued_now = self.get_query_argument("issued", "") == "1"
        self.show("badges.html", held=held, withdrawn=self._withdrawn(courses), origin=self.origin, issued_now=issued_now)

    def _withdrawn(self, courses: list[Course]) -> dict[str, str]:
        """By course, why the reader's last badge was revoked."""
        found = {course.slug: self.academy.badges.withdrawn(self.user, course.slug) for course in courses}
        return {slug: words.choose(self.lang, told(why)) for slug, why in found.items() if why is not None}

    def _held(self, course: Course) -> Badge | None:
        text = self.academy.badges.held(self.user, course.slug)
        return self.academy.badges.verify(text) if text else None


class Issue(Page):
    """Sign a badge for a course whose required exercises are all passed."""

    @authenticated
    def post(self, slug: str) -> None:
        course = self.course(slug)
        holder = " ".join(self.get_body_argument("holder", "").split())[:LONGEST_NAME]
        if not holder:
            raise HTTPError(400)
        try:
            self.academy.badges.issue(self.user, course.slug, holder)
        except NotEarned:
            raise HTTPError(403) from None
        self.redirect(f"{self.academy.settings.prefix}badges?issued=1")


class Download(Page):
    """The signed file."""

    @authenticated
    def get(self, slug: str) -> None:
        text = self.academy.badges.held(self.user, self.course(slug).slug)
        if text is None:
            raise HTTPError(404)
        self.set_header("Content-Type", "application/json")
        self.set_header("Content-Disposition", f'attachment; filename="badge-{slug}.json"')
        self.finish(text)


class Verify(Page):
    """Is this badge genuine? For everybody."""

    def get(self) -> None:
        self.show_verdict()

    def check_xsrf_cookie(self) -> None:
        """Needs none: verifying changes nothing, and is open to all."""

    def post(self) -> None:
        files = self.request.files.get("file")
        pasted = self.get_body_argument("badge", "")
        text = pasted if pasted.strip() or not files else files[0]["body"].decode("utf-8", "replace")
        if text.strip():
            self.show_verified(text)
        else:
            self.show_verdict(wrong=self.say("verify.empty"))

    def show_verified(self, text: str) -> None:
        """The page, with what was found out about a badge."""
        try:
            self.show_verdict(badge=self.academy.badges.verify(text))
        except NotGenuine as fault:
            revoked = fault.reason == "revoked"
            said = self.say("verify.revoked_why", why=self._why(text)) if revoked else self.say(f"verify.{fault.reason}")
            self.show_verdict(wrong=said, revoked=revoked, pasted=text)

    def _why(self, text: str) -> str:
        """The reason for which a badge was revoked, in the reader's language."""
        return words.choose(self.lang, told(self.academy.badges.revoked()[json.loads(text)["id"]]))

    def show_verdict(self, **found: Any) -> None:
        nothing: dict[str, Any] = {"badge": None, "wrong": None, "revoked": False, "pasted": ""}
        self.show("verify.html", **nothing | {"key": self.academy.badges.public_key} | found)


class VerifyLink(Verify):
    """A badge that its holder shared by link."""

    def get(self, link: str) -> None:  # type: ignore[override]
        text = self.academy.badges.by_id(link)
        if text is None:
            self.set_status(404)
            self.show_verdict(wrong=self.say("verify.unknown"))
        else:
            self.show_verified(text)


class PublicKey(Page):
    """The key with which every badge can be verified, for keeping."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self.academy.badges.public_key + "\n")


class Revoked(Page):
    """The list of revoked badges, as programs that verify badges look for it."""

    def get(self) -> None:
        self.set_header("Access-Control-Allow-Origin", "*")
        self.finish(self.academy.badges.revocation_list())
