"""Settings, read from the environment once, at the edge."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from jobs.errors import WrongUse

LAKE_FORMAT = "1"


@dataclass(frozen=True)
class Settings:
    """Where the lake lies and what drives it. Secrets have no default and no repr."""

    lake: str
    platform_key_file: Path | None = None
    database_url: str | None = field(default=None, repr=False)
    spark_master: str = "local[2]"
    spark_remote: str | None = None
    driver_memory: str = "2g"

    @classmethod
    def from_environment(cls, lake: str | Path | None = None) -> "Settings":
        """The settings of this process; `lake` (a command's --lake) wins over LAKE_ROOT, which wins over ./lake.

        WrongUse for a lake in an object store: quarantined files and staged rows need a file system with owners.
        """
        key_file = os.environ.get("PSCC_PLATFORM_KEY_FILE")
        root = str(lake or os.environ.get("LAKE_ROOT") or "lake")
        if "://" in root:
            raise WrongUse(f"Expected the lake to be a folder, found the address {root}: mount it, or name a folder with --lake.")
        return cls(
            lake=str(Path(root).resolve()),
            platform_key_file=Path(key_file) if key_file else None,
            database_url=os.environ.get("PSCC_DATABASE_URL"),
            spark_master=os.environ.get("SPARK_MASTER", "local[2]"),
            spark_remote=os.environ.get("SPARK_REMOTE"),
            driver_memory=os.environ.get("PSCC_DRIVER_MEMORY", "2g"),
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

    def folder(self, *parts: str) -> str:
        """A place below the lake."""
        return "/".join((self.lake, *parts))
