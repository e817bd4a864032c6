"""What an erasure looks for, in a file of its own while the vault is searched to its last byte and must not hold it.

Without it nobody could look again after a power cut. It lies beside the certificates, only its owner reads it, and it is gone before anything is signed.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from jobs import private
from jobs.errors import LakehouseError
from jobs.landing.links import Person
from jobs.rights import certificate
from jobs.settings import Settings


@dataclass(frozen=True)
class Sought:
    """The people of a request, all their ids, and every text by which they can be found."""

    people: list[Person] = field(repr=False)
    texts: frozenset[str] = field(repr=False)


def place(settings: Settings, request: str) -> Path:
    """Where it lies."""
    return certificate.folder(settings) / f"{request}.sought"


def keep(settings: Settings, request: str, found: Sought) -> None:
    """Write it so that a power cut does not lose it. Until it is whole the vault knows it too: a half one is written anew."""
    file = place(settings, request)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with private.opened(file, "w") as written:
        json.dump({"people": found.people, "texts": sorted(found.texts)}, written)
        written.flush()
        os.fsync(written.fileno())
    _settle(file.parent)


def kept(settings: Settings, request: str) -> Sought:
    """It again; LakehouseError where it is not there, or is not what was written."""
    file = place(settings, request)
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return Sought([(center, person) for center, person in told["people"]], frozenset(told["texts"]))
    except FileNotFoundError:
        found = "no such file"
    except (KeyError, TypeError, ValueError):
        # Without what it read: that names people.
        found = "something else"
    raise LakehouseError(
        f"Expected what {request} looks for in {file}, found {found}: carry it out on the machine where it began. "
        "If the file is lost, make the request again: it proves what this one cannot any more."
    )


def drop(settings: Settings, request: str) -> None:
    """Delete it; nothing where there is none."""
    file = place(settings, request)
    file.unlink(missing_ok=True)
    if file.parent.is_dir():
        _settle(file.parent)


def _settle(folder: Path) -> None:
    """Have the disk know what files a folder has."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
