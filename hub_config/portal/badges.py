"""Badges: issued to who passed, downloaded, shared, and verified by anybody without an account."""

from typing import Any

from tornado.web import HTTPError, authenticated

from hub_config.portal import credentials
from hub_config.portal.credentials import NotGenuine, Shown
from hub_config.portal.pages import Page

LONGEST_NAME = 80


class Badges(Page):
    """The reader's badges, and what is missing for the others."""

    @authenticated
    def get(self) -> None:
        self.show_badges(issued_now=self.get_query_argument("issued", "") == "1")

    def show_badges(self, **values: Any) -> None:
        academy = self.academy
        held = [
            (academy.standing(self.user, course), credentials.held(academy, self.user, course))
            for course in academy.enrolled(self.user)
        ]
        self.show("badges.html", **{"held": held, "origin": self.origin, "wrong": None, "issued_now": False} | values)


class Issue(Badges):
    """Sign a badge for a course whose required exercises are all passed."""

    @authenticated
    def post(self, slug: str) -> None:
        course = self.course(slug)
        holder = " ".join(self.get_body_argument("holder", "").split())[:LONGEST_NAME]
        if not holder or not self.academy.standing(self.user, course).finished:
            raise HTTPError(400)
        credentials.issue(self.academy, self.user, course, holder, self.origin)
        self.redirect(f"{self.academy.settings.prefix}badges?issued=1")


class Download(Page):
    """The signed file."""

    @authenticated
    def get(self, slug: str) -> None:
        badge = credentials.held(self.academy, self.user, self.course(slug))
        if badge is None:
            raise HTTPError(404)
        self.set_header("Content-Type", "application/json")
        self.set_header("Content-Disposition", f'attachment; filename="badge-{slug}.json"')
        self.finish(badge.raw)


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
        self.show_verdict(text=text)

    def show_verdict(self, text: str | None = None, wrong: str | None = None) -> None:
        """The page, with what was found out about a badge."""
        found: Shown | None = None
        revoked = False
        if text is not None and not text.strip():
            wrong = self.say("verify.empty")
        elif text is not None:
            try:
                found = credentials.verify(self.academy, text)
            except NotGenuine as fault:
                wrong, revoked = self.say(fault.key), fault.key == "verify.revoked_text"
        pasted = text or "" if wrong else ""
        key = credentials.public_key(self.academy)
        self.show("verify.html", badge=found, raw=found.raw if found else "", wrong=wrong, revoked=revoked, pasted=pasted, key=key)


class VerifyLink(Verify):
    """A badge that its holder shared by link."""

    def get(self, link: str) -> None:  # type: ignore[override]
        text = credentials.by_link(self.academy, link)
        if text is None:
            self.set_status(404)
            self.show_verdict(wrong=self.say("verify.unknown"))
        else:
            self.show_verdict(text=text)


class PublicKey(Page):
    """The key with which every badge can be verified, for keeping."""

    def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(credentials.public_key(self.academy))
