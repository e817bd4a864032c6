"""Files that only their owner reads."""

import os
from pathlib import Path
from typing import IO, Any


def opened(path: Path | str, mode: str) -> IO[Any]:
    """A file as `open` gives it, in UTF-8; where it is made, its owner alone may read it."""
    # Closed from the first moment on, not after somebody could have opened it.
    closed = lambda place, flags: os.open(place, flags, 0o600)  # noqa: E731
    return open(path, mode, encoding=None if "b" in mode else "utf-8", opener=closed)
