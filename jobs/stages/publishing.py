"""Publish: one pass over silver for everything of a hospital that lies in bronze, and the verdicts that come with it."""

import time
from collections.abc import Callable
from dataclasses import asdict

from jobs.errors import GateFailed
from jobs.failpoint import failpoint
from jobs.ledger import Delivery, Lease, now
from jobs.returns import Report
from jobs.stages.worker import Engine, PassResult, Worker


def publish_center(worker: Worker, engine: Engine, center: str) -> list[Report]:
    """One pass for all of a hospital that is in bronze and not in silver; what a person accepted against the gate gets one of its own."""
    with worker.hospital(center) as lease:
        waiting = [each for each in worker.ledger.deliveries(center, "held") if each.oppositions == "to_publish"]
        ready = [each for each in worker.ledger.deliveries(center, "loading") if each.in_bronze]
        ready.sort(key=lambda each: each.chain_position or 0)
        waived = [each for each in ready if each.gate_waived]
        others = [each for each in ready if not each.gate_waived]
        if waiting:
            _hide(worker, engine, center, waiting, lease)
        reports = _publish(worker, engine, center, waived, lease, accept_failed=True) if waived else []
        return [*reports, *_publish(worker, engine, center, others, lease)] if others else reports


def try_waiting_again(worker: Worker, engine: Engine, center: str) -> None:
    """One pass for the rows of a hospital that wait, and for nothing new; GateFailed where the gate refuses it: nothing has changed then."""
    with worker.hospital(center) as lease, worker.alone() as alone:
        worker.watch(f"trying the rows of {center} that wait again")
        others = {each.delivery_id for each in worker.ledger.deliveries(center, "held", "loading")}
        result = engine.publish(center, [], False, _fence(lease, alone), others)
        worker.ledger.keep_pass(result.number, center, [], accepted_failed=False)


def _hide(worker: Worker, engine: Engine, center: str, deliveries: list[Delivery], lease: Lease) -> None:
    """Take out of silver whom these deliveries oppose, although nothing else of them counts yet."""
    ids = [each.delivery_id for each in deliveries]
    worker.watch(f"hiding who is opposed in {', '.join(ids)}")
    with worker.alone() as alone:
        result = engine.hide(center, ids, _fence(lease, alone))
    worker.ledger.keep_pass(result.number, center, [], accepted_failed=False)
    for each in deliveries:
        worker.ledger.note(each, lease, oppositions=None)


def _publish(
    worker: Worker, engine: Engine, center: str, ready: list[Delivery], lease: Lease, *, accept_failed: bool = False
) -> list[Report]:
    ids = [each.delivery_id for each in ready]
    worker.watch(f"publishing {', '.join(ids)}")
    started = time.perf_counter()
    lease.check()
    # Whatever else of the hospital lies in bronze, in part or whole, was not decided on or failed the gate.
    others = {each.delivery_id for each in worker.ledger.deliveries(center, "held", "loading")} - set(ids)
    try:
        # Silver has one writer, whatever hospital is worked.
        with worker.alone() as alone:
            result = engine.publish(center, ids, accept_failed, _fence(lease, alone), others)
    except GateFailed as refusal:
        # Who opposed is hidden whatever the gate says of the rest.
        _hide(worker, engine, center, ready, lease)
        return [_held_by_gate(worker, each, str(refusal), lease) for each in ready]
    failpoint("before_ledger")
    worker.ledger.keep_pass(result.number, center, ids, accepted_failed=accept_failed)
    share = (time.perf_counter() - started) / max(len(ready), 1)
    return [_loaded(worker, each, result, share, lease) for each in ready]


def _fence(*leases: Lease) -> Callable[[], None]:
    """Raises when another worker has taken over one of the leases."""

    def check() -> None:
        for lease in leases:
            lease.check()

    return check


def _loaded(worker: Worker, delivery: Delivery, result: PassResult, seconds: float, lease: Lease) -> Report:
    report = Report(**delivery.report)
    report.outcome, report.reason_codes, report.findings, report.judged_at = "accepted", [], [], now()
    report.rows_silver |= result.rows.get(delivery.delivery_id, {})
    report.rows_waiting = {reason: count for reason, count in result.waiting.get(delivery.delivery_id, {}).items() if count}
    report.rows_gone = result.gone.get(delivery.delivery_id, 0)
    together = worker.ledger.deliveries(delivery.center, "loading", "loaded")
    released = [each for each in together if each.released_by == delivery.delivery_id]
    report.released = [each.delivery_id for each in sorted(released, key=lambda each: each.chain_position or 0)]
    report.seconds = round(report.seconds + seconds, 3)
    lease.check()
    worker.write(report)
    worker.ledger.move(delivery, "loaded", lease, report=asdict(report), pass_number=result.number)
    return report


def _held_by_gate(worker: Worker, delivery: Delivery, sentence: str, lease: Lease) -> Report:
    """Held by the quality gate: its rows stay in bronze until a person decides, silver does not know them."""
    report = Report(**delivery.report)
    report.outcome, report.reason_codes, report.judged_at = "held", ["QUALITY_GATE"], now()
    report.findings = [{"code": "QUALITY_GATE", "sentence": sentence}]
    # The counts stay in the ledger, for the day it is approved; the report on a held delivery has none.
    kept = asdict(report)
    report.rows_set_aside, report.rows_dropped_opposed = {}, 0
    lease.check()
    worker.write(report)
    worker.ledger.move(delivery, "held", lease, report.reason_codes, report=kept, gate_waived=False)
    return report
