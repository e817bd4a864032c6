"""Files that only their owner reads, whoever makes them."""

import os
from pathlib import Path
from typing import IO, Any


def opened(path: Path | str, mode: str) -> IO[Any]:
    """A file as `open` gives it, in UTF-8; where it is made, its owner alone may read it."""
    # Closed from the first moment on, not after somebody could have opened it.
    closed = lambda place, flags: os.open(place, flags, 0o600)  # noqa: E731
    return open(path, mode, encoding=None if "b" in mode else "utf-8", opener=closed)


def log_in(folder: Path, name: str) -> int:
    """A file to append to, made with its folder where they are missing, as a descriptor: its owner alone may read it.

    What root makes belongs to whoever the folder belongs to (a new folder to the owner of the one above), and so does what root left there:
    a file of root's would close the log of a lake to the user whose lake it is.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700 if each == folder else 0o777, exist_ok=True)
        _give(each)
    # No link: whose folder it is could have root write elsewhere.
    file = os.open(folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if os.geteuid() == 0 and (found := os.fstat(file)).st_uid == 0 and found.st_nlink == 1:
        owner = folder.stat()
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        owner = folder.parent.stat()
        os.chown(folder, owner.st_uid, owner.st_gid, follow_symlinks=False)
