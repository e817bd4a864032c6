"""Which transactions a Delta table's log holds, and as which version each was committed: read from the log itself, newest first."""

import json
import re
from collections.abc import Iterator

import pyarrow.fs as fs

from jobs.lake import Lake
from quality import places

COMMIT = re.compile(r"(\d{20})\.json")


def version_of(lake: Lake, zone: str, table: str, writer: str, number: int) -> int | None:
    """The version with which a table took a transaction; None where it never did, or its log reaches back no further."""
    for version, transactions in _newest_first(f"{lake.path(zone, table)}/_delta_log"):
        seen = transactions.get(writer)
        if seen == number:
            return version
        # The numbers of one writer only grow.
        if seen is not None and seen < number:
            return None
    return None


def transactions(log: str) -> dict[str, int]:
    """The newest number of every writer that the commits of a log name."""
    found = dict[str, int]()
    for _, seen in _newest_first(log):
        found = seen | found
    return found


def _newest_first(log: str) -> Iterator[tuple[int, dict[str, int]]]:
    """The versions of a log with their transactions: writer and number."""
    system, place = places.filesystem(log)
    found = [each.base_name for each in system.get_file_info(fs.FileSelector(place, allow_not_found=True))]
    for name in sorted((name for name in found if COMMIT.fullmatch(name)), reverse=True):
        with system.open_input_stream(f"{place}/{name}") as stream:
            # Actions of files are the most of a log and do not matter here.
            lines = [line for line in stream.read().decode().splitlines() if line.startswith('{"txn"')]
        actions = [json.loads(line)["txn"] for line in lines]
        yield int(name[:20]), {each["appId"]: each["version"] for each in actions}
