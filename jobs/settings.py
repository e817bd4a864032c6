"""Settings, read from the environment once, at the edge."""

import hashlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from jobs.errors import WrongUse
from quality.address import is_remote

# What a lake of this version looks like. Older ones are brought to it by jobs/upgrade, newer ones are refused.
LAKE_FORMAT = "2"


@dataclass(frozen=True)
class Settings:
    """Where the lake lies and what drives it. Secrets have no default and no repr."""

    lake: str
    platform_key_file: Path | None = None
    database_url: str | None = field(default=None, repr=False)
    spark_master: str = "local[2]"
    spark_remote: str | None = None
    driver_memory: str = "2g"
    scratch: Path | None = None

    @classmethod
    def from_environment(cls, lake: str | Path | None = None) -> "Settings":
        """The settings of this process; `lake` (a command's --lake) wins over LAKE_ROOT, which wins over ./lake.

        WrongUse for an address that is not of the kind s3a://bucket/….
        """
        key_file = os.environ.get("PSCC_PLATFORM_KEY_FILE")
        root = str(lake or os.environ.get("LAKE_ROOT") or "lake")
        scratch = os.environ.get("PSCC_STAGING")
        return cls(
            lake=checked_place(root) if is_remote(root) else str(Path(root).resolve()),
            platform_key_file=Path(key_file) if key_file else None,
            database_url=os.environ.get("PSCC_DATABASE_URL"),
            spark_master=os.environ.get("SPARK_MASTER", "local[2]"),
            spark_remote=os.environ.get("SPARK_REMOTE"),
            driver_memory=os.environ.get("PSCC_DRIVER_MEMORY", "2g"),
            scratch=Path(scratch).resolve() if scratch else None,
        )

    def platform_key(self) -> bytes:
        """The 32 bytes behind every person_id; WrongUse when the file is not set, not there or not 64 hex digits."""
        if self.platform_key_file is None:
            raise WrongUse(
                "Expected PSCC_PLATFORM_KEY_FILE to name a file with 64 hex digits, found it unset: set it, or make a key with `pscc key FILE`."
            )
        try:
            text = self.platform_key_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise WrongUse(
                f"Expected the platform key in {self.platform_key_file}, found no readable file there: check PSCC_PLATFORM_KEY_FILE."
            ) from None
        if not re.fullmatch(r"[0-9a-f]{64}", text):
            raise WrongUse(
                f"Expected 64 lower-case hex digits in {self.platform_key_file}, found something else: make a key with `pscc key FILE`."
            )
        return bytes.fromhex(text)

    @property
    def staging(self) -> Path:
        """The private folder in which rows wait on their way into the lake: below it, or of this machine where the lake is no folder.

        Deliveries are judged and passes staged there, so the engine has to see it too.
        """
        # Each lake its own: a pass clears what dead ones have left.
        name = hashlib.sha256(self.lake.encode()).hexdigest()[:12]
        if self.scratch is not None:
            return self.scratch / name
        if not is_remote(self.lake):
            return Path(self.lake, "staging")
        return Path(tempfile.gettempdir(), f"pscc-{os.getuid()}-{name}")

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
    found = re.fullmatch(r"s3a://[a-z0-9][a-z0-9.-]+(/[A-Za-z0-9._=-]+)*", address.rstrip("/"))
    if not found:
        raise WrongUse(f"Expected a folder or an address like s3a://bucket/folder, found {address}: correct it.")
    return found[0]
