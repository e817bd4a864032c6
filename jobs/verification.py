"""Nightly verification: whether every table of the lake opens, has all its files with their sizes, and the rows that the ledger knows of."""

import json
from collections import Counter
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.fs as fs
from deltalake import DeltaTable

from jobs.lake import ZONES, Lake
from jobs.ledger import Ledger
from jobs.settings import Settings
from quality import places


@dataclass(frozen=True)
class Fault:
    """What is wrong with a table, in one sentence; never a value of a row."""

    table: str
    sentence: str


@dataclass(frozen=True)
class Verification:
    """What was looked at, and what is wrong."""

    tables: int
    files: int
    faults: list[Fault]


def verify(settings: Settings) -> Verification:
    """Look at every table of the lake; WrongUse where there is none."""
    with closing(Ledger(settings, create=False)) as ledger:
        lake, faults, files = Lake.of(settings), list[Fault](), 0
        names = [(zone, table) for zone in ZONES for table in lake.tables(zone)]
        for zone, table in names:
            found, seen = _table(lake, zone, table)
            faults += found
            files += seen
        return Verification(len(names), files, [*faults, *_agrees_with_ledger(lake, ledger, faults)])


def _table(lake: Lake, zone: str, table: str) -> tuple[list[Fault], int]:
    """The faults of a table, and the number of its files."""
    name, path = f"{zone}.{table}", lake.path(zone, table)
    faults = [Fault(name, each) for each in _log(path)]
    try:
        found = DeltaTable(path)
        adds = pa.table(found.get_add_actions())
    except Exception as error:  # Whatever delta-rs says of a broken log: it may show values, its kind does not.
        return [*faults, Fault(name, f"Expected the table to open, found {type(error).__name__}: restore its `_delta_log`.")], 0
    sizes = dict(zip(places.files(found), _sizes(found, adds), strict=True))
    return faults + [Fault(name, each) for file, size in sizes.items() for each in _file(file, size)], len(sizes)


def _sizes(found: DeltaTable, adds: pa.Table) -> list[int]:
    """The sizes that the log has, in the order of `files`."""
    told = dict(zip(adds["path"].to_pylist(), adds["size_bytes"].to_pylist(), strict=True))
    return [told[each] for each in (file.rpartition("/")[2] for file in places.files(found))]


def _file(file: str, size: int) -> list[str]:
    """What is wrong with a file: it is gone, has another size, or its footer cannot be read."""
    system, place = places.filesystem(file)
    name, found = file.rpartition("/")[2], system.get_file_info(place)
    if found.type != fs.FileType.File:
        return [f"Expected the file {name}, found none: restore it."]
    if found.size != size:
        return [f"Expected {size:,} bytes in {name}, found {found.size:,}: restore it."]
    with system.open_input_file(place) as stream:
        stream.seek(size - 4)
        footer = stream.read(4)
    return [] if footer == b"PAR1" else [f"Expected a Parquet file in {name}, found another end: restore it."]


def _log(path: str) -> list[str]:
    """What is wrong with the log: a commit or the pointer to the last checkpoint that is no JSON, a checkpoint that is gone."""
    system, place = places.filesystem(f"{path}/_delta_log")
    faults = list[str]()
    for each in system.get_file_info(fs.FileSelector(place)):
        if each.base_name.endswith(".json") or each.base_name == "_last_checkpoint":
            with system.open_input_stream(each.path) as stream:
                faults += _lines(each.base_name, stream.read())
    return faults


def _lines(name: str, content: bytes) -> list[str]:
    try:
        lines = [json.loads(line) for line in content.decode().splitlines() if line.strip()]
    except ValueError:
        lines = []
    return [] if lines else [f"Expected JSON in _delta_log/{name}, found something else: restore it."]


def _agrees_with_ledger(lake: Lake, ledger: Ledger, faults: list[Fault]) -> list[Fault]:
    """Where a delivery in bronze has not the rows that were read and not dropped for an opposition; not asked of a table that is broken."""
    if not lake.exists("bronze", "record") or any(each.table == "bronze.record" for each in faults):
        return []
    there = Counter(lake.frame("bronze", "record", ["delivery_id"])["delivery_id"].to_list())
    # A later opposition takes rows out: fewer than were read is no fault, more is, and none at all of a delivery that had some.
    return [
        Fault(
            "bronze.record",
            f"Expected at most {read:,} rows of {each.delivery_id}, as the ledger says, found {there[each.delivery_id]:,}.",
        )
        for each in ledger.deliveries(None, "loaded")
        if (read := each.report.get("rows_read", 0)) < there[each.delivery_id]
        or (read > each.report.get("rows_dropped_opposed", 0) and not there[each.delivery_id])
    ]
