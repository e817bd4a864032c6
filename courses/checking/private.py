"""Files that are written whole or not at all, for their owner alone."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Put a file in place whole, readable by its owner alone; two who write it at once are in nobody's way."""
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        # On a full disk half a file would keep the room that is needed to go on.
        half.unlink(missing_ok=True)
