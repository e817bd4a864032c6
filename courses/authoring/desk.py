"""A check service for one author: the API that notebooks know, on loopback, with answers kept in a folder that is thrown away."""

import json
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from courses.authoring.temporary import temporary
from courses.checking.errors import CheckingError
from courses.checking.service import Checking

log = logging.getLogger(__name__)
AUTHOR = "author"
# An author has the same variant every time: what passed once passes again, and a release is judged alike by everybody.
VARIANT = "11" * 32
MAX_BODY = 8_000_000


@dataclass(frozen=True)
class Desk:
    """Where notebooks send their answers, and what came of them."""

    checking: Checking
    url: str
    token: str
    engines: "Engines"

    def environment(self, language: str = "en") -> dict[str, str]:
        """What a notebook finds in its environment: the same names as in a trainee's server."""
        release = self.checking.release
        return {
            "PSCC_CHECK_URL": self.url, "JUPYTERHUB_API_TOKEN": self.token, "PSCC_LANG": language, "PSCC_RELEASE": str(release.path.resolve()),
            "PSCC_RELEASE_NAME": release.name,
        }  # fmt: skip

    def passed(self, course: str, lesson: str) -> dict[str, bool]:
        """The exercises of a lesson, and whether they were passed here."""
        found = [each for each in self.checking.progress(AUTHOR) if each.course == course and each.lesson == lesson]
        return {each.exercise: each.passed for each in found}

    def attempts(self, course: str, lesson: str) -> int:
        """How many answers of a lesson were judged here."""
        return sum(each.attempts for each in self.checking.progress(AUTHOR) if each.course == course and each.lesson == lesson)

    def last_message(self, exercise: str) -> str:
        """What was last said about an exercise, nothing where it was never tried."""
        slug, _, name = exercise.partition(".")
        said = [each.feedback for each in self.checking.events(AUTHOR, slug) if each.exercise == name]
        return said[-1] if said else ""


class Engines:
    """The teaching engine, started for the first lesson that needs it, unless SPARK_REMOTE names one that runs already."""

    def __init__(self, release: Path, state: Path) -> None:
        self._release, self._state = release, state
        self._open = ExitStack()
        self._remote = os.environ.get("SPARK_REMOTE", "")

    def remote(self) -> str:
        """Where the author's notebooks find Spark."""
        if not self._remote:
            from hub_config.engine import level, running

            # Solutions are the courses' own: where no sandbox can be made, as in the one that a task of Airflow is in already, they do without.
            options = () if level()[0] == "bwrap" else ("--without-sandbox",)
            self._remote = self._open.enter_context(running(self._release.resolve(), self._state, *options))(AUTHOR)
        return self._remote

    def close(self) -> None:
        self._open.close()


@contextmanager
def desk(courses: Path, release: Path) -> Iterator[Desk]:
    """A desk for as long as the block lasts."""
    with temporary("desk") as state, closing(Engines(release, state)) as engines:
        (state / "course.secret").write_text(VARIANT)
        checking, token = Checking(courses, release, state), secrets.token_hex(16)
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(checking, token))
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Desk(checking, f"http://127.0.0.1:{server.server_address[1]}", token, engines)
        finally:
            server.shutdown()
            server.server_close()
            checking.close()


def _handler(checking: Checking, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({"seed": checking.seed(AUTHOR)}) if self.path.endswith("/seed") else self._refuse(
                404, "Expected …/seed or …/check."
            )

        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MAX_BODY))
            try:
                asked = json.loads(body)
                result = checking.check(AUTHOR, str(asked["exercise"]), asked["value"], asked.get("lang"))
            except (ValueError, KeyError, TypeError):
                return self._refuse(400, 'Expected {"exercise": …, "value": …}, found something else.')
            except CheckingError as reason:
                return self._refuse(400, str(reason))
            return self._answer(
                {"passed": result.passed, "message": result.message, "hint": result.hint, "attempt": result.attempt}
            )

        def parse_request(self) -> bool:
            known = super().parse_request()
            if known and not secrets.compare_digest(self.headers.get("Authorization", ""), f"token {token}"):
                self._refuse(403, "Expected the author's own token.")
                return False
            return known

        def _refuse(self, status: int, sentence: str) -> None:
            self._answer({"error": sentence, "message": sentence}, status)

        def _answer(self, value: dict[str, Any], status: int = 200) -> None:
            body = json.dumps(value, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            log.debug(format, *args)

    return Handler
