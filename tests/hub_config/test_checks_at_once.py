"""Many checks at one moment: one user's wait for each other, and keep nobody else waiting."""

import asyncio
import json
import threading
import time
from collections import Counter
from types import SimpleNamespace

from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from courses.checking.service import Result
from hub_config.portal import api


class Slow:
    """A checking that takes its time, and counts how many of a user it is asked for at once."""

    def __init__(self) -> None:
        self.lock, self.now, self.most = threading.Lock(), Counter(), Counter()

    def check(self, user: str, exercise: str, value: object, lang: str) -> Result:
        with self.lock:
            self.now[user] += 1
            self.most[user] = max(self.most[user], self.now[user])
        time.sleep(0.4 if user == "eve" else 0)
        with self.lock:
            self.now[user] -= 1
        return Result(True, "Right.", None, 1)


class Anybody:
    """A hub that takes every token for a name."""

    access_scopes = frozenset()

    def get_token(self, handler: api.Api, in_cookie: bool) -> str:
        return handler.request.headers["Authorization"]

    async def user_for_token(self, token: str, sync: bool) -> dict[str, str]:
        return {"name": token}

    def check_scopes(self, wanted: object, model: object) -> bool:
        return True


async def asked(users: list[str]) -> tuple[Slow, list[tuple[str, HTTPResponse, float]]]:
    """Each of the users asks at the same moment: who, what came back, after how long."""
    checking, (listener, port) = Slow(), bind_unused_port()
    academy = SimpleNamespace(checking=checking)
    app = Application(
        [("/check", api.Check)], academy=academy, hub_auth=Anybody(), rate_limit=api.RateLimit(100), turns=api.Turns()
    )
    server = HTTPServer(app)
    server.add_socket(listener)
    client = AsyncHTTPClient(force_instance=True, max_clients=50)
    body = json.dumps({"exercise": "survival.first-curves.deaths", "value": 1})

    async def ask(user: str) -> tuple[str, HTTPResponse, float]:
        started = time.monotonic()
        headers = {"Authorization": user, "Accept-Language": "en"}
        url = f"http://127.0.0.1:{port}/check"
        answer = await client.fetch(url, method="POST", body=body, headers=headers, raise_error=False)
        return user, answer, time.monotonic() - started

    answers = await asyncio.gather(*map(ask, users))
    client.close()
    server.stop()
    await server.close_all_connections()
    return checking, answers


def test_checks_of_one_user_are_judged_one_at_a_time_and_a_neighbour_s_does_not_wait():
    checking, answers = asyncio.run(asked([*["eve"] * 4, "bob"]))
    assert [answer.code for _, answer, _ in answers] == [200] * 5
    assert checking.most == {"eve": 1, "bob": 1}
    *eve, bob = [seconds for _, _, seconds in answers]
    assert bob < max(eve) / 2


def test_a_crowd_of_checks_of_one_user_is_refused_with_a_sentence():
    _, answers = asyncio.run(asked([*["eve"] * 30, "bob"]))
    codes = Counter((user, answer.code) for user, answer, _ in answers)
    assert codes == {("eve", 200): api.WAITING, ("eve", 429): 30 - api.WAITING, ("bob", 200): 1}
    refused = next(answer for _, answer, _ in answers if answer.code == 429)
    assert json.loads(refused.body)["message"].startswith("Several of your checks are still at work.")
    assert refused.headers["Retry-After"] == "5"
