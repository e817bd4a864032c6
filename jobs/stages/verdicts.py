"""Verdicts other than accepted: the report is written, the ledger moved, and nothing of the delivery is left lying about."""

import shutil
import time
from dataclasses import asdict
from typing import Any

from jobs import returns
from jobs.landing import load
from jobs.landing.erased import is_of_erased
from jobs.landing.model import Finding, Judgement
from jobs.ledger import Delivery, Lease, Place, State, now
from jobs.returns import Report
from jobs.stages.places import reason_to_wait
from jobs.stages.worker import Worker

# What a delivery gives back when it leaves the chain.
OUT_OF_CHAIN: dict[str, Any] = {"in_bronze": False, "predecessor": None, "chain_position": None}


def report_on(worker: Worker, delivery: Delivery, judgement: Judgement | None, started: float) -> Report:
    """A report on a delivery as judged now; earlier verdicts and decisions stay in it."""
    report = returns.judged(judgement) if judgement else Report(delivery.delivery_id, delivery.center, "rejected")
    report.judged_at = now()
    report.seconds = round(time.perf_counter() - started, 3)
    if delivery.outcome is not None:
        past = {name: delivery.report.get(name) for name in ("outcome", "reason_codes", "judged_at")}
        report.earlier = [*delivery.report.get("earlier", []), past]
    report.decisions = [
        {"verdict": each.verdict, "by": each.by, "why": each.why, "at": each.at}
        for each in worker.ledger.decisions()
        if each.delivery_id == delivery.delivery_id
    ]
    return report


def reject(worker: Worker, delivery: Delivery, finding: Finding, lease: Lease) -> Report:
    """Rejected for its place in the chain: its files are not looked at."""
    report = report_on(worker, delivery, None, time.perf_counter())
    report.reason_codes, report.findings = [finding.code], [returns.told(finding)]
    return refuse(worker, delivery, report, lease)


def refuse(worker: Worker, delivery: Delivery, report: Report, lease: Lease) -> Report:
    """Rejected or quarantined: nothing of it is loaded, and what was staged is gone."""
    if delivery.state == "loading":
        # Taken up after a crash and not as it was: what reached bronze is taken back first.
        load.withdraw(worker.vault, worker.lake, delivery.delivery_id, lease.check)
        delivery = worker.ledger.move(delivery, "held", lease, report.reason_codes)
    if report.outcome == "quarantined":
        folder = worker.at_hand(delivery.folder)
        # Nobody may find an erased person again in a copy of the lake's; the hospital has its own.
        if not is_of_erased(worker.vault, worker.pseudonyms, delivery.center, folder):
            returns.restrict(worker.settings.lake, delivery.center, delivery.delivery_id, folder)
    lease.check()
    worker.write(report)
    state: State = "quarantined" if report.outcome == "quarantined" else "rejected"
    worker.ledger.move(delivery, state, lease, report.reason_codes, report=asdict(report), **OUT_OF_CHAIN)
    shutil.rmtree(worker.staging(delivery), ignore_errors=True)
    return report


def hold(
    worker: Worker, delivery: Delivery, judgement: Judgement, report: Report, findings: list[Finding], lease: Lease
) -> Report:
    """Held: nothing is loaded, but who opposed is hidden at once."""
    report.outcome = "held"
    report.reason_codes = sorted({finding.code for finding in findings})
    report.findings = [returns.told(finding) for finding in findings]
    lease.check()
    worker.write(report)
    values = {"report": asdict(report), "oppositions": "to_apply"}
    held = worker.ledger.move(delivery, "held", lease, report.reason_codes, **values)
    apply_oppositions(worker, held, judgement, lease)
    return report


def apply_oppositions(worker: Worker, delivery: Delivery, judgement: Judgement, lease: Lease) -> None:
    """Hide who opposed in a held delivery; silver follows with the next pass, also when this process dies before it."""
    changed = load.apply_new_oppositions(worker.vault, worker.lake, judgement, lease.check, worker.alone)
    worker.ledger.note(delivery, lease, oppositions="to_publish" if changed else None)
    shutil.rmtree(worker.staging(delivery), ignore_errors=True)


def reject_held(worker: Worker, delivery: Delivery, lease: Lease) -> Report:
    """Reject a held delivery. When the quality gate holds it, it leaves bronze again, and so does what follows it."""
    if delivery.in_bronze:
        for later in reversed(_behind(worker, delivery)):
            _take_back(worker, later, lease)
        load.withdraw(worker.vault, worker.lake, delivery.delivery_id, lease.check)
    report = report_on(worker, delivery, None, time.perf_counter())
    report.reason_codes, report.findings = delivery.reason_codes, delivery.report.get("findings", [])
    return refuse(worker, delivery, report, lease)


def _take_back(worker: Worker, delivery: Delivery, lease: Lease) -> None:
    """Take a delivery out of bronze: what it follows is not accepted, so it waits like any other."""
    load.withdraw(worker.vault, worker.lake, delivery.delivery_id, lease.check)
    report = Report(**delivery.report)
    report.reason_codes, report.rows_set_aside, report.rows_dropped_opposed = ["CHAIN_GAP"], {}, 0
    report.findings = [returns.told(finding) for finding in reason_to_wait(delivery, Place("CHAIN_GAP"))]
    worker.write(report)
    worker.ledger.move(delivery, "held", lease, report.reason_codes, report=asdict(report), **OUT_OF_CHAIN)


def _behind(worker: Worker, delivery: Delivery) -> list[Delivery]:
    """The deliveries behind this one that the quality gate holds with it, in chain order."""
    held = [each for each in worker.ledger.deliveries(delivery.center, "held") if each.in_bronze]
    later = [each for each in held if (each.chain_position or 0) > (delivery.chain_position or 0)]
    return sorted(later, key=lambda each: each.chain_position or 0)
