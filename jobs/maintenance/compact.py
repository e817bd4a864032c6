"""Small files of a table put together: its rows stay what they are, and what reads it opens fewer files."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction

from jobs.actions import Files
from jobs.lake import COMPACTED, CONTENT, Lake
from jobs.landing.layout import FILE_BYTES, in_groups, lean_files
from jobs.landing.purge import insist
from jobs.ledger import Fence
from jobs.silver.layout import COUNTED, LAYOUT, file_rows
from quality import places

# Fewer small files than this cost less to open than to write anew.
FEW = 8


def compact(lake: Lake, zone: str, table: str, fence: Fence = lambda: None) -> int:
    """Put the small files of a table together, in one commit, before which `fence` is asked; by how many files it has fewer."""
    return int(insist(lambda: _compact(lake, zone, table, fence)))


def _compact(lake: Lake, zone: str, table: str, fence: Fence) -> int:
    # A handle of its own: what others commit in between has to be noticed.
    found = DeltaTable(lake.path(zone, table))
    groups = list(_groups(found, zone))
    rows = places.dataset(found)
    if rows is None or not groups:
        return 0
    fragments = {file.path.rpartition("/")[2]: file for file in rows.get_fragments()}
    files, actions = replace(_files(found, zone), same=True), []
    for group in groups:
        batches = (batch for name in group for batch in fragments[name].to_batches(rows.schema, use_threads=False))
        actions += files.added(in_groups(batches))
        actions += [files.removed(name) for name in group]
    said = {COMPACTED: found.version() + 1, CONTENT: lake.content(zone, table)}
    fence()
    files.commit(actions, CommitProperties(app_transactions=[Transaction(*each) for each in said.items()]))
    return sum(len(group) - 1 for group in groups)


def _files(found: DeltaTable, zone: str) -> Files:
    """How the zone's files are written: of silver and gold, and of tables that nobody purges, as silver's."""
    return replace(lean_files(found), full=float("inf")) if zone == "bronze" else Files(found, COUNTED, LAYOUT)


def _groups(found: DeltaTable, zone: str) -> Iterator[list[str]]:
    """Small files that make one full file together, each a group; a full file is small by its rows in silver, by its bytes elsewhere."""
    adds = pa.table(found.get_add_actions())
    rows = adds["num_records"].to_pylist()
    by_rows = zone == "silver" and None not in rows
    sizes, full = (rows, file_rows(sum(rows))) if by_rows else (adds["size_bytes"].to_pylist(), FILE_BYTES)
    small = [(name, size) for name, size in zip(adds["path"].to_pylist(), sizes, strict=True) if size < full / 2]
    if len(small) < FEW:
        return
    group, weight = list[str](), 0
    for name, size in small:
        if group and weight + size > full:
            yield from [group] if len(group) > 1 else []
            group, weight = [], 0
        group.append(name)
        weight += size
    yield from [group] if len(group) > 1 else []
