"""Drift: what a delivery looks like beside the one before it, by feed and column. It warns and stops nothing; gate 10 stops."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

Measure = Literal["rows", "set_aside_share", "null_share", "distinct"]
# Shares of fewer rows move by chance.
ENOUGH_ROWS = 50
ROWS_FACTOR, NULL_SHARE_STEP, SET_ASIDE_STEP, DISTINCT_FACTOR = 2.0, 0.10, 0.02, 1.5
# With more values than this a column holds no codes, and their number follows that of the rows.
MOST_CODES = 50
SCHEMA = pa.schema(
    [
        ("center", pa.string()),
        ("domain", pa.string()),
        ("column", pa.string()),
        ("measure", pa.string()),
        ("previous", pa.float64()),
        ("current", pa.float64()),
        ("warning", pa.bool_()),
        ("previous_delivery_id", pa.string()),
        ("delivery_id", pa.string()),
        ("measured_at", pa.timestamp("us", "UTC")),
    ]
)


@dataclass(frozen=True)
class Drift:
    """One measure of a feed (`column` empty) or column, in a delivery and in the one before."""

    center: str
    domain: str
    column: str
    measure: Measure
    previous: float
    current: float
    warning: bool
    previous_delivery_id: str
    delivery_id: str


@dataclass(frozen=True)
class _Profile:
    """What one delivery brought of one feed."""

    rows: int
    set_aside: int
    null_share: dict[str, float]
    distinct: dict[str, int]


def measure(lake_root: str, center: str, delivery_id: str, *, snapshots: bool = False) -> list[Drift]:
    """How each feed of a delivery differs from the last delivery before it that had the feed; nothing for a first one.

    Only a hospital that sends snapshots is held to the rows of its first delivery: elsewhere that is its whole past.
    """
    found = []
    for domain, now, before, before_is_first in _pairs(lake_root, center, delivery_id):
        profiles = _profiles(lake_root, center, domain, [now, before])
        if now in profiles and before in profiles:
            compare_rows = snapshots or not before_is_first
            measured = _compared(profiles[before], profiles[now], compare_rows)
            found += [Drift(center, domain, *each, before, now) for each in measured]
    return found


def record(lake_root: str, drifts: Iterable[Drift]) -> None:
    """Write measures to `ops.drift`, in place of earlier ones of the same deliveries: counts and shares, never a value."""
    at = datetime.now(UTC)
    rows = [asdict(each) | {"measured_at": at} for each in drifts]
    if rows:
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        DeltaTable.create(address(lake_root), SCHEMA, mode="ignore")
        deliveries = ", ".join(f"'{name}'" for name in sorted({each["delivery_id"] for each in rows}))
        write_deltalake(address(lake_root), table, mode="overwrite", predicate=f"delivery_id in ({deliveries})")


def recorded(lake_root: str) -> pl.DataFrame:
    """Everything in `ops.drift`; no rows before the first measure."""
    if DeltaTable.is_deltatable(address(lake_root)):
        return pl.scan_delta(address(lake_root)).collect()
    return pl.DataFrame(pl.from_arrow(SCHEMA.empty_table()))


def address(lake_root: str) -> str:
    """Where `ops.drift` lies."""
    return f"{lake_root}/ops/drift"


def _pairs(lake_root: str, center: str, delivery_id: str) -> list[tuple[str, str, str, bool]]:
    """Each feed of the delivery with the delivery before that had it, and whether that one was the first of all."""
    path = f"{lake_root}/bronze/record"
    if not DeltaTable.is_deltatable(path):
        return []
    sent = pl.scan_delta(path).filter(pl.col("center") == center).select("domain", "delivery_id", "chain_position").unique()
    known = sent.collect()
    now = known.filter(pl.col("delivery_id") == delivery_id).select("domain", now="chain_position")
    earlier = known.join(now, on="domain").filter(pl.col("chain_position") < pl.col("now")).sort("chain_position")
    first = known["chain_position"].min()
    last = earlier.group_by("domain").last().sort("domain")
    return [
        (row["domain"], delivery_id, row["delivery_id"], row["chain_position"] == first) for row in last.iter_rows(named=True)
    ]


def _profiles(lake_root: str, center: str, domain: str, deliveries: list[str]) -> dict[str, _Profile]:
    path = f"{lake_root}/bronze/{center}_{domain}"
    if not DeltaTable.is_deltatable(path):
        return {}
    rows = pl.scan_delta(path).filter(pl.col("_delivery_id").is_in(deliveries)).select("_delivery_id", "_reason", "_read")
    read = rows.unnest("_read")
    schema = read.collect_schema()
    names = [name for name in schema if name not in ("_delivery_id", "_reason")]
    plain = [name for name in names if not schema[name].is_nested()]
    measured = read.group_by("_delivery_id").agg(
        pl.len().alias("#rows"),
        pl.col("_reason").is_not_null().sum().alias("#set_aside"),
        *(pl.col(name).null_count().alias(f"#null {name}") for name in names),
        *(pl.col(name).drop_nulls().n_unique().alias(f"#distinct {name}") for name in plain),
    )
    return {
        row["_delivery_id"]: _Profile(
            rows=row["#rows"],
            set_aside=row["#set_aside"],
            null_share={name: row[f"#null {name}"] / row["#rows"] for name in names},
            distinct={name: row[f"#distinct {name}"] for name in plain},
        )
        for row in measured.collect().iter_rows(named=True)
    }


def _compared(before: _Profile, now: _Profile, compare_rows: bool) -> Iterator[tuple[str, Measure, float, float, bool]]:
    """Column, measure, value before and now, and whether that is more than chance and season explain."""
    enough = min(before.rows, now.rows) >= ENOUGH_ROWS
    few = max(before.rows, now.rows) < ENOUGH_ROWS
    yield "", "rows", before.rows, now.rows, compare_rows and not few and _factor(before.rows, now.rows) > ROWS_FACTOR
    shares = (before.set_aside / before.rows, now.set_aside / now.rows)
    yield "", "set_aside_share", *shares, enough and shares[1] - shares[0] > SET_ASIDE_STEP
    for name, share in now.null_share.items():
        was = before.null_share.get(name, 1.0)
        yield name, "null_share", was, share, enough and abs(share - was) > NULL_SHARE_STEP
    for name, count in now.distinct.items():
        known = before.distinct.get(name, 0)
        codes = max(known, count) <= MOST_CODES and abs(known - count) > 1
        yield name, "distinct", known, count, enough and codes and _factor(known, count) > DISTINCT_FACTOR


def _factor(one: float, other: float) -> float:
    low, high = sorted((one, other))
    return high / low if low else float("inf")
