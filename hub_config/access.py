"""Who read what at the curated engine, and who came into the academy: one line of JSON each, in a file a day that only its owner reads.

The engine's are written outside the room in which queries run: it tells them on its standard output; it has no other way to the file, and
none to what stands there already.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

# What a line of the engine begins with that is for the log.
TOLD = b"access "


@dataclass(frozen=True)
class AccessLog:
    """The folder of the log; nobody but its owner reads it."""

    folder: Path
    months: int = 12
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def write(self, said: bytes) -> None:
        """Note what the engine told, with the moment; OSError where that cannot be done."""
        self.note({"through": "curated-engine"} | json.loads(said.removeprefix(TOLD)))

    def note(self, line: dict[str, Any]) -> None:
        """Note something, with the moment; OSError where that cannot be done."""
        at = self.now()
        # As commands write it: lines of all logs are put in order by it.
        line = {"at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")} | line
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        day = self.folder / f"{at:%Y-%m-%d}.jsonl"
        if not day.exists():
            self.forget(at)
        file = os.open(day, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, json.dumps(line, ensure_ascii=False).encode() + b"\n")
        finally:
            os.close(file)

    def forget(self, at: datetime) -> None:
        """Delete the days that are older than so many months: a program of another user could not."""
        # Thirty-one days a month: not a day less than was promised.
        first = f"{at - timedelta(days=31 * self.months):%Y-%m-%d}"
        for file in self.folder.glob("????-??-??.jsonl"):
            if file.name[:10] < first:
                # Hub and portal may both be at it.
                file.unlink(missing_ok=True)


def note_entry(state: Path, event: str, *, who: str | None, client: str | None, outcome: str, **more: Any) -> None:
    """Note in the log of an academy, by its state folder, who came in, was sent away, got a server, or looked at the work of others.

    `who` is a name of the roster, or nobody's: what else was typed there may be a password. OSError where it cannot be noted.
    """
    log = AccessLog(state / "access", int(os.environ.get("PSCC_ACCESS_MONTHS", AccessLog.months)))
    log.note({"event": event, "who": who, "through": "hub", "client": client, "session": None, "outcome": outcome} | more)


def tell(line: dict[str, object]) -> None:
    """Tell the log something, from inside the room. A pipe keeps up to 4,096 bytes together, whoever else writes to it at the moment."""
    os.write(1, TOLD + json.dumps(line).encode() + b"\n")
