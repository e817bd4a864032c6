"""Personal scratch space: a private folder an analyst and lake, whose tables live as long as the build they were made from is open.

A copy of rows of people would outlive their opposition. So each is a file NAME.BUILD.parquet, and whenever the space is opened, those of
builds are deleted that closed because people were taken out.
"""

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs import builds, private
from jobs.errors import WrongUse
from jobs.lake import Lake
from jobs.settings import value

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
FILE = re.compile(r"([a-z][a-z0-9_]{0,62})\.([0-9]+)\.parquet")


@dataclass(frozen=True)
class Scratch:
    """The private folder of this user for a lake."""

    folder: Path

    @classmethod
    def opened(cls, lake: Lake) -> "Scratch":
        """The folder, made where it is missing, without what was made from builds that are closed by now; WrongUse where others may look in."""
        base = Path(value("PSCC_ANALYST_FOLDER") or Path.home() / "pscc-scratch").resolve()
        if base.is_relative_to(Path(lake.root).resolve()):
            raise WrongUse(f"Expected a personal folder outside the lake, found {base}: name another one in PSCC_ANALYST_FOLDER.")
        found = cls(base / hashlib.sha256(lake.root.encode()).hexdigest()[:12])
        found.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = found.folder.lstat()
        if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o077:
            raise WrongUse(
                f"Expected {found.folder} to be a folder of this user's that nobody else may enter, found another one: remove it, or "
                "name another place in PSCC_ANALYST_FOLDER."
            )
        found._sweep(set(builds.open_builds(lake)["build"].to_list()))
        return found

    def _sweep(self, open_ones: set[int]) -> None:
        for (_, build), file in self._files().items():
            if build not in open_ones:
                file.unlink()
        # What a process left that died while it wrote.
        for file in self.folder.glob("*.part"):
            file.unlink()

    def _files(self) -> dict[tuple[str, int], Path]:
        matches = ((FILE.fullmatch(file.name), file) for file in self.folder.iterdir())
        return {(found[1], int(found[2])): file for found, file in sorted(matches, key=lambda each: each[1]) if found}

    def tables(self) -> list[tuple[str, int]]:
        """Name and build of every table that is kept here."""
        return list(self._files())

    def keep(self, name: str, build: int, rows: "pd.DataFrame") -> Path:
        """Keep rows that were made from a build; what bore the name on that build is replaced."""
        if not NAME.fullmatch(name):
            raise WrongUse(f"Expected a name like first_lines, of small letters, digits and _, found {name!r}: choose another.")
        place = self.folder / f"{name}.{build}.parquet"
        half = place.with_suffix(".part")
        with private.opened(half, "wb") as file:
            rows.to_parquet(file)
        half.replace(place)
        return place

    def kept(self, name: str, build: int) -> "pd.DataFrame":
        """The rows that were kept; WrongUse where there are none."""
        import pandas as pd

        place = self._files().get((name, build))
        if place is None:
            raise WrongUse(
                f"Expected a table {name} of build {build}, found none: keep it first, it goes when its build is closed."
            )
        return pd.read_parquet(place)
