"""Rows that wait for their patient or parent: kept in quarantine with the reason, tried again by every pass."""

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds

from jobs.hospitals.feed import Hospital
from jobs.lake import Lake
from jobs.silver.state import WAITING

COLUMNS = {
    "center": pa.string(),
    "domain": pa.string(),
    "status": pa.string(),
    "reason": pa.string(),
    "delivery_id": pa.string(),
    "source_file": pa.string(),
    "source_row_no": pa.int64(),
    "row_id": pa.string(),
    "person_id": pa.string(),
    "source_key": pa.string(),
    "columns": pa.list_(pa.string()),
}
SCHEMA = pa.schema(list(COLUMNS.items()))


def _quarantines(lake: Lake, hospital: Hospital) -> dict[str, str]:
    """The quarantine tables of a hospital: table name by domain."""
    prefix = f"{hospital.center}_"
    return {name.removeprefix(prefix): name for name in lake.tables("quarantine") if name.startswith(prefix)}


def people_who_wait(lake: Lake, hospital: Hospital) -> list[str]:
    """The people of whom a row waits."""
    waiting = ds.field("status") == "waiting"
    found: set[str] = set()
    for table in _quarantines(lake, hospital).values():
        found.update(lake.frame("quarantine", table, ["person_id"], waiting)["person_id"].drop_nulls())
    return sorted(found)


def replace_waiting(lake: Lake, hospital: Hospital, states: pl.DataFrame) -> None:
    """Replace the waiting rows of a hospital by those that wait now; rows set aside stay."""
    now = states.filter(pl.col("state").is_in(list(WAITING)))
    tables = _quarantines(lake, hospital)
    for feed in hospital.feeds:
        rows = (
            now.filter(pl.col("domain") == feed.domain).rename({"state": "reason"})
            if feed.counted
            else now.clear().rename({"state": "reason"})
        )
        before = lake.frame("quarantine", tables[feed.domain], list(COLUMNS)) if feed.domain in tables else None
        if before is None and rows.is_empty():
            continue
        _write(lake, hospital, feed.domain, rows, before)


def _write(lake: Lake, hospital: Hospital, domain: str, rows: pl.DataFrame, before: pl.DataFrame | None) -> None:
    order = ["delivery_id", "source_file", "source_row_no"]
    waiting = _quarantined(hospital, domain, rows).sort(order)
    known = before.filter(pl.col("status") == "waiting").sort(order) if before is not None else waiting.clear()
    said = [*order, "reason", "person_id"]
    if waiting.select(said).equals(known.select(said)):
        return
    kept = before.filter(pl.col("status") != "waiting") if before is not None else waiting.clear()
    # The whole table, not a delete by predicate: a predicate would stand in the log for ever.
    lake.write("quarantine", f"{hospital.center}_{domain}", pl.concat([kept, waiting]).to_arrow().cast(SCHEMA), mode="overwrite")


def _quarantined(hospital: Hospital, domain: str, rows: pl.DataFrame) -> pl.DataFrame:
    said = {"center": hospital.center, "domain": domain, "status": "waiting"}
    filled = rows.drop("domain").with_columns(
        *(pl.lit(value).alias(name) for name, value in said.items()),
        pl.lit(None, pl.String).alias("source_key"),
        pl.lit(None, pl.List(pl.String)).alias("columns"),
    )
    return filled.select(*COLUMNS).cast({"source_row_no": pl.Int64})
