"""Logs of Delta tables kept short: a checkpoint says what all commits before it said, and commits older than 30 days go."""

import json

import pyarrow.fs as fs
import pyarrow.parquet as pq
from deltalake import DeltaTable

from jobs.commits import transactions
from jobs.errors import LakehouseError
from jobs.lake import Lake
from jobs.ledger import Fence
from quality import places

# Fewer commits than this are read faster than a checkpoint.
FEW = 20


def clean_log(lake: Lake, zone: str, table: str, fence: Fence = lambda: None) -> int:
    """Write a checkpoint where commits have come since the last, ask `fence` and delete those that are old; how many files of the log went.

    LakehouseError, and nothing is deleted, where the checkpoint does not know every transaction that the commits name: a delivery that is
    loaded twice would then be loaded twice.
    """
    log = f"{lake.path(zone, table)}/_delta_log"
    before = _names(log)
    if sum(name.endswith(".json") for name in before) < FEW:
        return 0
    found = DeltaTable(lake.path(zone, table))
    found.create_checkpoint()
    _hold_transactions(f"{zone}.{table}", log)
    fence()
    found.cleanup_metadata()
    return len(before - _names(log))


def _hold_transactions(table: str, log: str) -> None:
    kept = _of_checkpoint(log)
    lost = sorted(writer for writer, number in transactions(log).items() if kept.get(writer) != number)
    if lost:
        raise LakehouseError(
            f"Expected the checkpoint of {table} to know the last transaction of every writer, found {', '.join(lost)} missing: "
            "its log was left as it is; keep it, and report this."
        )


def _of_checkpoint(log: str) -> dict[str, int]:
    """The newest number of every writer that the last checkpoint knows."""
    system, place = places.filesystem(log)
    with system.open_input_stream(f"{place}/_last_checkpoint") as stream:
        version = json.loads(stream.read())["version"]
    said = pq.read_table(f"{place}/{version:020}.checkpoint.parquet", filesystem=system, columns=["txn"])["txn"]
    return {each["appId"]: each["version"] for each in said.drop_null().to_pylist()}


def _names(log: str) -> set[str]:
    system, place = places.filesystem(log)
    return {each.base_name for each in system.get_file_info(fs.FileSelector(place))}
