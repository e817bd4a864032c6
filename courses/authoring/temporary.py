"""Temporary folders of the authoring tools. Whoever makes one takes away those that killed tools have left, of the same owner alone."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "course-"
# Made a moment ago, a folder may not be held yet.
YOUNG_SECONDS = 60


@contextmanager
def temporary(kind: str) -> Iterator[Path]:
    """A folder for as long as the block lasts."""
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{kind}-") as made:
        # Nobody holds what a dead process held.
        held = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(held, fcntl.LOCK_SH)
            yield Path(made)
        finally:
            os.close(held)


def _sweep(below: Path) -> None:
    for folder in below.glob(f"{PREFIX}*-????????"):
        # It may go meanwhile, with its tool or by another's sweep.
        with suppress(OSError):
            if _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """True for a folder of this user's in which no tool is at work."""
    there = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        known = os.fstat(there)
        if known.st_uid != os.getuid() or time.time() - known.st_ctime < YOUNG_SECONDS:
            return False
        fcntl.flock(there, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    finally:
        os.close(there)
