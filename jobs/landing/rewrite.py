"""Rows out of a Delta table: the files that hold some are written anew without them, all others stay as they are."""

import json
import time
from collections.abc import Iterator
from pathlib import PurePosixPath
from uuid import uuid4

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction, RemoveAction

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
    files = [file for file in rows.get_fragments() if file.path in concerned]
    actions = [action for several in _together(rows, files) for action in _replaced(rows, several, keys)]
    if actions:
        table.create_write_transaction(actions, "append", table.schema())


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


def _replaced(
    rows: ds.FileSystemDataset, files: list[ds.ParquetFileFragment], keys: pl.DataFrame
) -> Iterator[AddAction | RemoveAction]:
    """What a commit says to put the kept rows of files in their place; no new file where none is kept."""
    at = int(time.time() * 1000)
    for file in files:
        yield RemoveAction(PurePosixPath(file.path).name, data_change=True, deletion_timestamp=at)
    new = PurePosixPath(files[0].path).with_name(f"part-{uuid4()}.parquet")
    kept = _write_kept(rows, files, keys, str(new))
    if kept.num_rows:
        size = rows.filesystem.get_file_info(str(new)).size
        yield AddAction(new.name, size, {}, at, True, _statistics(kept))


def _write_kept(rows: ds.FileSystemDataset, files: list[ds.ParquetFileFragment], keys: pl.DataFrame, target: str) -> pa.Table:
    """Write what is kept of files into a new one; its harmless columns come back."""
    names = [name for name in HARMLESS if name in rows.schema.names]
    kept = rows.schema.empty_table().select(names)
    with pq.ParquetWriter(target, rows.schema, filesystem=rows.filesystem, **AS_LEAN) as writer:
        for group in _groups(rows.schema, files):
            left = _without(group, keys)
            writer.write_table(left)
            kept = pa.concat_tables([kept, left.select(names)])
    return kept


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


def _statistics(kept: pa.Table) -> str:
    """How many rows a file has, and the least and greatest of what says nothing of anybody."""
    ends = {name: pc.min_max(kept[name]).as_py() for name in kept.schema.names}
    return json.dumps(
        {
            "numRecords": kept.num_rows,
            "minValues": {name: end["min"] for name, end in ends.items()},
            "maxValues": {name: end["max"] for name, end in ends.items()},
            "nullCount": {name: kept[name].null_count for name in ends},
        }
    )
