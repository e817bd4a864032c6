"""The pages of everybody: landing, courses, data, own progress."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from jupyterhub.services.auth import HubOAuthenticated
from tornado.web import HTTPError, RequestHandler, authenticated

from courses.checking.course import Course, Lesson
from hub_config.language import COOKIE, LANGUAGES, Language, language
from hub_config.portal import words
from hub_config.portal.academy import Academy, listed
from hub_config.portal.datasets import FILES

HERE = Path(__file__).parent
# Nothing from elsewhere, nothing inline, no frame around us.
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# So long the first page says that somebody gave out an invitation for the reader's account; the progress page goes on saying it.
TOLD_FOR = timedelta(days=30)
FRENCH_TITLE = re.compile(r"^\*En français\s*: (.+)\*$", re.MULTILINE)
TYPES = {".md": "text/markdown; charset=utf-8", ".json": "application/json"}


def templates() -> Environment:
    """The pages' templates: every value is escaped, a name that nobody set is an error."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "t": _t,
        "n": _n,
        "of": _of,
        "date": _date,
        "number": _number,
        "listed": _listed,
        "languages": words.NAMES,
    }
    return environment


@pass_context
def _t(context: Context, key: str, **filled: object) -> str:
    return words.say(context["lang"], key, **filled)


@pass_context
def _n(context: Context, key: str, number: int) -> str:
    return words.count(context["lang"], key, number)


@pass_context
def _of(context: Context, text: Any) -> str:
    return words.choose(context["lang"], text)


@pass_context
def _date(context: Context, moment: Any) -> str:
    return words.day(context["lang"], moment.astimezone(UTC))


@pass_context
def _number(context: Context, value: Any) -> str:
    return words.figure(context["lang"], value)


@pass_context
def _listed(context: Context, course: Course, english: str, french: str) -> list[str]:
    return listed(course.about, english, french, context["lang"])


class Page(HubOAuthenticated, RequestHandler):
    """A page: who reads it, in which language, and how it looks."""

    @property
    def academy(self) -> Academy:
        return cast(Academy, self.settings["academy"])

    @property
    def hub_auth(self) -> Any:
        return self.settings["hub_auth"]

    async def prepare(self) -> None:
        # Asked here, so that the answer of the hub does not hold up other readers.
        await self.hub_auth.get_user(self, sync=False)

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    @property
    def user(self) -> str:
        """The reader's name; only where somebody is signed in."""
        return str(self.current_user["name"])

    @property
    def lang(self) -> Language:
        return language(self)

    @property
    def origin(self) -> str:
        """Scheme and host as the reader typed them."""
        return f"{self.request.protocol}://{self.request.host}"

    def say(self, key: str, **filled: object) -> str:
        return words.say(self.lang, key, **filled)

    def need(self, right: str) -> None:
        """403 for who does not hold the right."""
        if not self.academy.may(self.user, right):
            raise HTTPError(403)

    def course(self, slug: str) -> Course:
        """A course the reader takes; 404 otherwise."""
        found = next((course for course in self.academy.enrolled(self.user) if course.slug == slug), None)
        if found is None:
            raise HTTPError(404)
        return found

    def invitations(self) -> list[tuple[datetime, str]]:
        """When, and by whom, new invitations for the reader's account were given out, the latest first."""
        found = self.academy.checking.invitations(self.user)
        return [(datetime.fromisoformat(each.at), each.by or self.say("progress.operator")) for each in found]

    def show(self, template: str, **values: object) -> None:
        """Answer with a page."""
        name = self.user if self.current_user else None
        prefix = self.academy.settings.prefix
        common: dict[str, Any] = {
            "lang": self.lang,
            "academy": self.academy,
            "prefix": prefix,
            "base": self.academy.settings.base,
            "here": self.request.path.removeprefix(prefix),
            "next_page": quote(self.request.path if self.request.method in ("GET", "HEAD") else prefix),
            "user": name,
            "teaches": name is not None and self.academy.may(name, "follow_class"),
            "xsrf": self.xsrf_token.decode("ascii") if name else "",
            "lesson_title": self._lesson_title,
        }
        self.finish(self.settings["templates"].get_template(template).render(common | values))

    def _lesson_title(self, course: Course, lesson: Lesson) -> str:
        """The lesson's heading; in French what stands below it in French, if anything does."""
        in_french = FRENCH_TITLE.search(lesson.text) if self.lang == "fr" else None
        return in_french[1].strip() if in_french else lesson.title

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        kind = status_code if status_code in (400, 403, 404) else 400 if status_code < 500 else 500
        try:
            self.show("error.html", kind=str(kind))
        except Exception:
            # The page itself is what broke.
            self.finish(self.say(f"error.title_{kind}"))


class Landing(Page):
    """What the academy is, for everybody."""

    def get(self) -> None:
        if self.current_user:
            self.redirect(self.academy.settings.prefix + "home")
        else:
            self.show("landing.html", courses=list(self.academy.courses.values()))


class Home(Page):
    """The catalogue, and where to go on."""

    @authenticated
    def get(self) -> None:
        stands = [self.academy.standing(self.user, course) for course in self.academy.enrolled(self.user)]
        begun = sorted(
            (each for each in stands if each.begun and not each.finished), key=lambda each: str(each.last), reverse=True
        )
        going_on = next(iter(begun), None) or next((each for each in stands if not each.finished), None)
        told_since = datetime.now(UTC) - TOLD_FOR
        invited = [each for each in self.invitations() if each[0] > told_since][:1]
        self.show("home.html", stands=stands, going_on=going_on, invited=invited)


class CoursePage(Page):
    """A course: what it teaches, its lessons, the reader's progress."""

    @authenticated
    def get(self, slug: str) -> None:
        course = self.course(slug)
        self.show("course.html", course=course, stands=self.academy.standing(self.user, course))


class Data(Page):
    """The release: its tables, what its gate measured, its card."""

    @authenticated
    def get(self) -> None:
        self.show("data.html", release=self.academy.release)


class DataTable(Page):
    """The dictionary of one table."""

    @authenticated
    def get(self, name: str) -> None:
        table = self.academy.release.table(name)
        if table is None:
            raise HTTPError(404)
        self.show("table.html", table=table, release=self.academy.release)


class DataFile(Page):
    """The card or the gate's report, as it lies in the release."""

    @authenticated
    def get(self, name: str) -> None:
        path = self.academy.release.folder / name
        if name not in FILES or not path.exists():
            raise HTTPError(404)
        self.set_header("Content-Type", TYPES[path.suffix])
        self.set_header("Content-Disposition", f'attachment; filename="{self.academy.release.name}-{name}"')
        self.finish(path.read_bytes())


class Progress(Page):
    """The reader's own progress, exercise by exercise."""

    @authenticated
    def get(self) -> None:
        stands = [self.academy.standing(self.user, course) for course in self.academy.enrolled(self.user)]
        self.show("progress.html", stands=stands, invited=self.invitations())


class Accessibility(Page):
    """The accessibility statement."""

    def get(self) -> None:
        self.show("accessibility.html")


class ChooseLanguage(Page):
    """Keep the language and go back to the page one came from."""

    def get(self, wanted: str) -> None:
        if wanted not in LANGUAGES:
            raise HTTPError(404)
        # Not secret and read by the sign-in page's script, which is the hub's.
        self.set_cookie(COOKIE, wanted, path=self.academy.settings.base, expires_days=365, samesite="Lax")
        self.redirect(_page_of_ours(self.get_argument("next", ""), self.academy.settings.prefix))


def _page_of_ours(address: str, prefix: str) -> str:
    """The address if it is one of our pages, else the first page: nobody is led elsewhere."""
    parts = urlsplit(address)
    return prefix if parts.scheme or parts.netloc or "\\" in address or not parts.path.startswith(prefix) else parts.path


class NotFound(Page):
    """An address that leads nowhere."""

    def get(self, *_: str) -> None:
        raise HTTPError(404)

    post = get
