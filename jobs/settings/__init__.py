"""Settings, read once, at the edge. What there is to set is declared in `jobs.settings.table`, how a value is found in `jobs.settings.values`."""

import hashlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from jobs.errors import WrongUse
from jobs.settings.kinds import PLACE
from jobs.settings.table import SETTINGS, Part
from jobs.settings.values import asked, check, forget, give_libraries, handed, recall, remembered, validate, value
from quality.address import is_remote

__all__ = [
    "Part",
    "Settings",
    "asked",
    "check",
    "checked_place",
    "forget",
    "give_libraries",
    "handed",
    "recall",
    "remembered",
    "validate",
    "value",
]
# What a lake of this version looks like. Older ones are brought to it by jobs/upgrade, newer ones are refused.
LAKE_FORMAT = "2"


@dataclass(frozen=True)
class Settings:
    """Where the lake lies and what drives it. Secrets have no default and no repr."""

    lake: str
    platform_key_file: Path | None = None
    database_url: str | None = field(default=None, repr=False)
    spark_master: str = SETTINGS["SPARK_MASTER"].default
    spark_remote: str | None = None
    driver_memory: str = SETTINGS["PSCC_DRIVER_MEMORY"].default
    scratch: Path | None = None
    lineage: Path | None = None

    @classmethod
    def from_environment(cls, lake: str | Path | None = None) -> "Settings":
        """The settings of this process; `lake` (a command's --lake) wins over LAKE_ROOT, which wins over ./lake.

        WrongUse for an address that is not of the kind s3a://bucket/….
        """
        key_file, scratch = value("PSCC_PLATFORM_KEY_FILE"), value("PSCC_STAGING")
        lineage = value("PSCC_LINEAGE")
        root = str(lake or asked("LAKE_ROOT"))
        return cls(
            lake=checked_place(root) if is_remote(root) else str(Path(root).resolve()),
            platform_key_file=Path(key_file) if key_file else None,
            database_url=value("PSCC_DATABASE_URL"),
            spark_master=asked("SPARK_MASTER"),
            spark_remote=value("SPARK_REMOTE"),
            driver_memory=asked("PSCC_DRIVER_MEMORY"),
            scratch=Path(scratch).resolve() if scratch else None,
            lineage=Path(lineage).resolve() if lineage else None,
        )

    def proofs(self) -> Path:
        """The folder of audit and certificates of a lake in an object store, which no file can grow in: PSCC_PROOFS, else that of the platform key."""
        named = value("PSCC_PROOFS")
        return Path(named).resolve() if named else self.key_file().parent

    def key_file(self) -> Path:
        """The file of the platform key; WrongUse when it is not set."""
        if self.platform_key_file is None:
            raise WrongUse(
                "Expected PSCC_PLATFORM_KEY_FILE to name a file with 64 hex digits, found it unset: set it, or make a key with `pscc key FILE`."
            )
        return self.platform_key_file

    def platform_key(self) -> bytes:
        """The 32 bytes behind every person_id; WrongUse when the file is not set, not there or not 64 hex digits."""
        file = self.key_file()
        try:
            text = file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise WrongUse(
                f"Expected the platform key in {file}, found no readable file there: check PSCC_PLATFORM_KEY_FILE."
            ) from None
        if not re.fullmatch(r"[0-9a-f]{64}", text):
            raise WrongUse(f"Expected 64 lower-case hex digits in {file}, found something else: make a key with `pscc key FILE`.")
        return bytes.fromhex(text)

    @property
    def staging(self) -> Path:
        """The private folder in which rows wait on their way into the lake: below it, or of this machine where the lake is no folder.

        Deliveries are judged and passes staged there, so the engine has to see it too.
        """
        # Each lake its own: a pass clears what dead ones have left.
        if self.scratch is not None:
            return self.scratch / self._digest
        if not is_remote(self.lake):
            return Path(self.lake, "staging")
        return Path(tempfile.gettempdir(), f"pscc-{os.getuid()}-{self._digest}")

    @property
    def events(self) -> Path:
        """The folder of the lineage events: below the lake, or of this user where the lake is no folder."""
        if self.lineage is not None:
            return self.lineage / self._digest
        if not is_remote(self.lake):
            return Path(self.lake, "lineage")
        state = os.environ.get("XDG_STATE_HOME")
        return (Path(state) if state else Path.home() / ".local" / "state") / "pscc" / "lineage" / self._digest

    @property
    def _digest(self) -> str:
        return hashlib.sha256(self.lake.encode()).hexdigest()[:12]

    def make_staging(self) -> Path:
        """`staging`, made for its owner alone; WrongUse where somebody else made it or may look into it."""
        self.staging.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.staging.lstat()
        is_private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
        if not is_private and (self.scratch is not None or is_remote(self.lake)):
            raise WrongUse(
                f"Expected {self.staging} to be a folder of this user's that nobody else may enter, found another one: "
                "remove it, or name another place in PSCC_STAGING."
            )
        return self.staging


def checked_place(address: str) -> str:
    """An address of an object store without a stroke at its end; WrongUse for one of another kind."""
    if not is_remote(address) or PLACE.fault(address):
        raise WrongUse(f"Expected a folder or an address like s3a://bucket/folder, found {address}: correct it.")
    return address.rstrip("/")
