"""Intake: which deliveries were announced below a landing area, a folder or an address. It only looks; LANDING is never altered."""

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow.fs as fs

from jobs.errors import WrongUse
from jobs.hospitals.feed import CENTER
from jobs.ledger import Announcement, Ledger
from jobs.returns import DELIVERY_ID
from jobs.settings import checked_place
from quality import places
from quality.address import is_remote

MANIFEST = "manifest.json"
DELIVERY = re.compile(rf"(?:.*/)?(?:{DELIVERY_ID.pattern}|{CENTER}/\d{{4}}/\d{{2}}/[^/]+)", re.DOTALL)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """A manifest: its path below the landing area, size in bytes, time of its last change, and the folder or address it stands in."""

    path: str
    size: int
    mtime_ns: int
    folder: str


def announcements(landing: str | Path, ledger: Ledger) -> list[Announcement]:
    """Everything announced and not yet judged, in order of arrival; what is new below `landing` is noted first."""
    check(landing)
    for found in _in_store(str(landing)) if is_remote(str(landing)) else _in_folder(Path(landing).resolve()):
        ledger.announce(found.path, found.size, found.mtime_ns, found.folder)
    return ledger.announcements(unsettled=True)


def _in_folder(landing: Path) -> Iterator[Found]:
    for manifest in manifests(landing):
        try:
            found = manifest.lstat()
        except FileNotFoundError:
            continue  # Taken away again between the look and this line: it does not exist.
        except PermissionError as error:
            _tell_closed(landing, error)
            continue
        path = manifest.relative_to(landing).as_posix()
        yield Found(spelt(path), found.st_size, found.st_mtime_ns, spelt(str(manifest.parent)))


def _in_store(landing: str) -> Iterator[Found]:
    """The same of an object store: a delivery inside a delivery is one of its files there too."""
    address = checked_place(landing)
    system, place = places.filesystem(address)
    below = fs.FileSelector(place, recursive=True, allow_not_found=True)
    found = {each.path.removeprefix(f"{place}/"): each for each in system.get_file_info(below) if each.is_file}
    deliveries: set[str] = set()
    for path in sorted(found, key=lambda each: (each.count("/"), each)):
        folder, _, name = path.rpartition("/")
        above = folder.split("/")
        inside = any("/".join(above[:depth]) in deliveries for depth in range(len(above)))
        is_place = folder == "" or all(above)
        if name == MANIFEST and is_place and not inside and not any(map(is_unfinished, above)):
            if is_delivery(f"{place}/{folder}".rstrip("/")):
                deliveries.add(folder)
            yield Found(path, found[path].size, found[path].mtime_ns, f"{address}/{folder}".rstrip("/"))


def check(landing: str | Path) -> None:
    """Nothing for a landing area that can be read; WrongUse otherwise."""
    if is_remote(str(landing)):
        _check_store(checked_place(str(landing)))
    else:
        _check_folder(Path(landing))


def _check_store(landing: str) -> None:
    # Below an address nothing stands before the first delivery: only the bucket has to be there.
    system, place = places.filesystem(landing)
    try:
        known = system.get_file_info(place.partition("/")[0]).type == fs.FileType.Directory
    except OSError as error:
        raise WrongUse(
            f"Expected a landing area at {landing}, found a store that does not answer ({type(error).__name__}): check AWS_ENDPOINT_URL and credentials."
        ) from None
    if not known:
        raise WrongUse(f"Expected a landing area at {landing}, found no such bucket: check the address.")


def _check_folder(landing: Path) -> None:
    if not landing.is_dir():
        raise WrongUse(f"Expected a landing folder at {landing}, found none: check the path.")
    if not os.access(landing, os.R_OK | os.X_OK):
        raise WrongUse(f"Expected a landing folder at {landing} that can be read, found it closed: check who may read it.")
    if spelt(str(landing.resolve())) != str(landing.resolve()):
        raise WrongUse(f"Expected a landing folder with a path in UTF-8, found {spelt(str(landing))}: rename it.")


def manifests(landing: Path) -> Iterator[Path]:
    """The manifests below a folder. A delivery inside a delivery is one of its files; names that hospitals still write are passed over.

    A manifest that strayed into the folder of a hospital, a year or a month hides none of the deliveries below it.
    """
    for folder, folders, files in os.walk(landing, onerror=partial(_tell_closed, landing)):
        if MANIFEST in files:
            if is_delivery(folder):
                folders.clear()
            yield Path(folder) / MANIFEST
        folders[:] = sorted(name for name in folders if not is_unfinished(name))


def is_delivery(folder: str) -> bool:
    """True for a folder or address that is named as a delivery is, or stands where deliveries do."""
    return DELIVERY.fullmatch(folder) is not None


def _tell_closed(landing: Path, error: OSError) -> None:
    """Say which folder cannot be looked into; the other hospitals need not wait for it. One that is gone again does not exist."""
    if not isinstance(error, FileNotFoundError):
        place = spelt(os.path.relpath(error.filename, landing))
        log.warning(
            "Expected every folder below the landing area to be readable, found %s closed (%s): nothing in it is seen; give the receiver access.",
            place,
            error.strerror,
        )


def spelt(path: str) -> str:
    """A path as text that a ledger can keep: bytes that are not UTF-8 as \\xff."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_plain(path: str) -> bool:
    """False for a path with bytes that had to be spelt."""
    return "\\" not in path


def is_unfinished(name: str) -> bool:
    """True for a name that a hospital uses until the file is complete."""
    return name.startswith(".") or name.endswith(".part")


def at_hand(folder: str, copies: Path) -> Path:
    """The folder of a delivery as files can be read; from an object store it is copied below `copies`, at its place, anew each time."""
    if not is_remote(folder):
        return Path(folder)
    copy = copies.joinpath(*folder.split("/")[-4:])
    # A manifest that strayed into another folder is refused for that alone: the deliveries below are not fetched with it.
    places.download(folder, copy, recursive=is_delivery(folder))
    return copy
