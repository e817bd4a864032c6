"""Badges: an Open Badges 3.0 credential for who passed everything a course requires, signed, to be verified offline, and revocable."""

import hashlib
import json
import re
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from courses.checking import proof
from courses.checking.attempts import Attempts
from courses.checking.course import Course
from courses.checking.errors import CheckingError
from courses.checking.exercise import Said
from courses.checking.private import write_private
from courses.checking.service import Checking

CONTEXT = ["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"]
ACHIEVEMENT = re.compile(r"urn:pscc:course:(?P<slug>[a-z0-9-]+):version:(?P<version>[^:]+):sha256:(?P<digest>[0-9a-f]{64})")
MAX_BYTES = 100_000
Reason = Literal["not_json", "not_a_badge", "not_signed", "other_key", "changed", "not_yet_valid", "revoked"]
REASONS: dict[Reason, str] = {
    "not_json": "Expected a badge as JSON, found something else.",
    "not_a_badge": "Expected an Open Badges 3.0 credential, found another document.",
    "not_signed": "Expected a proof of the suite eddsa-jcs-2022, found none.",
    "other_key": "Expected a badge signed with this academy's key, found another key.",
    "changed": "Expected the text that was signed, found that it was changed afterwards.",
    "not_yet_valid": "Expected a badge that is valid today, found one of a later day.",
    "revoked": "This badge was revoked by who issued it.",
}


@dataclass(frozen=True)
class Why:
    """Why a badge is revoked, as everybody may read it; `afresh` where its exercises no longer count as passed either."""

    say: Said
    afresh: bool = False


# Chosen, never typed: the list of revoked badges is public, and a typed reason might tell of somebody.
WHYS: dict[str, Why] = {
    "name": Why({"en": "The name on it was wrong.", "fr": "Le nom inscrit était faux."}),
    "mistake": Why({"en": "It was issued by mistake.", "fr": "Il a été délivré par erreur."}),
    "holder": Why({"en": "Its holder asked for it.", "fr": "Son titulaire l’a demandé."}),
    "work": Why(
        {"en": "The answers were not the holder’s own.", "fr": "Les réponses n’étaient pas celles du titulaire."}, afresh=True
    ),
}


class NotEarned(CheckingError):
    """The course is not finished."""


class NotGenuine(CheckingError):
    """A badge that cannot be trusted; `reason` says why in a word."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason


@dataclass(frozen=True)
class Badge:
    """What a badge says, after its proof held."""

    id: str
    holder: str
    course: str
    version: str
    digest: str
    name: str
    criteria: str
    issuer: str
    issued: datetime
    text: str
    # False where nobody had the list of revoked badges at hand: then it may have been revoked since.
    revocation_known: bool
    # The account that earned it, hashed with a salt; nothing in badges of before there was one.
    account: str = ""
    salt: str = ""

    def belongs_to(self, account: str) -> bool:
        """Whether this account earned it. The name on a badge is what its holder typed; this the academy itself has put there."""
        return bool(self.account) and self.account == hashed(account, self.salt)


@dataclass(frozen=True)
class Given:
    """A badge that somebody holds, of whatever version of a course."""

    id: str
    user: str
    course: str
    version: str
    at: datetime
    # The name on it, as its holder typed it.
    holder: str = ""


class Badges:
    """The badges of an academy: `origin` is where its pages are, empty where they have no fixed address."""

    def __init__(self, checking: Checking, issuer: str = "Paris Saclay Cancer Cluster — Academy", origin: str = "") -> None:
        self.checking, self.issuer, self.origin = checking, issuer, origin.rstrip("/")
        self._key = proof.private_key(checking.state / "badge.key")
        self._folder = checking.state / "badges"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._lock = Lock()

    @property
    def public_key(self) -> str:
        """What verifies the badges, as `did:key:…`: nothing secret, to be handed to anybody."""
        return proof.did(self._key.public_key())

    def missing(self, user: str, course: str) -> list[str]:
        """The required exercises that this person has not passed in the version of today."""
        of_course = [each for each in self.checking.progress(user) if each.course == course]
        return [each.exercise for each in of_course if each.required and not each.passed]

    def issue(self, user: str, course: str, holder: str, now: datetime | None = None) -> str:
        """The signed badge as JSON: the one that the person has for this version, else a new one. NotEarned while something is missing."""
        with self._lock:
            held = self.held(user, course)
            if held is not None:
                return held
            pinned = self.checking.courses[course]
            missing = self.missing(user, course)
            if missing or not pinned.required:
                raise NotEarned(
                    f"Expected every required exercise of {course} passed, found {len(missing)} open: {', '.join(missing[:5])}."
                )
            return self._sign(user, pinned, holder, now or datetime.now(UTC))

    def _sign(self, user: str, course: Course, holder: str, now: datetime) -> str:
        at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        signed = proof.sign(self._credential(user, course, holder, at), self._key, at)
        text = json.dumps(signed, ensure_ascii=False, indent=1)
        # The file first: an event without its badge would be worse than a badge that nobody knows.
        self._write(str(signed["id"]), text)
        self.checking.attempts.add(
            "badge", user, course.slug, course.version, "", self.checking.release.name, answer=str(signed["id"]), now=now
        )
        return text

    def _credential(self, user: str, course: Course, holder: str, at: str) -> dict[str, Any]:
        status = (
            {"credentialStatus": {"id": f"{self.origin}/badges/revoked.json", "type": "1EdTechRevocationList"}}
            if self.origin
            else {}
        )
        return {
            "@context": CONTEXT,
            "id": f"urn:uuid:{uuid.uuid4()}",
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "name": str(course.about.get("badge", course.title["en"])),
            "issuer": {
                "id": self.public_key,
                "type": ["Profile"],
                "name": self.issuer,
                **({"url": self.origin} if self.origin else {}),
            },
            "validFrom": at,
            "credentialSubject": {
                "type": ["AchievementSubject"],
                "identifier": [
                    {"type": "IdentityObject", "hashed": False, "identityHash": holder, "identityType": "name"},
                    _account(user),
                ],
                "achievement": _achievement(course),
            },
            **status,
        }

    def held(self, user: str, course: str) -> str | None:
        """The badge of a person for a course in its version of today, None where there is none or it was revoked."""
        version, found = self.checking.courses[course].version, None
        revoked = self.revoked()
        for event in self.checking.events(user, course):
            if event.what == "badge" and event.version == version and event.answer not in revoked:
                found = self.by_id(event.answer)
        return found

    def given(self, users: Iterable[str]) -> list[Given]:
        """The badges of these people that were not revoked, the newest first."""
        whose, revoked = set(users), self.revoked()
        issued = [event for event in self.checking.events() if event.what == "badge" and event.user in whose]
        found = [
            Given(
                event.answer,
                event.user,
                event.course,
                event.version,
                datetime.fromisoformat(event.at),
                self._holder(event.answer),
            )
            for event in issued
            if event.answer not in revoked
        ]
        return found[::-1]

    def withdrawn(self, user: str, course: str) -> str | None:
        """Why the last badge of a person for a course was revoked; None where it was not, or they hold another one."""
        if self.held(user, course) is not None:
            return None
        found = [event.feedback for event in self.checking.events(user, course) if event.what == "revoked"]
        return found[-1] if found else None

    def by_id(self, badge: str) -> str | None:
        """The signed text of a badge by `urn:uuid:…` or the bare UUID; None for anything else."""
        path = self._path(badge)
        return path.read_text(encoding="utf-8") if path and path.exists() else None

    def _holder(self, badge: str) -> str:
        text = self.by_id(badge)
        return str(json.loads(text)["credentialSubject"]["identifier"][0]["identityHash"]) if text else ""

    def revoke(self, badge: str, by: str, why: str) -> None:
        """From now on the badge counts for nothing; `why` is one of WHYS, or words that everybody may read.

        CheckingError where there is no such badge.
        """
        event = next((each for each in self.checking.events() if each.what == "badge" and each.answer == badge), None)
        if event is None and self.by_id(badge) is None:
            raise CheckingError(f"Expected the id of a badge, found {badge[:100]}: none was issued under it.")
        user, course, version = (event.user, event.course, event.version) if event else ("", "", "")
        with self._lock:
            self._write_revoked({**self.revoked(), badge: why})
        self.checking.attempts.add(
            "revoked", user, course, version, "", self.checking.release.name, answer=badge, feedback=why, by=by
        )
        if why in WHYS and WHYS[why].afresh and course in self.checking.courses:
            for name in self.checking.courses[course].exercises:
                self.checking.reset(user, f"{course}.{name}", by=by)

    def revoked(self) -> dict[str, str]:
        """The revoked badges, and why."""
        path = self.checking.state / "revoked.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def revocation_list(self) -> dict[str, Any]:
        """The list as it is published, in the form of 1EdTech."""
        revoked = [
            {"id": badge, "revoked": True, "revocationReason": " / ".join(told(why).values())}
            for badge, why in self.revoked().items()
        ]
        return {"id": f"{self.origin}/badges/revoked.json", "issuer": self.public_key, "revokedCredential": revoked}

    def verify(self, text: str) -> Badge:
        """The badge, after proof and revocation were looked at; NotGenuine otherwise."""
        return verify(text, self.public_key, self.revoked())

    def _path(self, badge: str) -> Path | None:
        return _file_of(self._folder, badge)

    def _write(self, badge: str, text: str) -> None:
        path = self._path(badge)
        assert path is not None
        write_private(path, text)

    def _write_revoked(self, revoked: dict[str, str]) -> None:
        write_private(self.checking.state / "revoked.json", json.dumps(revoked, ensure_ascii=False, indent=1))


def _file_of(folder: Path, badge: str) -> Path | None:
    try:
        return folder / f"{uuid.UUID(badge.removeprefix('urn:uuid:'))}.json"
    except ValueError:
        return None


def forget(state: Path, user: str) -> int:
    """Take a person out of an academy's record for good; how many of their badges were kept here.

    A badge is its holder's own file and is verified as before, by whoever has it and the key; the copy that the academy kept for links bears
    a name and goes. A new account of the same name begins anew.
    """
    attempts = Attempts(state)
    try:
        badges = {event.answer for event in attempts.events(user) if event.what == "badge"}
        for path in filter(None, (_file_of(state / "badges", badge) for badge in badges)):
            path.unlink(missing_ok=True)
        attempts.forget(user)
    finally:
        attempts.close()
    return len(badges)


def hashed(account: str, salt: str) -> str:
    """An account as Open Badges 3.0 writes who somebody is without saying it."""
    return f"sha256${hashlib.sha256((account + salt).encode()).hexdigest()}"


def _account(user: str) -> dict[str, Any]:
    salt = secrets.token_hex(16)
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": hashed(user, salt),
        "identityType": "userName",
        "salt": salt,
    }


def told(why: str) -> Said:
    """Why a badge was revoked, by language; words that are none of WHYS as they are."""
    return WHYS[why].say if why in WHYS else {"en": why}


def _achievement(course: Course) -> dict[str, Any]:
    name, required = str(course.about.get("badge", course.title["en"])), len(course.required)
    return {
        "id": f"urn:pscc:course:{course.slug}:version:{course.version}:sha256:{course.digest}",
        "type": ["Achievement"],
        "achievementType": "Badge",
        "name": name,
        "description": f"{course.title['en']}. {course.summary['en']} / {course.title['fr']}. {course.summary['fr']}",
        "version": course.version,
        "criteria": {
            "narrative": f"All {required} required exercises of the course passed. / Les {required} exercices requis du cours sont réussis.",
        },
    }


def verify(text: str, key: str, revoked: Iterable[str] | None = None, now: datetime | None = None) -> Badge:
    """What a badge says, if it was signed with the key (`did:key:…` or PEM) and is not revoked; NotGenuine otherwise. Needs no network.

    The proof cannot tell whether a badge was revoked after it was signed: without the list of `revoked` ones, what comes back says so.
    """
    document = _read(text)
    public = proof.public_key(key)
    if document["proof"].get("verificationMethod") != proof.verification_method(public) or document["issuer"].get(
        "id"
    ) != proof.did(public):
        raise NotGenuine("other_key")
    try:
        signed = proof.is_signed(document, public)
    except (ValueError, RecursionError):
        signed = False
    if not signed:
        raise NotGenuine("changed")
    badge = _said(document, text, revocation_known=revoked is not None)
    if badge.issued > (now or datetime.now(UTC)):
        raise NotGenuine("not_yet_valid")
    if badge.id in set(revoked or ()):
        raise NotGenuine("revoked")
    return badge


def _read(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text) if len(text) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        raise NotGenuine("not_json") from None
    if not isinstance(document, dict):
        raise NotGenuine("not_json")
    types = document.get("type")
    if document.get("@context") != CONTEXT or not isinstance(types, list) or "OpenBadgeCredential" not in types:
        raise NotGenuine("not_a_badge")
    signed = document.get("proof")
    if not isinstance(signed, dict) or signed.get("cryptosuite") != proof.SUITE or signed.get("proofPurpose") != proof.PURPOSE:
        raise NotGenuine("not_signed")
    if not isinstance(document.get("issuer"), dict):
        raise NotGenuine("not_a_badge")
    return document


def _said(document: dict[str, Any], text: str, revocation_known: bool) -> Badge:
    try:
        subject = document["credentialSubject"]
        achievement = subject["achievement"]
        course = ACHIEVEMENT.fullmatch(achievement["id"])
        account: dict[str, str] = next((each for each in subject["identifier"] if each["identityType"] == "userName"), {})
        return Badge(
            document["id"], subject["identifier"][0]["identityHash"], course["slug"], course["version"], course["digest"],  # type: ignore[index]
            achievement["name"], achievement["criteria"]["narrative"], document["issuer"]["name"],
            datetime.fromisoformat(document["validFrom"]), text, revocation_known, account.get("identityHash", ""), account.get("salt", ""),
        )  # fmt: skip
    except (KeyError, IndexError, TypeError, ValueError):
        raise NotGenuine("not_a_badge") from None
