"""How the files of bronze are written: small in memory, fast, and without the least or greatest value of anything personal."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.actions import Files

# Rows in memory at a time.
AT_ONCE = 5_000
# The writer holds a whole row group in memory.
IN_A_GROUP = 20_000
FILE_BYTES = 16 * 2**20
# What is the same in many rows is worth a dictionary, what says nothing of anybody may have its minimum and maximum kept.
REPEATED = ("_source_file", "source_file", "center", "domain", "_reason", "reason")
HARMLESS = ("_delivery_id", "delivery_id", "_chain_position", "chain_position")
# Readers of a table that hospitals share skip what is of the others.
BOUNDED = (*HARMLESS, "center")
LEAN: dict[str, Any] = {
    "compression": "lz4",
    "use_dictionary": [*REPEATED, *HARMLESS],
    "write_statistics": list(BOUNDED),
}
# The files of a table of bronze.
lean_files = partial(Files, counted=HARMLESS, layout=LEAN, full=FILE_BYTES)


def in_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows of batches, as many at a time as make a row group: what is read once a group must not be spread over crumbs."""
    waiting, number = list[pa.RecordBatch](), 0
    for batch in batches:
        waiting.append(batch)
        number += batch.num_rows
        if number >= IN_A_GROUP:
            yield pa.Table.from_batches(waiting)
            waiting, number = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def batches_of(parquet: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a private file, piece by piece."""
    # Unless told, pyarrow keeps in memory whatever it has read of the file.
    yield from pq.ParquetFile(parquet, pre_buffer=False).iter_batches(AT_ONCE, columns=columns)
