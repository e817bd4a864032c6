"""Files that are written whole or not at all, for their owner alone."""

import os
import secrets
from contextlib import suppress
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


def made_once(path: Path, content: bytes) -> bytes:
    """What the file holds, which is made with this content where there is none; of two who make it at once both get the first one's."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
            with suppress(FileExistsError):
                path.hardlink_to(draft)
        finally:
            draft.unlink(missing_ok=True)
    return path.read_bytes()
