"""Rows out of a Delta table: the files that hold some are written anew without them, all others stay as they are."""

from collections.abc import Iterator

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from jobs.actions import Files
from jobs.landing.among import among
from jobs.landing.layout import AS_LEAN, FILE_BYTES, HARMLESS, IN_A_GROUP
from quality import places


def rewrite_without(table: DeltaTable, keys: pl.DataFrame) -> None:
    """Take the rows that have one of these keys out of a table, in one commit.

    By hand, for what deltalake 1.6.6 offers either leaves files that pyarrow can filter no dataset on (merge, with its string
    views), names every row in the log for ever (delete), or reads and writes whole deliveries (overwrite).
    """
    rows = places.dataset(table)
    if rows is None:
        return
    concerned = _files_with(rows, keys)
    found = [file for file in rows.get_fragments() if file.path in concerned]
    files = Files(table, HARMLESS, AS_LEAN)
    actions = [files.removed(file.path) for file in found]
    for several in _together(rows, found):
        actions += files.added(_without(group, keys) for group in _groups(rows.schema, several))
    if actions:
        files.commit(actions)


def _together(rows: ds.FileSystemDataset, files: list[ds.ParquetFileFragment]) -> list[list[ds.ParquetFileFragment]]:
    """The files, those together that become one: most are small, and every file costs more to open than its rows to read."""
    found: list[list[ds.ParquetFileFragment]] = []
    filled = FILE_BYTES
    for file in files:
        size = rows.filesystem.get_file_info(file.path).size
        if filled + size > FILE_BYTES:
            found.append([])
            filled = 0
        found[-1].append(file)
        filled += size
    return found


def _files_with(rows: ds.FileSystemDataset, keys: pl.DataFrame) -> set[str]:
    delivery = "_delivery_id" if "_delivery_id" in keys.columns else "delivery_id"
    named = among(delivery, keys[delivery].unique())
    there = pl.DataFrame(pl.from_arrow(rows.to_table([*keys.columns, "__filename"], filter=named)))
    return set(there.join(keys, on=keys.columns, how="semi")["__filename"])


def _groups(schema: pa.Schema, files: list[ds.ParquetFileFragment]) -> Iterator[pa.Table]:
    """The rows of files, as many at a time as make a row group: what is read once a group must not be spread over crumbs."""
    waiting: list[pa.RecordBatch] = []
    for batch in (batch for file in files for batch in file.to_batches(schema, batch_size=IN_A_GROUP, use_threads=False)):
        waiting.append(batch)
        if sum(each.num_rows for each in waiting) >= IN_A_GROUP:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _without(rows: pa.Table, keys: pl.DataFrame) -> pa.Table:
    frame = pl.DataFrame(pl.from_arrow(rows.select(keys.columns))).with_row_index("at")
    return rows.take(frame.join(keys, on=keys.columns, how="anti", maintain_order="left")["at"].to_arrow())
