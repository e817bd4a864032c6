"""The access log of a lake's commands, in a backup: its days, as they were. Engine and academy keep theirs where maintenance does not come."""

import hashlib
from pathlib import Path

from jobs import access
from jobs.errors import LakehouseError
from jobs.maintenance.proofs import copy
from jobs.settings import Settings, value
from quality.address import is_remote

# Of each day, by the name of its file: its SHA-256.
Days = dict[str, str]


def save(settings: Settings, to: Path) -> Days:
    """Copy its days into a folder that is only its owner's; their SHA-256. None of a lake in an object store that keeps no log."""
    if is_remote(settings.lake) and not value("PSCC_ACCESS_LOG"):
        return {}
    days = sorted(access.place(settings).glob("????-??-??.jsonl"))
    for day in days:
        copy(day, to / day.name)
    return {day.name: _digest(to / day.name) for day in days}


def put_back(saved: Path, days: Days, to: Path) -> None:
    """Copy days to where they are read. One that lies there already stays: it is as new, or newer. LakehouseError where one is not what it was."""
    for name, digest in days.items():
        if _digest(saved / name) != digest:
            raise LakehouseError(
                f"Expected {name} of the access log as it was copied, found another content: restore an earlier backup."
            )
        if not (to / name).exists():
            to.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy(saved / name, to / name)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes() if file.is_file() else b"").hexdigest()
