"""The whole story of one delivery: how it was announced and judged, what became of its rows, which tables they reached, when, and by whom."""

import json
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pyarrow.dataset as ds

from jobs.commits import version_of
from jobs.errors import WrongUse
from jobs.lake import Lake
from jobs.ledger import Announcement, Delivery, Ledger, Step
from jobs.settings import Settings
from quality.verdicts import WHOLE_TABLE, recorded

GATES = {
    1: "manifest",
    2: "signature",
    3: "place in the chain",
    4: "files",
    5: "container",
    6: "text",
    7: "identifiers",
    8: "schema",
    9: "rights",
    10: "volume",
    11: "quality of silver",
}
FIRST_UNKNOWN, VOLUME, QUALITY = 3, 10, 11
Verdict = Literal["passed", "warned", "refused", "held", "waived", "not reached"]


@dataclass(frozen=True)
class Gate:
    """A gate and its verdict, with the codes of what it found."""

    number: int
    name: str
    verdict: Verdict
    codes: list[str]


@dataclass(frozen=True)
class Reached:
    """A table that the delivery reached, the version that brought it, and the rows that changed there in that pass or build."""

    table: str
    version: int | None
    at: str | None
    rows: dict[str, int]


@dataclass(frozen=True)
class Story:
    """What `pscc delivery show` tells."""

    delivery_id: str
    center: str | None
    state: str
    reason_codes: list[str]
    announcements: list[dict[str, Any]]
    gates: list[Gate]
    files: list[dict[str, Any]]
    rows: dict[str, Any]
    steps: list[Step]
    decisions: list[dict[str, str]]
    passed: dict[str, Any] | None
    tables: list[Reached]
    runs: list[str]
    report: str

    def told(self) -> dict[str, Any]:
        """The object of `--json`."""
        return asdict(self)


def story(settings: Settings, delivery_id: str) -> Story:
    """The story of a delivery; WrongUse for an id that nobody ever announced."""
    with closing(Ledger(settings, create=False)) as ledger:
        announced = [each for each in ledger.announcements() if delivery_id in (each.delivery_id, Path(each.folder).name)]
        known = next((each for each in ledger.deliveries() if each.delivery_id == delivery_id), None)
        if known is None and not announced:
            raise WrongUse(f"Expected the id of a delivery that was announced, found {delivery_id}: see `pscc status`.")
        steps = ledger.steps(delivery_id)
        told = known.report if known else (announced[-1].report or {})
        lake, center = Lake.of(settings), known.center if known else announced[-1].center
        return Story(
            delivery_id=delivery_id,
            center=center,
            state=known.state if known else announced[-1].outcome or "announced",
            reason_codes=known.reason_codes if known else told.get("reason_codes", []),
            announcements=[_announcement(each) for each in announced],
            gates=gates(known, told),
            files=_files(lake, known, told),
            rows={
                name: told.get(f"rows_{name}") for name in ("read", "silver", "set_aside", "waiting", "dropped_opposed", "gone")
            },
            steps=steps,
            decisions=[
                {"verdict": each.verdict, "by": each.by, "why": each.why, "at": each.at}
                for each in ledger.decisions()
                if each.delivery_id == delivery_id
            ],
            passed=_pass(settings, ledger, known),
            tables=_tables(lake, known),
            runs=list(dict.fromkeys(each.run for each in steps if each.run)),
            report=f"{settings.lake}/returns/{center or 'unknown'}/{delivery_id}.html",
        )


def _announcement(each: Announcement) -> dict[str, Any]:
    """An announcement, with the key by which a DAG run is known."""
    return {
        "key": str(each.id),
        "folder": each.folder,
        "found_at": each.found_at,
        "settled_at": each.settled_at,
        "outcome": each.outcome,
    }


# Gates


def gates(known: Delivery | None, report: dict[str, Any]) -> list[Gate]:
    """Every gate with its verdict, as far as the delivery came."""
    stopped = _by_gate(report.get("findings", []))
    warned = _by_gate([finding for found in report.get("seen", {}).values() for finding in found])
    return [
        _gate(number, stopped.get(number, []), warned.get(number, []), known, report, max(stopped, default=0)) for number in GATES
    ]


def _by_gate(findings: list[dict[str, Any]]) -> dict[int, list[str]]:
    codes: dict[int, set[str]] = {}
    for each in findings:
        number = QUALITY if each["code"] == "QUALITY_GATE" else int(each.get("gate", 0))
        codes.setdefault(number, set()).add(each["code"])
    return {number: sorted(found) for number, found in codes.items()}


def _gate(number: int, stopped: list[str], warned: list[str], known: Delivery | None, report: dict[str, Any], last: int) -> Gate:
    outcome, name = report.get("outcome"), GATES[number]
    if stopped:
        return Gate(number, name, "held" if outcome == "held" else "refused", stopped)
    if not _reached(number, known, report, last):
        return Gate(number, name, "not reached", [])
    if known is not None and ((number == VOLUME and known.approved) or (number == QUALITY and known.gate_waived)):
        return Gate(number, name, "waived", [])
    return Gate(number, name, "warned" if warned else "passed", warned)


def _reached(number: int, known: Delivery | None, report: dict[str, Any], last: int) -> bool:
    """True for a gate that the delivery has passed through. Gates 4 to 9 are asked of a delivery that waits for its place, too."""
    if report.get("outcome") == "accepted" or (known is not None and known.in_bronze):
        return number < QUALITY or report.get("outcome") == "accepted"
    if not report.get("outcome"):
        return known is not None and number < FIRST_UNKNOWN
    waits = known is not None and last == FIRST_UNKNOWN and bool(report.get("files"))
    return number < (VOLUME if waits else last)


# Rows


def _files(lake: Lake, known: Delivery | None, report: dict[str, Any]) -> list[dict[str, Any]]:
    """Each file with the rows read, set aside, opposed, and waiting now."""
    waiting = _waiting(lake, known) if known is not None and known.in_bronze else {}
    shown = ("path", "domain", "rows_read", "set_aside", "opposed")
    return [
        {name: each.get(name, 0) for name in shown} | {"waiting": waiting.get(each["path"], 0)}
        for each in report.get("files", [])
    ]


def _waiting(lake: Lake, known: Delivery) -> dict[str, int]:
    where = (ds.field("delivery_id") == known.delivery_id) & (ds.field("status") == "waiting")
    counted: dict[str, int] = {}
    for table in lake.tables("quarantine"):
        if table.startswith(f"{known.center}_"):
            files = lake.frame("quarantine", table, ["source_file"], where)["source_file"]
            for file in files:
                counted[file] = counted.get(file, 0) + 1
    return counted


# Tables


def _pass(settings: Settings, ledger: Ledger, known: Delivery | None) -> dict[str, Any] | None:
    """The pass that published the delivery, and what the gate said of its tables."""
    if known is None or known.pass_number is None:
        return None
    found = next((each for each in ledger.passes_in_full() if each["number"] == known.pass_number), None)
    checks = recorded(settings.lake).filter(pl.col("pass_number") == known.pass_number)
    whole = pl.col("expectation") == WHOLE_TABLE
    failed = checks.filter(~whole & ~pl.col("passed"))
    return {
        "number": known.pass_number,
        "together_with": [each for each in found["deliveries"] if each != known.delivery_id] if found else [],
        "finished_at": found["finished_at"] if found else None,
        "tables_checked": checks.filter(whole).height,
        "tables_refused": checks.filter(whole & ~pl.col("passed"))["table"].to_list(),
        "rules_broken": failed.select("table", "expectation", "column", "severity", "unexpected_count").to_dicts(),
    }


def _tables(lake: Lake, known: Delivery | None) -> list[Reached]:
    """Bronze and quarantine by the delivery's own transaction, silver by that of its pass, gold by the builds that read it first."""
    if known is None or not known.in_bronze:
        return []
    silver = _silver(lake, known)
    return [
        *_landed(lake, known),
        *silver,
        *_gold(lake, {each.table: each.version for each in silver if each.version is not None}),
    ]


def _landed(lake: Lake, known: Delivery) -> list[Reached]:
    writer, found = f"pscc/landing/{known.delivery_id}", list[Reached]()
    for zone in ("bronze", "quarantine"):
        for table in lake.tables(zone):
            taken = lake.table(zone, table).transaction_version(writer)
            if taken is not None:
                found.append(Reached(f"{zone}.{table}", version_of(lake, zone, table, writer, taken), None, {}))
    return found


def _silver(lake: Lake, known: Delivery) -> list[Reached]:
    if known.pass_number is None or not lake.exists("ops", "load_process"):
        return []
    work = lake.frame("ops", "load_process", None, ds.field("load_id") == known.pass_number)
    return [
        Reached(
            f"silver.{row['table']}",
            version_of(lake, "silver", row["table"], "pscc/silver", known.pass_number),
            None,
            {kind: row[kind] for kind in ("new", "changed", "deleted", "purged") if row[kind]},
        )
        for row in work.sort("table").to_dicts()
        if any(row[kind] for kind in ("new", "changed", "deleted", "purged"))
    ]


def _gold(lake: Lake, silver: dict[str, int]) -> list[Reached]:
    """The first version of each product that was made from what the delivery brought to silver, or from such a product."""
    builds = lake.frame("ops", "build").sort("published_at") if lake.exists("ops", "build") else pl.DataFrame()
    reached, first = dict(silver), dict[str, Reached]()
    for row in builds.to_dicts():
        product, inputs = f"gold.{row['table']}", json.loads(row["inputs"])
        if product not in first and any(inputs.get(name, -1) >= version for name, version in reached.items()):
            version = version_of(lake, "gold", row["table"], "pscc/gold", row["build"])
            first[product] = Reached(product, version, row["published_at"].isoformat(timespec="seconds"), {"rows": row["rows"]})
            if version is not None:
                reached[product] = version
    return list(first.values())
