"""Return reports: what the hospital reads about its delivery, as JSON and as a page. Files, rows and columns are named, values never."""

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jobs import private
from jobs.hospitals.feed import CENTER
from jobs.landing.model import Finding, Judgement, Outcome
from jobs.page import page
from quality import places
from quality.address import is_remote

DELIVERY_ID = re.compile(rf"{CENTER.upper()}-\d{{8}}-\d{{3}}")
LISTED = 1000
CHANGES = ("new", "changed", "unchanged", "deleted")


@dataclass
class Report:
    """The verdict on a delivery: the counts of the interface, and for the hospital where everything was found."""

    delivery_id: str | None
    center: str | None
    outcome: Outcome
    reason_codes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    rows_read: int = 0
    rows_silver: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHANGES, 0))
    rows_set_aside: dict[str, int] = field(default_factory=dict)
    rows_waiting: dict[str, int] = field(default_factory=dict)
    rows_dropped_opposed: int = 0
    rows_gone: int = 0
    released: list[str] = field(default_factory=list)
    seconds: float = 0.0
    judged_at: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    # Lists are cut: how many more there are of `findings`, and of each warning in `seen`. The faults of a file: in `files`.
    not_listed: dict[str, int] = field(default_factory=dict)
    send_again: list[dict[str, Any]] = field(default_factory=list)
    # Where it differs from the delivery before it by more than chance explains.
    drift: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, str]] = field(default_factory=list)
    earlier: list[dict[str, Any]] = field(default_factory=list)

    def line(self) -> dict[str, Any]:
        """The object of `--json`."""
        return {name: getattr(self, name) for name in LINE}

    @property
    def advice(self) -> str:
        """What the hospital does next, in one sentence."""
        codes = set(self.reason_codes)
        if self.outcome == "rejected" and self.findings and all(finding.get("gate", 99) <= 2 for finding in self.findings):
            return UNKNOWN
        named = next((sentence for code, sentence in ADVICE_BY_CODE.items() if code in codes), None)
        return named or ADVICE[self.outcome]


LINE = (
    "delivery_id",
    "center",
    "outcome",
    "reason_codes",
    "warnings",
    "rows_read",
    "rows_silver",
    "rows_set_aside",
    "rows_waiting",
    "rows_dropped_opposed",
    "rows_gone",
    "released",
    "seconds",
)
ADVICE: dict[str, str] = {
    "accepted": "Nothing to do: the delivery is loaded. Rows that were set aside can be corrected in a later delivery.",
    "duplicate": "Nothing to do: this delivery was announced before, and its first verdict stands.",
    "rejected": "Correct what is listed below and send a new delivery under a new id, with this one in `replaces` and the same `previous_delivery_id`.",
    "quarantined": "Remove the identifying values at the source, then send a new delivery under a new id, with this one in `replaces`. "
    "A copy of the files is kept where only the data officer can read it.",
    "held": "Nothing to correct for now: a data manager looks at it, and another report follows.",
}
UNKNOWN = "Correct the manifest and announce the delivery again, under the same id or a new one, without `replaces`: it is not known yet."
ADVICE_BY_CODE = {
    "CHAIN_GAP": "Send the delivery named in `previous_delivery_id`, or one that replaces it: this one then loads by itself.",
    "PSEUDONYM_KEY_CHANGED": "Confirm to the data manager that the pseudonym key was changed on purpose; nothing is loaded before.",
    "DELIVERY_CONFLICT": "The first delivery of this id stands. Send other content under a new id.",
    "CHAIN_FORK": "Another delivery already follows that predecessor. Send a delivery that names the last accepted one in `previous_delivery_id`.",
}


def judged(judgement: Judgement) -> Report:
    """What the judgement of its files says of a delivery; the counts of loading come later."""
    report = Report(judgement.delivery_id, judgement.center, judgement.outcome, judgement.reason_codes)
    report.rows_read = sum(file.rows for file in judgement.files)
    report.findings = [told(finding) for finding in judgement.findings[:LISTED]]
    _note_cut(report, "findings", len(judgement.findings[LISTED:]) + judgement.more_findings)
    report.files = [_counted(judgement, path) for path in sorted({file.path for file in judgement.files})]
    note_warnings(report, judgement.warnings)
    for code, number in judgement.more_warnings.items():
        _note_cut(report, code, number)
    return report


def note_warnings(report: Report, warnings: Mapping[str, Iterable[Finding]]) -> None:
    """Add warnings, and where each was seen."""
    for code, findings in warnings.items():
        every = list(findings)
        report.seen.setdefault(code, []).extend(told(finding) for finding in every[:LISTED])
        _note_cut(report, code, len(every[LISTED:]))
    report.warnings = sorted(report.seen)


def _note_cut(report: Report, what: str, number: int) -> None:
    if number:
        report.not_listed[what] = report.not_listed.get(what, 0) + number


def told(finding: Finding) -> dict[str, Any]:
    """A finding as the hospital reads it."""
    return {name: value for name, value in asdict(finding).items() if value is not None}


def _counted(judgement: Judgement, path: str) -> dict[str, Any]:
    parts = [file for file in judgement.files if file.path == path]
    set_aside: Counter[str] = sum((Counter(part.set_aside) for part in parts), Counter())
    faults = [told(fault) for part in parts for fault in part.faults]
    return {
        "path": path,
        "domain": parts[0].feed.domain,
        "rows_read": sum(part.rows for part in parts),
        "set_aside": dict(sorted(set_aside.items())),
        "faults": faults[:LISTED],
        "not_listed": sum(part.more_faults for part in parts) + len(faults[LISTED:]),
    }


def claimed_id(folder: Path) -> tuple[str | None, str | None]:
    """The id and the hospital that a folder's place claims, where they look like one: for a manifest that could not be read."""
    parts = folder.parts
    delivery_id = folder.name if DELIVERY_ID.fullmatch(folder.name) else None
    center = parts[-4] if len(parts) >= 4 and re.fullmatch(CENTER, parts[-4]) else None
    return delivery_id, center


def write(lake: str, report: Report, *, aside: str | None = None) -> str:
    """Write the report and its page; `aside` names those that must not take the place of the delivery's standing verdict."""
    folder = f"{lake}/returns/{report.center or 'unknown'}"
    name = ".".join(part for part in (report.delivery_id or "unknown", aside) if part)
    told = {"report_version": "1.0", **asdict(report), "what_to_do": report.advice}
    places.write(f"{folder}/{name}.json", json.dumps(told, indent=1, ensure_ascii=False))
    places.write(f"{folder}/{name}.html", page(told))
    return f"{folder}/{name}.json"


def restrict(lake: str, center: str, delivery_id: str, folder: Path) -> str:
    """Copy the files of a quarantined delivery to where only their owner may read them; links are not followed. LANDING keeps its own.

    In an object store it is the store's own rights that close `restricted`.
    """
    kept = f"{lake}/restricted/{center}/{delivery_id}"
    if is_remote(lake):
        places.upload(folder, kept)
    else:
        _restrict_in_folder(Path(kept), folder)
    return kept


def _restrict_in_folder(kept: Path, folder: Path) -> None:
    fresh = kept.with_name(f".{kept.name}.{os.getpid()}")
    kept.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    for source in sorted(folder.rglob("*")):
        _copy_privately(source, fresh / source.relative_to(folder))
    shutil.rmtree(kept, ignore_errors=True)
    fresh.rename(kept)


def _copy_privately(source: Path, target: Path) -> None:
    if source.is_symlink():
        return
    if source.is_dir():
        target.mkdir(mode=0o700)
    elif source.is_file():
        with source.open("rb") as read, private.opened(target, "xb") as written:
            shutil.copyfileobj(read, written)
