"""The check API: what `check()` in a notebook talks to. Errors are sentences, in the language that the notebook asks for."""

import asyncio
import json
import logging
import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, NoReturn, cast

from tornado.web import HTTPError, RequestHandler

from courses.checking.errors import CheckingError, NoRoom, UnknownExercise
from hub_config.language import Language, preferred
from hub_config.portal import words
from hub_config.portal.academy import Academy

log = logging.getLogger(__name__)
MEGABYTES = 5
REMEMBERED = 5_000
# Checks of one user that are at work or wait; what waits is held in memory.
WAITING = 4


class RateLimit:
    """So many requests a minute for each user. `now` can be another clock, for tests."""

    def __init__(self, a_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self.a_minute = a_minute
        self.now = now
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, user: str) -> int:
        """Seconds to wait; 0, and counted, if the user may go on."""
        now = self.now()
        asked = self._asked.setdefault(user, deque())
        self._asked.move_to_end(user)
        while asked and asked[0] <= now - 60:
            asked.popleft()
        if len(asked) >= self.a_minute:
            return math.ceil(asked[0] + 60 - now)
        asked.append(now)
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        return 0


class Crowded(Exception):
    """Several checks of the same user are at work or waiting already."""


class Turns:
    """One check at a time for each user: whoever sends many at once holds one thread, and the others are answered meanwhile."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def one(self, user: str) -> AsyncIterator[None]:
        """The user's turn, once those before have had theirs; Crowded where there are WAITING of them."""
        if self._asked[user] >= WAITING:
            raise Crowded
        self._asked[user] += 1
        try:
            async with self._locks.setdefault(user, asyncio.Lock()):
                yield
        finally:
            self._asked[user] -= 1
            if not self._asked[user]:
                del self._asked[user], self._locks[user]


class Api(RequestHandler):
    """A request of a program: a hub token comes in the header; cookies count for nothing, so no other page can send it."""

    user: str

    @property
    def academy(self) -> Academy:
        return cast(Academy, self.settings["academy"])

    @property
    def lang(self) -> Language:
        return preferred(self.request.headers.get("Accept-Language", ""))

    def check_xsrf_cookie(self) -> None:
        """Needs none: see the class."""

    async def prepare(self) -> None:
        auth = self.settings["hub_auth"]
        token = auth.get_token(self, in_cookie=False)
        model = await auth.user_for_token(token, sync=False) if token else None
        if not model or model.get("kind", "user") != "user":
            self.refuse(403, "api.no_token")
        if not auth.check_scopes(auth.access_scopes, model):
            self.refuse(403, "api.no_access")
        self.user = str(model["name"])

    def refuse(self, status: int, key: str, **filled: object) -> NoReturn:
        """End the request with a sentence."""
        raise HTTPError(status) from Refusal(words.say(self.lang, key, **filled))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        cause = getattr(kwargs.get("exc_info", (None, None, None))[1], "__cause__", None)
        said = (
            cause.sentence
            if isinstance(cause, Refusal)
            else words.say(self.lang, "api.not_found" if status_code == 404 else "api.broken")
        )
        if isinstance(cause, Refusal) and cause.seconds:
            self.set_header("Retry-After", cause.seconds)
        self.answer({"message": said})

    def answer(self, value: dict[str, Any]) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(value, ensure_ascii=False))

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent."""
        if len(self.request.body) > MEGABYTES * 1_000_000:
            self.refuse(413, "api.too_big", n=MEGABYTES)
        try:
            sent = json.loads(self.request.body)
        except (ValueError, RecursionError):
            sent = None
        if not isinstance(sent, dict):
            self.refuse(400, "api.not_json")
        return cast(dict[str, Any], sent)


class Refusal(Exception):
    """Carries the sentence of a refused request, and how long to wait before the next."""

    def __init__(self, sentence: str, seconds: int = 0) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.seconds = seconds


class Check(Api):
    """An answer is judged, and the attempt is kept."""

    async def post(self) -> None:
        if seconds := self.settings["rate_limit"].wait(self.user):
            raise HTTPError(429) from Refusal(words.say(self.lang, "api.too_fast", n=seconds), seconds)
        try:
            async with self.settings["turns"].one(self.user):
                await self.judge()
        except Crowded:
            raise HTTPError(429) from Refusal(words.say(self.lang, "api.one_at_a_time"), seconds=5)

    async def judge(self) -> None:
        """Answers with what is said of the answer that was sent."""
        sent = self.body()
        exercise = sent.get("exercise")
        if not isinstance(exercise, str) or "value" not in sent:
            self.refuse(400, "api.fields")
        checking = self.academy.checking
        try:
            # In a thread: a check may run code of its own process for seconds, and others ask meanwhile.
            result = await asyncio.to_thread(checking.check, self.user, exercise, sent["value"], sent.get("lang") or self.lang)
        except UnknownExercise:
            self.refuse(404, "api.unknown_exercise", name=exercise[:80])
        except CheckingError as error:
            raise HTTPError(422) from Refusal(str(error))
        self.answer(asdict(result))


class Seed(Api):
    """The reader's own variant."""

    def get(self) -> None:
        self.answer({"seed": self.academy.checking.seed(self.user)})


class MyProgress(Api):
    """How far the reader is, exercise by exercise."""

    def get(self) -> None:
        self.answer({"exercises": [asdict(each) for each in self.academy.checking.progress(self.user)]})


class Reset(Api):
    """A fresh start for a trainee of one's class in an exercise."""

    def post(self) -> None:
        if not self.academy.may(self.user, "reset_class"):
            self.refuse(403, "api.instructors")
        sent = self.body()
        user, exercise = sent.get("user"), sent.get("exercise")
        if not isinstance(user, str) or not isinstance(exercise, str):
            self.refuse(400, "api.reset_fields")
        if user not in self.academy.trainees(self.user):
            self.refuse(404, "api.unknown_user", name=user[:80])
        try:
            self.academy.checking.reset(user, exercise, by=self.user)
        except UnknownExercise:
            self.refuse(404, "api.unknown_exercise", name=exercise[:80])
        except NoRoom:
            self.refuse(507, "api.no_room")
        self.answer({"user": user, "exercise": exercise})


class Health(Api):
    """Whether the service answers; for who starts it."""

    async def prepare(self) -> None:
        """Open to everybody: it says nothing."""

    def get(self) -> None:
        self.answer({"ready": True})


class Nowhere(Api):
    """An address of the API that leads nowhere."""

    async def prepare(self) -> None:
        """Nobody needs to be known for this."""
        self.refuse(404, "api.not_found")
