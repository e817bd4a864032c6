"""A log as somebody reads it: its newest lines, and what comes, past the supervisor's changes of files."""

import codecs
import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

LOOK_SECONDS = 0.5


def said(path: Path, lines: int, *, follow: bool) -> Iterator[str]:
    """The newest lines of a log, with those of the file before it where it has too few; then what comes, without end, where asked to follow."""
    text = codecs.getincrementaldecoder("utf-8")("replace")
    log: BinaryIO = path.open("rb")
    try:
        yield text.decode(_newest(path, log, lines))
        while follow:
            yield text.decode(log.read())
            if fresh := _fresh(path, log):
                # Nobody writes to the old one any more: this is the rest of it.
                yield text.decode(log.read())
                log.close()
                log = fresh
            time.sleep(LOOK_SECONDS)
    finally:
        log.close()


def _newest(path: Path, log: BinaryIO, lines: int) -> bytes:
    found = deque(log, lines)
    if missing := lines - len(found):
        with suppress(FileNotFoundError), path.with_name(f"{path.name}.1").open("rb") as before:
            found.extendleft(reversed(deque(before, missing)))
    return b"".join(found)


def _fresh(path: Path, log: BinaryIO) -> BinaryIO | None:
    """The file that lies there now, where it is another one or has become shorter."""
    try:
        there = path.open("rb")
    except FileNotFoundError:
        # The old one has its new name, and the new one is not made yet.
        return None
    found = os.fstat(there.fileno())
    if os.path.samestat(found, os.fstat(log.fileno())) and found.st_size >= log.tell():
        there.close()
        return None
    return there
