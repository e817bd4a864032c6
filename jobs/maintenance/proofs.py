"""What proves how requests of people were carried out, in a backup: the audit, the certificates with their key, the register's page.

They lie in the lake's folder, or where PSCC_PROOFS says, where the lake is no folder.
"""

import fcntl
import shutil
from pathlib import Path

from jobs import audit, private
from jobs.rights import certificate
from jobs.settings import Settings
from quality.address import is_remote

AUDIT, CERTIFICATES = "audit.jsonl", "certificates"
BESIDE = ("certificate.key", "certificate.pub", "register.html")


def save(settings: Settings, to: Path) -> None:
    """Copy them into a folder that is only its owner's. After the vault is dumped: the audit may be longer than the vault knows, never shorter."""
    to.mkdir(mode=0o700)
    copy(_audit(settings), to / AUDIT)
    for name in _beside(certificate.folder(settings)):
        copy(certificate.folder(settings) / name, to / name)


def put_back(saved: Path, settings: Settings) -> None:
    """Copy them to where a lake has them. What lies there already stays: beside a platform key it is newer than the backup."""
    kept = {saved / AUDIT: _audit(settings)} | {saved / name: certificate.folder(settings) / name for name in _beside(saved)}
    for file, place in kept.items():
        if not place.exists():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy(file, place)


def _audit(settings: Settings) -> Path:
    if is_remote(settings.lake):
        # One sentence where no key is named.
        settings.platform_key()
    return audit.place(settings)


def _beside(folder: Path) -> list[str]:
    """The names of certificates, key and page that may lie in a folder, the key first."""
    return [*BESIDE, *(f"{CERTIFICATES}/{each.name}" for each in sorted((folder / CERTIFICATES).glob("*.json")))]


def copy(file: Path, to: Path) -> None:
    """Copy a file that only its owner reads, whole; nothing where there is none."""
    if not file.is_file():
        return
    to.parent.mkdir(mode=0o700, exist_ok=True)
    with file.open("rb") as read, private.opened(to, "xb") as written:
        # Who writes a line of the audit holds it so until the line is whole.
        fcntl.flock(read, fcntl.LOCK_SH)
        shutil.copyfileobj(read, written)
