"""`pscc deliver`: a delivery is copied into a landing area as a hospital would put it there, its manifest last."""

import json
import shutil
import stat
from pathlib import Path
from typing import Any

from jobs.errors import WrongUse
from jobs.intake import MANIFEST, is_unfinished
from jobs.returns import DELIVERY_ID


def deliver(folder: Path, landing: Path) -> Path:
    """Copy a delivery to its place `<center>/<year>/<month>/<delivery>` below the landing area; that place."""
    folder = folder.resolve()
    if not (folder / MANIFEST).is_file():
        raise WrongUse(f"Expected a delivery folder with a {MANIFEST} at {folder}, found none: check the path.")
    if not landing.is_dir():
        raise WrongUse(f"Expected a landing folder at {landing}, found none: name it with --to.")
    place = landing / _place(folder)
    if (place / MANIFEST).exists():
        raise WrongUse(f"Expected nothing at {place}, found a delivery there: a hospital sends what it corrects under a new id.")
    shutil.copytree(folder, place, symlinks=True, dirs_exist_ok=True, ignore=_without_manifest(folder))
    _open_to_group(place, landing)
    # Whoever sees the manifest may rely on everything else being there, and on the manifest being whole.
    half = place / f".{MANIFEST}.part"
    shutil.copy2(folder / MANIFEST, half)
    # Announced now, whenever the hospital wrote it.
    half.touch()
    _open_to_group(half, landing)
    half.rename(place / MANIFEST)
    return place


def _open_to_group(copied: Path, landing: Path) -> None:
    """Let the group of a landing area that hands it on read what was copied there: it is whoever takes deliveries in."""
    if not landing.stat().st_mode & stat.S_ISGID:
        return
    above = [each for each in copied.parents if each.is_relative_to(landing) and each != landing]
    for path in (*above, copied, *copied.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            if (opened := mode | (0o2050 if path.is_dir() else 0o040)) != mode:
                path.chmod(opened)


def _without_manifest(folder: Path) -> Any:
    return lambda where, names: [name for name in names if is_unfinished(name) or (Path(where) == folder and name == MANIFEST)]


def _place(folder: Path) -> Path:
    """Where hospitals put it: the month in which the delivery was made."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        name, center, created = (str(told[each]) for each in ("delivery_id", "center", "created_at"))
    except (OSError, ValueError, KeyError, TypeError):
        name = center = created = ""
    if not (
        DELIVERY_ID.fullmatch(name) and name.startswith(f"{center.upper()}-") and created[:4].isdigit() and created[5:7].isdigit()
    ):
        raise WrongUse(
            f"Expected delivery_id, center and created_at in {folder / MANIFEST}, found them missing or odd: see docs/deliver.md."
        )
    return Path(center, created[:4], created[5:7], name)
