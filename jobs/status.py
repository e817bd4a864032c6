"""The state of a lake: deliveries, tables, what waits, what was set aside; and the ledger's mirror for dashboards."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from jobs.lake import ZONES, Lake
from jobs.ledger import Delivery, Ledger
from jobs.returns import CHANGES
from jobs.settings import Settings
from quality import places

COUNTS = tuple(f"rows_{name}" for name in ("read", *CHANGES, "set_aside", "waiting", "dropped_opposed", "gone"))
MIRROR = pa.schema(
    [(name, pa.string()) for name in ("center", "delivery_id", "state", "outcome")]
    + [(name, pa.list_(pa.string())) for name in ("reason_codes", "warnings", "released")]
    + [
        (name, pa.string())
        for name in ("previous_delivery_id", "replaces", "content", "window_from", "window_to", "created_at", "since")
    ]
    + [(name, pa.int64()) for name in ("chain_position", "attempts", "pass", *COUNTS)]
    + [(name, pa.string()) for name in ("decided_by", "decision", "decided_because", "decided_at")]
)


@dataclass(frozen=True)
class TableCount:
    """A table and its rows; `current` where the table keeps history."""

    zone: str
    table: str
    rows: int
    current: int | None = None


@dataclass(frozen=True)
class Status:
    """What `pscc status` shows."""

    lake: str
    deliveries: list[dict[str, Any]]
    tables: list[TableCount]
    waiting: dict[str, dict[str, int]]
    set_aside: dict[str, dict[str, int]]
    held: list[dict[str, Any]]
    announced: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """The object of `--json`."""
        tables: dict[str, dict[str, int]] = {}
        for each in self.tables:
            tables[f"{each.zone}/{each.table}"] = {"rows": each.rows} | (
                {} if each.current is None else {"current": each.current}
            )
        return {
            "lake": self.lake,
            "deliveries": self.deliveries,
            "tables": tables,
            "waiting": self.waiting,
            "set_aside": self.set_aside,
            "held": self.held,
            "announced": self.announced,
        }


def status(settings: Settings) -> Status:
    """The state of the lake; WrongUse where there is none."""
    ledger = Ledger(settings, create=False)
    try:
        lake = Lake.of(settings)
        deliveries = mirrored(ledger)
        rows = [{name: value for name, value in each.items() if value is not None} for each in deliveries]
        held = [_held(each) for each in ledger.deliveries(None, "held")]
        announced = [each.path for each in ledger.announcements(unsettled=True)]
        return Status(
            settings.lake, rows, _tables(lake), _quarantine(lake, "waiting"), _quarantine(lake, "set_aside"), held, announced
        )
    finally:
        ledger.close()


def _held(delivery: Delivery) -> dict[str, Any]:
    waits_for = delivery.previous if "CHAIN_GAP" in delivery.reason_codes else None
    return {
        "delivery_id": delivery.delivery_id,
        "center": delivery.center,
        "reason_codes": delivery.reason_codes,
        "since": delivery.since,
        "waits_for": waits_for,
        "folder": delivery.folder,
    }


def _tables(lake: Lake) -> list[TableCount]:
    return [_count(lake, zone, table) for zone in ZONES for table in lake.tables(zone)]


def _count(lake: Lake, zone: str, table: str) -> TableCount:
    found = DeltaTable(lake.path(zone, table))
    schema, files = pa.schema(found.schema()), places.dataset(found)
    rows = files.count_rows() if files else 0
    if "is_current" not in schema.names:
        return TableCount(zone, table, rows)
    current = ds.field("is_current")
    if "is_deleted" in schema.names:
        current = current & ~ds.field("is_deleted")
    return TableCount(zone, table, rows, files.count_rows(filter=current) if files else 0)


def _quarantine(lake: Lake, kind: str) -> dict[str, dict[str, int]]:
    """Rows in quarantine by hospital and reason."""
    counted: dict[str, Counter[str]] = {}
    for table in lake.tables("quarantine"):
        rows = lake.read("quarantine", table, ["center", "reason"], ds.field("status") == kind)
        for center, reason in zip(rows["center"].to_pylist(), rows["reason"].to_pylist(), strict=True):
            counted.setdefault(center, Counter())[reason] += 1
    return {center: dict(sorted(reasons.items())) for center, reasons in sorted(counted.items())}


def mirrored(ledger: Ledger) -> list[dict[str, Any]]:
    """A row a known delivery, in order of arrival."""
    decided = {each.delivery_id: each for each in ledger.decisions()}
    rows = []
    for each in ledger.deliveries():
        report, decision = each.report, decided.get(each.delivery_id)
        rows.append(
            {
                "center": each.center,
                "delivery_id": each.delivery_id,
                "state": each.state,
                "outcome": each.outcome,
                "reason_codes": each.reason_codes,
                "warnings": report.get("warnings", []),
                "released": report.get("released", []),
                "previous_delivery_id": each.previous,
                "replaces": each.replaces,
                "content": each.content,
                "window_from": each.window_from,
                "window_to": each.window_to,
                "created_at": each.created_at,
                "since": each.since,
                "chain_position": each.chain_position,
                "attempts": each.attempts,
                "pass": each.pass_number,
                **_counts(report),
                "decided_by": decision.by if decision else None,
                "decision": decision.verdict if decision else None,
                "decided_because": decision.why if decision else None,
                "decided_at": decision.at if decision else None,
            }
        )
    return rows


def _counts(report: dict[str, Any]) -> dict[str, int]:
    silver = report.get("rows_silver", {})
    counts = {f"rows_{name}": silver.get(name, 0) for name in CHANGES}
    counts |= {f"rows_{name}": sum(report.get(f"rows_{name}", {}).values()) for name in ("set_aside", "waiting")}
    return counts | {f"rows_{name}": report.get(f"rows_{name}", 0) for name in ("read", "dropped_opposed", "gone")}


def mirror(ledger: Ledger, lake: Lake) -> bool:
    """Write the ledger's deliveries as a Delta table; False when it holds exactly these rows already."""
    with ledger.hold("mirror"):
        rows = pa.Table.from_pylist(mirrored(ledger), MIRROR)
        if not rows.num_rows or (lake.exists("ops", "delivery") and _same(rows, lake.frame("ops", "delivery"))):
            return False
        return lake.write("ops", "delivery", rows, mode="overwrite")


def _same(rows: pa.Table, written: pl.DataFrame) -> bool:
    fresh = pl.from_arrow(rows)
    assert isinstance(fresh, pl.DataFrame)
    order = ["center", "delivery_id"]
    return written.columns == fresh.columns and fresh.sort(order).equals(written.sort(order))
