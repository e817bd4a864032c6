"""Row check 8: the same key again in one file. Only hashes are kept while the file passes; suspects are compared as they are."""

from pathlib import Path

import numpy as np
import polars as pl

from jobs.landing.layout import batches_of

DUPLICATE = "DUPLICATE_KEY"
# Hashes are looked through in this many parts, so that sorting them takes no second copy of all.
PARTS, SHIFT = 16, 60


class KeyHashes:
    """64-bit hashes of the keys of a file, 8 bytes a row."""

    def __init__(self) -> None:
        self._hashes: list[np.ndarray[tuple[int], np.dtype[np.uint64]]] = []

    def add(self, keys: pl.Series) -> None:
        filled = keys.drop_nulls()
        self._hashes.append(filled.hash(seed=7).to_numpy())

    def repeated(self) -> pl.Series:
        """The hashes that occur more than once."""
        found = []
        for part in range(PARTS):
            chosen = np.concatenate([each[each >> SHIFT == part] for each in self._hashes] or [np.empty(0, np.uint64)])
            chosen.sort()
            found.append(np.unique(chosen[1:][chosen[1:] == chosen[:-1]]))
        return pl.Series(np.concatenate(found), dtype=pl.UInt64)


def losers(staged: Path, repeated: pl.Series, *, by_event: bool) -> dict[int, str]:
    """Rows whose key comes again in the same file where another row wins: the newest version, then the last row.

    `by_event`: rows of different event times are versions, not duplicates. A row that was refused neither wins nor loses;
    one that was not validated is a version all the same.
    """
    if repeated.is_empty():
        return {}
    suspects = pl.concat(list(_suspects(staged, repeated)))
    part = suspects.filter(pl.col("_reason").is_null() | (pl.col("_reason") == "NOT_VALIDATED"))
    same = ["_source_key", "_version_at"] if by_event else ["_source_key"]
    newest = part.sort("_version_at", "_source_row_no", nulls_last=False)
    winners = newest.group_by(same, maintain_order=True).agg(pl.col("_source_row_no").last().alias("winner"))["winner"]
    lost = newest.filter(pl.col("_reason").is_null() & ~pl.col("_source_row_no").is_in(winners.implode()))
    return dict.fromkeys(sorted(lost["_source_row_no"]), DUPLICATE)


def _suspects(staged: Path, repeated: pl.Series) -> list[pl.DataFrame]:
    wanted = ["_source_key", "_source_row_no", "_version_at", "_reason"]
    found = []
    for batch in batches_of(staged, wanted):
        rows = pl.DataFrame(pl.from_arrow(batch))
        found.append(
            rows.filter(pl.col("_source_key").is_not_null() & pl.col("_source_key").hash(seed=7).is_in(repeated.implode()))
        )
    return found
