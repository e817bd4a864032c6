"""What is observed in containers: Prometheus asks the gauges, and every question of the dashboard has an answer."""

import json
import urllib.parse
from typing import Any

import pytest

from tests.compose.stack import PROJECT, Stack, until

pytestmark = pytest.mark.compose
(DASHBOARD,) = (PROJECT / "docs/grafana").glob("*.json")
# What there is nothing of where nothing went wrong.
MAY_BE_EMPTY = {"Oldest held delivery", "Rows in quarantine", "Alerts were looked for"}


@pytest.fixture(scope="module")
def observed(stack: Stack, gold: None) -> Stack:
    """The stack with gauges and Prometheus, which has asked once."""
    stack.compose("--profile", "observe", "build", "prometheus", patience=1200)
    stack.compose("--profile", "observe", "up", "--detach", "--wait", "prometheus")
    until(lambda: [each["value"][1] for each in asked(stack, "up")] == ["1"], 180, "Prometheus has asked the gauges")
    return stack


def asked(stack: Stack, question: str) -> list[dict[str, Any]]:
    """What Prometheus answers; AssertionError where it does not understand."""
    address = f"http://127.0.0.1:9090/api/v1/query?query={urllib.parse.quote(question)}"
    answer = json.loads(stack.compose("exec", "-T", "prometheus", "wget", "-q", "-O", "-", address).stdout)
    assert answer["status"] == "success"
    return list(answer["data"]["result"])


def test_every_question_of_the_dashboard_is_answered(observed: Stack) -> None:
    panels = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel.get("targets")]
    found = {panel["title"]: [len(asked(observed, each["expr"])) for each in panel["targets"]] for panel in panels}
    print("", *(f"{title}: {answers}" for title, answers in found.items()), sep="\n")
    assert {title for title, answers in found.items() if not all(answers)} <= MAY_BE_EMPTY
