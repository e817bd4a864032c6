"""Every attempt, reset and badge, as events that are only ever added, each chained to the one before it.

An event names its trainee, and who acted upon them, by a random subject; who that is stands in a table of its own. Forgetting somebody
deletes that line: the chain stays whole, and no name is left in an event but what somebody typed into an answer.

How long the chain is and how it ends stands outside the file too, sealed with the academy's secret: a tail that was removed is seen.
"""

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from courses.checking.errors import BrokenChain, NoRoom
from courses.checking.private import made_once, write_private

What = Literal["attempt", "fault", "reset", "badge", "revoked", "invited"]
SCHEMA = """
create table if not exists event (
    number integer primary key, at text not null, what text not null, subject text not null, course text not null, version text not null,
    exercise text not null, passed integer, attempt integer not null, answer text not null, answer_digest text not null,
    feedback text not null, hint integer not null, release text not null, by text not null, digest text not null
);
create index if not exists event_of_exercise on event (subject, course, exercise, number);
create index if not exists event_of_course on event (course, number);
create table if not exists person (user text primary key, subject text not null unique);
create trigger if not exists event_is_kept before delete on event begin select raise(abort, 'events are only ever added'); end;
create trigger if not exists event_is_not_changed before update on event begin select raise(abort, 'events are only ever added'); end;
"""
FIRST = "0" * 64
# Enough for an instructor to see what was tried and what was said of it: nothing is ever taken out of the record again.
MAX_ANSWER = MAX_FEEDBACK = 2_000
# Sealing waits for the disk, so not every event does: who removes the last minute of a service that was cut short is not seen.
SECONDS_UNSEALED = 60.0
RESTORE = "keep both files, and restore attempts.sqlite and attempts.seal from one and the same copy."
# What SQLite says where a file cannot grow.
FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


@dataclass(frozen=True)
class Event:
    """Something that happened to a trainee's exercise (without an exercise to their course, without a course to their account)."""

    number: int
    at: str
    what: What
    user: str
    course: str
    version: str
    exercise: str
    passed: bool | None
    attempt: int
    answer: str
    feedback: str
    hint: int
    release: str
    # Nothing where the academy's operator acted, or somebody who was forgotten.
    by: str


@dataclass(frozen=True)
class Standing:
    """Where a trainee stands in an exercise, since the last reset and in this version of the course."""

    attempts: int = 0
    failures: int = 0
    passed: bool = False
    recent_failures: int = 0


class Attempts:
    """The events of an academy, in one SQLite file that only its owner can read."""

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = state / "attempts.sqlite"
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._lock = RLock()
        self._base = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=30)
        self._base.row_factory = sqlite3.Row
        self._base.execute("pragma journal_mode=wal")
        # After a power cut an answer may be lost that was acknowledged in the last second, never an earlier one.
        self._base.execute("pragma synchronous=normal")
        # A name that was deleted leaves no letters in the file.
        self._base.execute("pragma secure_delete=on")
        self._base.executescript(SCHEMA)
        self._seal, self._secret, self._sealed = state / "attempts.seal", secret_of(state), 0.0
        if not self._seal.exists() and self._last() == (0, FIRST):
            self.seal()

    def close(self) -> None:
        """Seal what there is, and let go of the file."""
        self._seal_if_possible()
        self._base.close()

    def _last(self) -> tuple[int, str]:
        last = self._base.execute("select number, digest from event order by number desc limit 1").fetchone()
        return (last["number"], last["digest"]) if last else (0, FIRST)

    def seal(self) -> None:
        """Note length and end of the chain outside the file; BrokenChain where it no longer holds what was sealed before."""
        with self._lock:
            self._refuse_if_cut()
            self._write_seal()

    def seal_as_it_is(self) -> int:
        """Seal the chain whatever was sealed before, for who has looked at it; how many events it has. BrokenChain where it does not hold."""
        with self._lock:
            number = self._walk()
            self._write_seal()
            return number

    def _write_seal(self) -> None:
        # What is sealed has to outlive a power cut.
        self._base.execute("pragma wal_checkpoint(passive)")
        number, digest = self._last()
        write_private(self._seal, json.dumps({"number": number, "digest": digest, "seal": self._sign(number, digest)}))
        self._sealed = time.monotonic()

    def _sign(self, number: int, digest: str) -> str:
        return hmac.new(self._secret, f"attempts {number} {digest}".encode(), hashlib.sha256).hexdigest()

    def _refuse_if_cut(self) -> None:
        if not self._seal.exists():
            if self._last() != (0, FIRST):
                raise BrokenChain(f"Expected the seal of the recorded events in {self._seal.name}, found none: {RESTORE}")
            return
        try:
            sealed = json.loads(self._seal.read_text(encoding="utf-8"))
            number, digest, seal = int(sealed["number"]), str(sealed["digest"]), str(sealed["seal"])
        except (ValueError, KeyError, TypeError):
            number, digest, seal = -1, "", ""
        if not hmac.compare_digest(seal.encode(), self._sign(number, digest).encode()):
            raise BrokenChain(f"Expected the academy's own seal in {self._seal.name}, found another: {RESTORE}")
        found = self._base.execute("select digest from event where number = ?", (number,)).fetchone()
        if number and (found is None or found["digest"] != digest):
            raise BrokenChain(
                f"Expected the {number} recorded events that were sealed, found {self._last()[0]} that do not hold them: {RESTORE}"
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of what is done inside or nothing of it; NoRoom where the disk is full."""
        with self._lock:
            try:
                self._base.execute("begin immediate")
                yield self._base
                self._base.execute("commit")
            except BaseException as error:
                # On a full disk SQLite has taken it back already.
                if self._base.in_transaction:
                    self._base.execute("rollback")
                if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode in FULL:
                    raise NoRoom(
                        "Expected room on the academy's disk to keep what happened, found none: nothing was kept of this, make room and try again."
                    ) from None
                raise

    def add(
        self,
        what: What,
        user: str,
        course: str,
        version: str,
        exercise: str,
        release: str,
        *,
        passed: bool | None = None,
        answer: str = "",
        feedback: str = "",
        has_hints: int = 0,
        by: str = "",
        now: datetime | None = None,
    ) -> Event:
        """Adds an event and gives it back, with its attempt (counted from 1 since the last reset) and the hint that it earned."""
        at = (now or datetime.now(UTC)).isoformat(timespec="milliseconds")
        with self._transaction() as base:
            subject = self._subject(user)
            stands = self._standing(subject, course, version, exercise)
            attempt = stands.attempts + (what == "attempt")
            hint = min(stands.failures + 1, has_hints) if what == "attempt" and passed is False else 0
            number, digest = self._last()
            row: dict[str, Any] = {
                "number": number + 1,
                "at": at,
                "what": what,
                "subject": subject,
                "course": course,
                "version": version,
                "exercise": exercise,
                "passed": None if passed is None else int(passed),
                "attempt": attempt,
                "answer": answer[:MAX_ANSWER],
                "answer_digest": hashlib.sha256(answer.encode()).hexdigest(),
                "feedback": feedback[:MAX_FEEDBACK],
                "hint": hint,
                "release": release,
                "by": self._subject(by) if by else "",
            }
            row["digest"] = _digest(digest, row)
            base.execute(f"insert into event ({', '.join(row)}) values ({', '.join(':' + name for name in row)})", row)
        if time.monotonic() - self._sealed > SECONDS_UNSEALED:
            self._seal_if_possible()
        return _event(row, user, by)

    def _seal_if_possible(self) -> None:
        # Who hands in an answer can do nothing about a broken chain or a full disk: `verify` says it to who operates.
        with suppress(BrokenChain, OSError, sqlite3.Error):
            self.seal()

    def _subject(self, user: str) -> str:
        self._base.execute("insert or ignore into person values (?, ?)", (user, secrets.token_hex(16)))
        return str(self._base.execute("select subject from person where user = ?", (user,)).fetchone()[0])

    def standing(self, user: str, course: str, version: str, exercise: str, since: datetime | None = None) -> Standing:
        """Where a trainee stands; `recent_failures` are those after `since`."""
        with self._lock:
            found = self._base.execute("select subject from person where user = ?", (user,)).fetchone()
            return self._standing(found[0], course, version, exercise, since) if found else Standing()

    def _standing(self, subject: str, course: str, version: str, exercise: str, since: datetime | None = None) -> Standing:
        after = since.isoformat(timespec="milliseconds") if since else "9999"
        row = self._base.execute(
            "select count(*), coalesce(sum(passed = 0), 0), coalesce(max(passed), 0), coalesce(sum(passed = 0 and at > ?), 0) from event "
            "where subject = ? and course = ? and version = ? and exercise = ? and what = 'attempt' and number > "
            "(select coalesce(max(number), 0) from event where subject = ? and course = ? and exercise = ? and what = 'reset')",
            (after, subject, course, version, exercise, subject, course, exercise),
        ).fetchone()
        return Standing(row[0], row[1], bool(row[2]), row[3])

    def events(self, user: str | None = None, course: str | None = None, after: int = 0) -> list[Event]:
        """The events in their order, those of forgotten people left out."""
        with self._lock:
            rows = self._base.execute(
                "select event.*, person.user, coalesce(actor.user, '') as actor from event join person using (subject) "
                "left join person as actor on actor.subject = event.by where number > ? and (? is null or person.user = ?) "
                "and (? is null or course = ?) order by number",
                (after, user, user, course, course),
            ).fetchall()
        return [_event(row, row["user"], row["actor"]) for row in rows]

    def forget(self, user: str) -> None:
        """From now on no event leads to this person; a new account of the same name begins anew."""
        with self._transaction() as base:
            base.execute("delete from person where user = ?", (user,))

    def verify(self) -> int:
        """How many events the chain has; BrokenChain at the first that was changed, before which one is missing, or at a cut end."""
        with self._lock:
            self._refuse_if_cut()
            return self._walk()

    def _walk(self) -> int:
        digest, number = FIRST, 0
        for row in self._base.execute("select * from event order by number").fetchall():
            number += 1
            content = {name: row[name] for name in row.keys() if name != "digest"}  # noqa: SIM118
            digest = _digest(digest, content)
            if row["number"] != number or row["digest"] != digest:
                raise BrokenChain(
                    f"Expected the recorded events to follow from each other, found event {row['number']} that does not: keep the file and restore a copy."
                )
        return number


def _digest(previous: str, row: dict[str, Any]) -> str:
    return hashlib.sha256((previous + json.dumps(row, sort_keys=True, ensure_ascii=False)).encode()).hexdigest()


def secret_of(state: Path) -> bytes:
    """The academy's secret, from which variants and seals are made: drawn once, readable by its owner only."""
    return bytes.fromhex(made_once(state / "course.secret", secrets.token_hex(32).encode()).decode().strip())


def _event(row: Any, user: str, by: str) -> Event:
    passed = None if row["passed"] is None else bool(row["passed"])
    return Event(
        row["number"],
        row["at"],
        row["what"],
        user,
        row["course"],
        row["version"],
        row["exercise"],
        passed,
        row["attempt"],
        row["answer"],
        row["feedback"],
        row["hint"],
        row["release"],
        by,
    )
