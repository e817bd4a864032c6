"""Backups of a lake, and the drill that proves the newest: ledger, vault, logs and files of all tables, as they were at one moment,
with the audit and the certificates that prove what was done about people's rights, and the commands' log of who read what.

<backups>/files/<zone>/<table>/ holds every data file once, whichever backups need it: a data file never changes.
<backups>/<moment>/ holds the rest of one backup, and `backup.json`, which names each table's version and files with their SHA-256.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.fs as fs
from deltalake import DeltaTable

from jobs import access
from jobs.errors import LakehouseError, WrongUse
from jobs.lake import ZONES, Lake
from jobs.landing import vault
from jobs.landing.vault import Vault
from jobs.ledger import Fence, Ledger, notes
from jobs.ledger.schema import METADATA
from jobs.maintenance import accesses, databases, proofs
from jobs.settings import LAKE_FORMAT, Settings
from quality import places
from quality.address import is_remote

MANIFEST, PROOFS, ACCESSES = "backup.json", "proofs", "access"
KEPT = 7
PIECE = 2**20
# Copied as they are. Not `restricted`: what may identify people is kept once, where the data officer looks after it.
OTHERS = ("returns", "teaching", "lineage")
# Since when a backup or its drill is at work, or was when it ended badly.
BEGUN = "backup_begun"
# Into which folder the last backup went.
BACKED_UP = "backed_up_to"
# Of each table, by zone/table: its version, and its files with their SHA-256.
Tables = dict[str, dict[str, Any]]


def backup(settings: Settings, to: Path, alone: Callable[[], AbstractContextManager[tuple[Ledger, Fence]]]) -> Path:
    """Write a backup below `to`; its folder. Everybody works on while most is copied; the rest, in a moment of which all is, in `alone`.

    No other one may be at work there: what a stopped one left half made is removed. The newest seven are kept, and the files that these need. WrongUse for a place inside the lake; LeaseLost where another worker came in
    between: no backup, or, while old ones were removed, a whole one, and the next removes the rest.
    """
    _check(settings, to)
    lake, known = Lake.of(settings), _known_hashes(to)
    _tables(lake, to, known)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    half = to / f".{moment}"
    half.mkdir(mode=0o700)
    with alone() as (_, fence):
        made = _tables(lake, to, known, fence)
        for place in made:
            _copy_below(f"{settings.lake}/{place}/_delta_log", half / "logs" / place)
        for name in OTHERS:
            _copy_below(f"{settings.lake}/{name}", half / "others" / name)
        _dump(settings, half)
        proofs.save(settings, half / PROOFS)
        days = accesses.save(settings, half / ACCESSES)
        said = {"format": LAKE_FORMAT, "at": moment, "tables": made, "access": days}
        (half / MANIFEST).write_text(json.dumps(said, indent=1))
        fence()
        half.rename(to / moment)
        _prune(to, fence)
    return to / moment


def restore(saved: Path, settings: Settings, *, link: bool = False, log: Path | None = None) -> None:
    """Make a lake in an empty place from a backup; LakehouseError where a file is not what it was.

    The place is closed to other users. With `link` the files are those of the backup. `log` is where the access log goes, if not to where commands write it.
    """
    told = _told(saved)
    _check_format(told)
    _check_empty(settings)
    if not is_remote(settings.lake):
        # Until services are started on it, nobody has handed it over, and all of it is as open as its folder.
        _make_closed(Path(settings.lake))
        _close(Path(settings.lake))
    days = accesses_of(saved)
    if days:
        accesses.put_back(saved / ACCESSES, days, log or access.place(settings))
    for place, table in told["tables"].items():
        for name, digest in table["files"].items():
            _put(saved.parent / "files" / place / name, f"{settings.lake}/{place}/{name}", digest, link=link)
        _put_below(saved / "logs" / place, f"{settings.lake}/{place}/_delta_log")
    _put_below(saved / "others", settings.lake)
    proofs.put_back(saved / PROOFS, settings)
    with closing(Ledger(settings)) as ledger:
        databases.load(saved / "ledger.sqlite", ledger.engine, METADATA)
        # This lake has no backups yet, wherever those of the old one are.
        with ledger.engine.begin() as connection:
            for name in (BEGUN, BACKED_UP):
                notes.forget(connection, name)
    with closing(Vault(settings)) as opened:
        databases.load(saved / "vault.sqlite", opened.engine, vault.METADATA)


def versions_differ(saved: Path, settings: Settings) -> list[str]:
    """The tables of a restored lake that have not the version which the backup names."""
    lake = Lake.of(settings)
    told = {place: lake.version(*place.split("/")) for place in _told(saved)["tables"]}
    return [place for place, table in _told(saved)["tables"].items() if told[place] != table["version"]]


def accesses_of(saved: Path) -> accesses.Days:
    """The days of the access log in a backup; one made before this was in it has none."""
    return dict(_told(saved).get("access", {}))


def newest(to: Path) -> Path:
    """The newest backup below a folder; WrongUse where there is none."""
    found = _all(to)
    if not found:
        raise WrongUse(f"Expected a backup in {to}, found none: make one with `pscc maintain --only backup`.")
    return found[-1]


def is_any(to: Path) -> bool:
    """Whether there is a whole backup below a folder."""
    return bool(_all(to))


def _all(to: Path) -> list[Path]:
    return sorted(each.parent for each in to.glob(f"[0-9]*/{MANIFEST}"))


def _check(settings: Settings, to: Path) -> None:
    if not is_remote(settings.lake) and to.resolve().is_relative_to(settings.lake):
        raise WrongUse(f"Expected backups outside the lake, found {to} inside it: name another place in PSCC_BACKUP.")
    _make_closed(to)
    if to.stat().st_mode & 0o077:
        raise WrongUse(f"Expected {to} to be closed to others, found it open: the vault lies in it; chmod 700 {to}.")
    for left in to.glob(".[0-9]*T*Z"):
        shutil.rmtree(left)


def _make_closed(to: Path) -> None:
    """A folder for this user alone, where there is none; WrongUse where this user cannot work in it."""
    user = os.geteuid()
    try:
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
    except PermissionError:
        pass
    except OSError as error:
        raise WrongUse(f"Expected to make a folder {to}, found: {error.strerror}. Name another one.") from None
    if not os.access(to, os.R_OK | os.W_OK | os.X_OK):
        raise WrongUse(f"Expected a folder {to} that user {user} may write to, found it closed: chown -R {user}:{user} {to}.")


def _close(folder: Path) -> None:
    """Nobody else may enter it; WrongUse where it is another user's."""
    user = os.geteuid()
    if folder.stat().st_uid != user:
        raise WrongUse(
            f"Expected {folder} to be user {user}'s own, found it another user's: chown {user}:{user} {folder}, or name a new one."
        )
    folder.chmod(0o700)


def _known_hashes(to: Path) -> dict[str, str]:
    """The SHA-256 of files that earlier backups copied."""
    return {
        f"{place}/{name}": digest
        for saved in _all(to)
        for place, table in _told(saved)["tables"].items()
        for name, digest in table["files"].items()
    }


def _tables(lake: Lake, to: Path, known: dict[str, str], fence: Fence = lambda: None) -> Tables:
    """Every table as it is now, its files copied where no backup has them yet; `fence` is asked before each."""
    made: Tables = {}
    for zone in ZONES:
        for name in lake.tables(zone):
            fence()
            made[f"{zone}/{name}"] = _table(lake, zone, name, to, known)
    return made


def _table(lake: Lake, zone: str, name: str, to: Path, known: dict[str, str]) -> dict[str, Any]:
    found = DeltaTable(lake.path(zone, name))
    files = dict[str, str]()
    for file in places.files(found):
        place = f"{zone}/{name}/{file.rpartition('/')[2]}"
        if place not in known or not (to / "files" / place).is_file():
            known[place] = _copy(file, to / "files" / place)
        files[file.rpartition("/")[2]] = known[place]
    return {"version": found.version(), "files": files}


def _copy(file: str, to: Path) -> str:
    """Copy a file, whole or not at all; its SHA-256."""
    system, place = places.filesystem(file)
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half, digest = to.with_name(f".{to.name}"), hashlib.sha256()
    with system.open_input_stream(place) as read, half.open("wb") as written:
        while piece := read.read(PIECE):
            digest.update(piece)
            written.write(piece)
    half.rename(to)
    return digest.hexdigest()


def _copy_below(folder: str, to: Path) -> None:
    for path in _below(folder):
        _copy(f"{folder}/{path}", to / path)


def _below(folder: str) -> Iterator[str]:
    """The files below a folder, by their paths in it."""
    system, place = places.filesystem(folder)
    for each in system.get_file_info(fs.FileSelector(place, recursive=True, allow_not_found=True)):
        if each.is_file:
            yield each.path.removeprefix(f"{place}/")


def _dump(settings: Settings, to: Path) -> None:
    with closing(Ledger(settings, create=False)) as ledger:
        databases.dump(ledger.engine, METADATA, to / "ledger.sqlite")
    with closing(Vault(settings)) as opened:
        databases.dump(opened.engine, vault.METADATA, to / "vault.sqlite")


def _prune(to: Path, fence: Fence) -> None:
    """Forget backups beyond the newest, and the files that none of the others needs: who was erased leaves the backups so."""
    kept = _all(to)[-KEPT:]
    for saved in _all(to)[:-KEPT]:
        fence()
        # By another name first: one that is cut short is known as half a backup, and goes with the next.
        gone = saved.with_name(f".{saved.name}")
        saved.rename(gone)
        shutil.rmtree(gone)
    needed = {f"{place}/{name}" for saved in kept for place, table in _told(saved)["tables"].items() for name in table["files"]}
    for path in list(_below(str(to / "files"))):
        if path not in needed:
            fence()
            (to / "files" / path).unlink()


def _told(saved: Path) -> dict[str, Any]:
    try:
        told = dict(json.loads((saved / MANIFEST).read_text()))
    except (OSError, ValueError):
        raise WrongUse(f"Expected a backup in {saved}, found no readable {MANIFEST} there: name one of its folder.") from None
    return told


def _check_format(told: dict[str, Any]) -> None:
    if told["format"] != LAKE_FORMAT:
        raise WrongUse(
            f"Expected a backup of a lake of format {LAKE_FORMAT}, found format {told['format']}: restore it with the version of pscc that "
            "made it, then upgrade the lake."
        )


def _check_empty(settings: Settings) -> None:
    if next(_below(settings.lake), None) is not None:
        raise WrongUse(f"Expected an empty place for the restored lake, found files in {settings.lake}: name another one.")


def _put(file: Path, to: str, digest: str, *, link: bool) -> None:
    found = hashlib.file_digest(file.open("rb"), "sha256").hexdigest() if file.is_file() else None
    if found != digest:
        what = "none" if found is None else "another content"
        raise LakehouseError(f"Expected {file.name} of the backup as it was copied, found {what}: restore an earlier backup.")
    _place(file, to, link=link)


def _put_below(folder: Path, to: str) -> None:
    for path in _below(str(folder)):
        _place(folder / path, f"{to}/{path}", link=False)


def _place(file: Path, to: str, *, link: bool) -> None:
    system, place = places.filesystem(to)
    if not is_remote(to):
        Path(to).parent.mkdir(parents=True, exist_ok=True)
    if link:
        os.link(file, to)
        return
    with file.open("rb") as read, system.open_output_stream(place) as written:
        shutil.copyfileobj(read, written, PIECE)
