"""Rows out of a Delta table: the files that hold some are written anew without them, all others stay as they are."""

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from jobs.landing.among import among
from jobs.landing.layout import IN_A_GROUP, in_groups, lean_files
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
    files = lean_files(table)
    batches = (batch for file in found for batch in file.to_batches(rows.schema, batch_size=IN_A_GROUP, use_threads=False))
    # Together: most files are small, and every one costs more to open than its rows to read.
    actions = files.added(_without(group, keys) for group in in_groups(batches))
    if found:
        files.commit(actions + [files.removed(file.path) for file in found])


def _files_with(rows: ds.FileSystemDataset, keys: pl.DataFrame) -> set[str]:
    delivery = "_delivery_id" if "_delivery_id" in keys.columns else "delivery_id"
    named = among(delivery, keys[delivery].unique())
    there = pl.DataFrame(pl.from_arrow(rows.to_table([*keys.columns, "__filename"], filter=named)))
    return set(there.join(keys, on=keys.columns, how="semi")["__filename"])


def _without(rows: pa.Table, keys: pl.DataFrame) -> pa.Table:
    frame = pl.DataFrame(pl.from_arrow(rows.select(keys.columns))).with_row_index("at")
    return rows.take(frame.join(keys, on=keys.columns, how="anti", maintain_order="left")["at"].to_arrow())
