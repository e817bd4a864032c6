"""Wrong passwords are counted by name: ten of them lock the name for a quarter of an hour."""

import fcntl
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from courses.checking.private import write_private
from hub_config.errors import Refused

ALLOWED = 10
LOCKED_FOR = timedelta(minutes=15)
# Somebody who tries names at random must not fill the disk.
REMEMBERED = 5_000


class Throttle:
    """Counts in a file, so that a restart of the hub forgives nobody."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self.path = path
        self.now = now

    def refuse_if_locked(self, name: str) -> None:
        """Refused while the name is locked, whatever the password."""
        until = self._read().get(name, {}).get("until")
        if until and datetime.fromisoformat(until) > self.now():
            minutes = int((datetime.fromisoformat(until) - self.now()).total_seconds() // 60) + 1
            raise Refused(
                f"Too many wrong passwords. Wait {minutes} minutes, then try again, or ask your instructor to reset your password.",
                f"Trop de mots de passe incorrects. Réessayez dans {minutes} minutes, ou demandez une réinitialisation.",
            )

    def count_wrong(self, name: str) -> None:
        """One more wrong password; the tenth locks."""

        def counted(names: dict[str, dict[str, str]]) -> None:
            wrong = int(names.pop(name, {}).get("wrong", 0)) + 1
            names[name] = {"wrong": str(wrong % ALLOWED)}
            if wrong >= ALLOWED:
                names[name]["until"] = (self.now() + LOCKED_FOR).isoformat()

        self._change(counted)
        self.refuse_if_locked(name)

    def forget(self, name: str) -> None:
        """A right password, or a reset: the count begins again."""
        if name in self._read():
            self._change(lambda names: names.pop(name, None))

    def _read(self) -> dict[str, dict[str, str]]:
        return json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}

    def _change(self, change: Callable[[dict[str, dict[str, str]]], object]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.with_name(".throttle.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            names = self._read()
            change(names)
            write_private(self.path, json.dumps(dict(list(names.items())[-REMEMBERED:])))
