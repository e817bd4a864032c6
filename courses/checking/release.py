"""A teaching release as the checks read it: its tables as polars frames, and a trainee's own cohort."""

from functools import lru_cache
from pathlib import Path
from threading import RLock

import polars as pl
from deltalake import DeltaTable

from courses.checking.cohort import cohort
from courses.checking.errors import NoSuchTable


class Release:
    """The folder of one release. Frames are read once and kept; nobody changes a polars frame in place."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock = RLock()
        self._frames: dict[str, pl.DataFrame] = {}
        self._cohort = lru_cache(maxsize=256)(self._draw)

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of its tables."""
        return tuple(sorted(log.parent.name for log in self.path.glob("*/_delta_log")))

    def table(self, name: str) -> pl.DataFrame:
        """A table of the release, every row."""
        with self._lock:
            if name not in self._frames:
                self._frames[name] = self._read(name)
            return self._frames[name]

    def cohort(self, seed: int) -> pl.DataFrame:
        """`tumor_no` of the tumours of this variant."""
        return self._cohort(seed)

    def of_cohort(self, name: str, seed: int) -> pl.DataFrame:
        """The rows of a table that belong to the tumours of this variant."""
        return self.table(name).join(self.cohort(seed), on="tumor_no", how="semi")

    def _draw(self, seed: int) -> pl.DataFrame:
        numbers = self.table("edu_tumor")["tumor_no"]
        return pl.DataFrame({"tumor_no": pl.Series(cohort(seed, numbers.to_list()), dtype=numbers.dtype)})

    def _read(self, name: str) -> pl.DataFrame:
        if name not in self.tables:
            known = ", ".join(self.tables) or "none"
            raise NoSuchTable(f"Expected a table of release {self.name} ({known}), found {name}: check the name.")
        # Not by `to_pyarrow_table`: a process that used it and ends at once may abort.
        files = DeltaTable(self.path / name).file_uris()
        return pl.read_parquet(files) if files else pl.DataFrame(schema=_columns(self.path / name))


def _columns(path: Path) -> dict[str, pl.DataType]:
    return dict(pl.DataFrame(DeltaTable(path).schema().to_arrow().empty_table()).schema)
