"""Badges as the pages show them: what the checking library signs and verifies, in a reader's words."""

import json
from dataclasses import dataclass
from datetime import datetime

from courses.checking.course import Course
from hub_config.portal.academy import Academy


class NotGenuine(Exception):
    """A badge that cannot be trusted; `key` names the sentence of the pages that says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True)
class Shown:
    """What a reader needs to know of a badge."""

    holder: str
    course: str
    version: str
    issued: datetime
    issuer: str
    criteria: str
    id: str
    link: str
    raw: str


def held(academy: Academy, user: str, course: Course) -> Shown | None:
    """The reader's badge of a course, if one was issued."""
    return None


def issue(academy: Academy, user: str, course: Course, holder: str, origin: str) -> None:
    """Sign a badge and record it."""


def verify(academy: Academy, text: str) -> Shown:
    """The badge, once its signature and its revocation are checked."""
    raise NotGenuine("verify.not_signed")


def by_link(academy: Academy, link: str) -> str | None:
    """The signed text behind a shared link."""
    return None


def public_key(academy: Academy) -> str:
    """Our public key, as text."""
    return json.dumps({})
