"""Intake: which deliveries were announced below a landing folder. It only looks; LANDING is never altered."""

import os
from collections.abc import Iterator
from pathlib import Path

from jobs.errors import WrongUse
from jobs.ledger import Announcement, Ledger

MANIFEST = "manifest.json"


def announcements(landing: Path, ledger: Ledger) -> list[Announcement]:
    """Everything announced and not yet judged, in order of arrival; what is new below `landing` is noted first."""
    check(landing)
    for manifest in manifests(landing.resolve()):
        try:
            found = manifest.lstat()
        except FileNotFoundError:
            continue  # Taken away again between the look and this line: it does not exist.
        ledger.announce(
            manifest.relative_to(landing.resolve()).as_posix(), found.st_size, found.st_mtime_ns, str(manifest.parent)
        )
    return ledger.announcements(unsettled=True)


def check(landing: Path) -> None:
    """Nothing for a folder that can be read; WrongUse otherwise."""
    if not landing.is_dir():
        raise WrongUse(f"Expected a landing folder at {landing}, found none: check the path.")
    if not os.access(landing, os.R_OK | os.X_OK):
        raise WrongUse(f"Expected a landing folder at {landing} that can be read, found it closed: check who may read it.")


def manifests(landing: Path) -> Iterator[Path]:
    """The manifests below a folder. A delivery inside a delivery is one of its files; names that hospitals still write are passed over."""
    for folder, folders, files in os.walk(landing):
        if MANIFEST in files:
            folders.clear()
            yield Path(folder) / MANIFEST
        folders[:] = sorted(name for name in folders if not is_unfinished(name))


def is_unfinished(name: str) -> bool:
    """True for a name that a hospital uses until the file is complete."""
    return name.startswith(".") or name.endswith(".part")
