"""Wrong passwords are counted by name: ten of them lock the name for a quarter of an hour."""

import fcntl
import json
from collections.abc import Callable, Container
from datetime import datetime, timedelta
from pathlib import Path

from courses.checking.private import write_private
from hub_config.errors import Refused

ALLOWED = 10
LOCKED_FOR = timedelta(minutes=15)
# Somebody who tries names at random must not fill the disk: beside these only locks are kept, and each takes ten hashes to get.
REMEMBERED = 5_000
Counts = dict[str, dict[str, str]]


class Throttle:
    """Counts in a file, so that a restart of the hub forgives nobody. `known` gives the names that are somebody's."""

    def __init__(self, path: Path, now: Callable[[], datetime], known: Callable[[], Container[str]] = frozenset) -> None:
        self.path = path
        self.now = now
        self.known = known

    def begin(self, name: str) -> None:
        """One more try, counted as wrong until forget(); Refused while the name is locked. The tenth locks.

        Counted before the password is looked at: of many tries at one moment ten are, whatever order they end in.
        """

        def counted(names: Counts) -> None:
            self._refuse(names, name)
            wrong = int(names.pop(name, {}).get("wrong", 0)) + 1
            names[name] = {"wrong": str(wrong % ALLOWED)}
            if wrong >= ALLOWED:
                names[name]["until"] = (self.now() + LOCKED_FOR).isoformat()

        self._change(counted)

    def refuse_if_locked(self, name: str) -> None:
        """Refused while the name is locked, whatever the password."""
        self._refuse(self._read(), name)

    def _refuse(self, names: Counts, name: str) -> None:
        if not self._is_locked(names.get(name, {})):
            return
        minutes = int((datetime.fromisoformat(names[name]["until"]) - self.now()).total_seconds() // 60) + 1
        raise Refused(
            f"Too many wrong passwords. Wait {minutes} minutes, then try again, or ask your instructor to reset your password.",
            f"Trop de mots de passe incorrects. Réessayez dans {minutes} minutes, ou demandez une réinitialisation.",
        )

    def _is_locked(self, count: dict[str, str]) -> bool:
        return "until" in count and datetime.fromisoformat(count["until"]) > self.now()

    def forget(self, name: str) -> None:
        """A right password, or a reset: the count begins again."""
        if name in self._read():
            self._change(lambda names: names.pop(name, None))

    def _read(self) -> Counts:
        return json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}

    def _change(self, change: Callable[[Counts], object]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.with_name(".throttle.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            names = self._read()
            change(names)
            write_private(self.path, json.dumps(self._kept(names)))

    def _kept(self, names: Counts) -> Counts:
        """The names that were tried last. Locks stay, and counts of people: tries at other names push neither out."""
        if len(names) <= REMEMBERED:
            return names
        known, last = self.known(), set(list(names)[-REMEMBERED:])
        return {name: count for name, count in names.items() if name in last or name in known or self._is_locked(count)}
