"""Erasure, zone by zone: rows out of tables, old versions and logs out of folders, copies of files, releases, the vault.

No id of anybody comes into a commit: files that hold rows of theirs are written anew without them (docs/decisions/0013-purge.md).
"""

import json
import re
import shutil
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as fs
from deltalake import DeltaTable
from sqlalchemy import Engine, text

from jobs.actions import Files
from jobs.lake import LANDED, Lake
from jobs.landing.erased import drop_erased
from jobs.landing.layout import lean_files
from jobs.landing.purge import insist
from jobs.landing.vault import METADATA, next_revision, remove, settled
from jobs.releases.store import MADE, PATIENT, REVOKED, Store
from jobs.rights.scan import AT_WORK, rows_with
from jobs.rights.traces import Traces
from jobs.silver import layout
from jobs.stages.judging import KEPT, keep_again, kept_in
from jobs.stages.worker import Worker
from quality import places

# Columns that say of nobody who it is: of new files only these have least and greatest values in the log.
COUNTED = (*layout.COUNTED, "release")
LAYOUT: dict[str, Any] = layout.LAYOUT | {"write_statistics": list(COUNTED)}
PURGE = "purge"
PURGED = pa.schema(
    [
        ("request", pa.string()),
        ("zone", pa.string()),
        ("table", pa.string()),
        ("first_version", pa.int64()),
        ("purged_at", pa.timestamp("us", "UTC")),
    ]
)
# What an erasure must not ask of its own register.
OWN = (*AT_WORK, "request", "tombstone", "audit_head", "revision")

Fence = Callable[[], None]


def rewrite(lake: Lake, zone: str, table: str, traces: Traces, fence: Fence) -> int:
    """Take the rows in which a trace stands out of a table, whatever column it stands in, in one commit; how many they were."""
    if not lake.exists(zone, table):
        return 0
    counted: int = insist(partial(_rewrite, lake, zone, table, traces, fence))
    return counted


def _rewrite(lake: Lake, zone: str, table: str, traces: Traces, fence: Fence) -> int:
    found = DeltaTable(lake.path(zone, table))
    rows = places.dataset(found)
    files = lean_files(found) if zone in LANDED else Files(found, COUNTED, LAYOUT)
    actions, gone = [], 0
    for file in rows.get_fragments() if rows is not None else ():
        held = file.to_table(files.schema)
        theirs = traces.rows(held)
        if theirs.any():
            gone += int(theirs.sum())
            actions += [files.removed(file.path), *files.added([held.filter((~theirs).to_arrow())])]
    if actions:
        fence()
        files.commit(actions)
    return gone


def forget_versions(lake: Lake, zone: str, table: str) -> int:
    """Delete every file of a table that its newest version does not name, and the log before that version: the version that is left."""
    DeltaTable(lake.path(zone, table)).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True)
    found = DeltaTable(lake.path(zone, table))
    found.create_checkpoint()
    system, log = places.filesystem(f"{lake.path(zone, table)}/_delta_log")
    for each in system.get_file_info(fs.FileSelector(log)):
        version = re.match(r"(\d{20})\.", each.base_name)
        # The newest commit stays beside its checkpoint, as readers expect it.
        if each.is_file and version and int(version[1]) < found.version():
            system.delete_file(each.path)
    return int(found.version())


def note_purge(lake: Lake, request: str, left: dict[tuple[str, str], int], at: datetime) -> None:
    """Say in `ops.purge` from which version on each table can be read, and since when builds know nothing of them."""
    rows = [
        {"request": request, "zone": zone, "table": table, "first_version": version, "purged_at": at}
        for (zone, table), version in sorted(left.items())
    ]
    if rows:
        lake.write("ops", PURGE, pa.Table.from_pylist(rows, PURGED))


def purged(lake: Lake, request: str) -> int:
    """Of how many tables a request has deleted old versions."""
    rows = lake.frame("ops", PURGE, ["zone", "table"], ds.field("request") == request)
    return int(rows.unique().height)


def drop_restricted(lake: Lake, hit: Iterable[str]) -> int:
    """Delete the copies of refused deliveries that mention somebody, whole; how many."""
    folders = sorted({"/".join(place.split("/")[:3]) for place in hit if place.startswith("restricted/")})
    system, root = places.filesystem(lake.root)
    for folder in folders:
        system.delete_dir(f"{root}/{folder}")
    return len(folders)


def clear_staging(worker: Worker) -> int:
    """Drop the people from deliveries that were judged and wait, and everything else that is staged: it is made again from where it came."""
    dropped = 0
    for folder in sorted(worker.settings.staging.glob("*")) if worker.settings.staging.exists() else ():
        if (folder / KEPT).is_file():
            judgement, report = kept_in(folder)
            dropped += drop_erased(worker.vault, worker.pseudonyms, judgement)
            keep_again(folder, judgement, report)
            for leftover in folder.glob("*.records.parquet"):
                leftover.unlink()
        elif folder.is_dir() and not folder.name.startswith(("spark", "blockmgr", "warehouse")):
            shutil.rmtree(folder, ignore_errors=True)
    return dropped


def releases_of(lake: Lake, traces: Traces) -> dict[str, str]:
    """The releases that tell of these people, each with its state."""
    rows = lake.frame("ops", PATIENT)
    if not Store(lake).has_place or not rows.height:
        return {}
    names = set(rows.filter(traces.stand_in(rows["patient_id"]))["release"])
    return {each.name: each.state for each in Store(lake).releases() if each.name in names}


def unmake_releases(lake: Lake, told: dict[str, str], by: str) -> None:
    """Take away the releases among them that nobody has published yet, and what is left of those whose revoking was cut short."""
    from jobs.releases.life import take_back

    for name, state in told.items():
        if state == MADE:
            take_back(Store(lake), name, by)
        elif state == REVOKED:
            Store(lake).end(name)


def forget_in_vault(worker: Worker, traces: Traces) -> int:
    """Take every row out of the vault in which a trace stands; what deliveries changed is told without them. How many rows."""
    gone = 0
    for table in METADATA.tables.values():
        if table.name in OWN:
            continue
        rows = rows_with(worker.vault.engine, table, traces)
        with worker.vault.transaction() as tx:
            keys = [column.name for column in table.primary_key]
            remove(tx, table, [{key: row[key] for key in keys} for row in rows])
            if table.name == settled.name and rows:
                # That a delivery was settled stays known: a second try must not settle it again.
                tx.execute(table.insert(), [row | {"change": _without(row["change"], traces)} for row in rows])
        gone += len(rows)
    with worker.vault.transaction() as tx:
        next_revision(tx)
    return gone


def _without(change: str, traces: Traces) -> str:
    """What a delivery changed, as JSON, without the entries of lists in which a trace stands."""
    body: dict[str, Any] = json.loads(change)
    for name, entries in body.items():
        if isinstance(entries, list) and entries:
            theirs = traces.stand_in(pl.Series([json.dumps(each) + " " for each in entries], dtype=pl.String))
            body[name] = [each for each, hit in zip(entries, theirs, strict=True) if not hit]
    return json.dumps(body)


def press(engine: Engine) -> None:
    """Leave nothing of deleted rows in the files of a database."""
    if engine.dialect.name == "sqlite":
        # The driver's own connection: SQLAlchemy would begin a transaction, in which nothing can be vacuumed.
        with closing(engine.raw_connection()) as connection:
            for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                connection.cursor().execute(statement)
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as database:
        for table in METADATA.tables.values():
            database.execute(text(f"VACUUM (FULL) vault.{table.name}"))
