"""How long a query may run, by who else is there: the rule alone, without an engine."""

import asyncio
import time
from typing import Any

import pytest

from hub_config.engine_door import SECONDS_A_PERSON_WHILE_OTHERS_WAIT, WAITING_SECONDS, Door, Running
from hub_config.engine_room import Orders

MOST = 60
ORDERS = Orders(release="", folder="", java="", jars="", key="", socket="", memory="", cores=2, seconds=MOST, megabytes=1)


def seconds(people: int, *others: Running, tasks: int = 2, user: str = "ada") -> int:
    """What a query of Ada's may take that has had so many people beside it, herself included."""

    async def asked() -> int:
        door, query = Door(ORDERS, "127.0.0.1:9", "token"), Running((user, "session", "hers"), tasks=tasks, people=people)
        door.running = {each.key: each for each in (query, *others)}
        return door.seconds_for(query, time.monotonic())

    return asyncio.run(asked())


def waiting(user: str = "ben", *, seconds: float = WAITING_SECONDS + 1, tasks: int = 0) -> Running:
    return Running((user, "session", "theirs"), progress_since=time.monotonic() - seconds, tasks=tasks)


@pytest.mark.parametrize(("people", "most"), [(1, 5), (2, 10), (3, 15), (6, 30), (10, 50), (30, MOST)])
def test_while_somebody_waits_each_who_shares_the_engine_adds_seconds(people: int, most: int) -> None:
    assert SECONDS_A_PERSON_WHILE_OTHERS_WAIT == 5
    assert seconds(people, waiting()) == most


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(None, id="alone"),
        pytest.param({"user": "ada"}, id="another query of her own"),
        pytest.param({"tasks": 1}, id="somebody who gets on"),
        pytest.param({"seconds": WAITING_SECONDS - 2}, id="somebody who has only begun to wait"),
    ],
)
def test_while_nobody_else_waits_a_query_has_all_its_time(other: dict[str, Any] | None) -> None:
    assert seconds(2, *([] if other is None else [waiting(**other)])) == MOST


def test_a_query_that_holds_no_core_makes_nobody_wait() -> None:
    assert seconds(2, waiting(), tasks=0) == MOST


def test_who_shared_the_engine_keeps_the_seconds_of_those_who_left() -> None:
    assert seconds(8, waiting()) == 8 * SECONDS_A_PERSON_WHILE_OTHERS_WAIT
