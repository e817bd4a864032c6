"""The notebook's side of the check API: sends an answer, brings back what is said of it. Standard library only."""

import json
import os
import urllib.error
import urllib.request
from typing import Any

from courses.checking.canonical import canonical
from courses.checking.errors import CheckingError

SECONDS = 60


def ask(exercise: str, value: Any) -> dict[str, Any]:
    """Sends an answer: `passed`, `message`, `hint` and `attempt` come back. CheckingError where the service refuses or cannot be reached."""
    asked = {"exercise": exercise, "value": canonical(value), "lang": os.environ.get("PSCC_LANG", "en")}
    return _call("check", json.dumps(asked, allow_nan=False).encode())


def seed() -> int:
    """The variant of whoever runs the notebook."""
    return int(_call("seed", None)["seed"])


def check(exercise: str, value: Any) -> None:
    """Sends an answer and prints what is said of it."""
    told = ask(exercise, value)
    print("\n".join(filter(None, ("✓" if told["passed"] else "✗", told["message"], told["hint"]))))


def _call(path: str, body: bytes | None) -> dict[str, Any]:
    place = os.environ.get("PSCC_CHECK_URL")
    if not place:
        raise CheckingError(
            "Expected the address of the check service in PSCC_CHECK_URL, found none: open the notebook in the academy."
        )
    headers = {"Authorization": f"token {os.environ.get('JUPYTERHUB_API_TOKEN', '')}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{place}/{path}", body, headers), timeout=SECONDS) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as refusal:
        raise CheckingError(_sentence(refusal)) from None
    except OSError as reason:
        raise CheckingError(
            f"Expected the check service to answer, found: {reason}. Your work is safe; try again in a minute."
        ) from None


def _sentence(refusal: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(refusal)["message"])
    except (ValueError, KeyError, TypeError):
        return f"Expected the check service to take the answer, found status {refusal.code}: tell your instructor."
