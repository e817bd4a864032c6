"""Load: gate 10, the vault and bronze; then the held deliveries that waited for this one, and what a crash left half done."""

import shutil
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from jobs import lineage, returns
from jobs.failpoint import failpoint
from jobs.hospitals import hospitals
from jobs.landing import load
from jobs.landing.model import Finding, Judgement
from jobs.ledger import Delivery, Lease, Place
from jobs.returns import Report
from jobs.stages.judging import KEPT, examine, judge_files, kept, read_again
from jobs.stages.places import fork, reason_to_wait, window_gap
from jobs.stages.verdicts import apply_oppositions, hold, reject
from jobs.stages.worker import Worker
from quality import drift


def load_delivery(worker: Worker, center: str, delivery_id: str) -> list[Report]:
    """Take a judged delivery, and every held one that waited for it, to bronze. The verdict `accepted` comes with the pass."""
    with worker.hospital(center) as lease:
        delivery = worker.ledger.delivery(center, delivery_id)
        if delivery.state != "verifying" or not (worker.staging(delivery) / KEPT).is_file():
            return []
        reports = _load(worker, delivery, lease)
        return [*reports, *release_held(worker, center)]


def _load(worker: Worker, delivery: Delivery, lease: Lease) -> list[Report]:
    started = time.perf_counter()
    judgement, report = kept(worker, delivery)
    # The chain may have grown since the delivery was judged.
    place = worker.ledger.place(delivery)
    if place.problem == "CHAIN_FORK":
        return [reject(worker, delivery, fork(delivery, place), lease)]
    returns.note_warnings(report, window_gap(delivery, place.predecessor))
    if found := reason_to_wait(delivery, place) or _volume(worker, delivery, place, judgement):
        return [hold(worker, delivery, judgement, report, found, lease)]
    worker.watch(f"loading {delivery.delivery_id}")
    loading = worker.ledger.move(delivery, "loading", lease, **_place_in_chain(delivery, place))
    if loading.released_by:
        failpoint("release_held")
    _to_bronze(worker, loading, judgement, report, lease, started)
    return []


def _place_in_chain(delivery: Delivery, place: Place) -> dict[str, Any]:
    values = {
        "predecessor": place.after,
        "chain_position": place.position,
        "attempts": delivery.attempts + 1,
        "oppositions": None,
    }
    if delivery.state == "held" and "CHAIN_GAP" in delivery.reason_codes and place.predecessor is not None:
        values["released_by"] = _releaser(place.predecessor)
    return values


def _releaser(predecessor: Delivery) -> str:
    """The delivery that closed the gap: the first of those that load together."""
    together = predecessor.state == "loading" and predecessor.released_by
    return predecessor.released_by if together and predecessor.released_by else predecessor.delivery_id


def _volume(worker: Worker, delivery: Delivery, place: Place, judgement: Judgement) -> list[Finding]:
    """Gate 10; not asked again once a person approved the delivery, nor after a crash in the middle of loading."""
    if delivery.approved or delivery.state == "loading":
        return []
    return load.review(worker.vault, worker.lake, judgement, place.position)


def _to_bronze(worker: Worker, delivery: Delivery, judgement: Judgement, report: Report, lease: Lease, started: float) -> None:
    since = datetime.now(UTC)
    loaded = load.load(worker.vault, worker.lake, judgement, delivery.chain_position or 0, lease.check, worker.alone)
    tell_landing(worker, delivery, judgement, since)
    report.rows_dropped_opposed = loaded.rows_dropped_opposed
    report.rows_set_aside = {reason: count for reason, count in sorted(loaded.set_aside.items()) if count}
    for file in report.files:
        if (counted := loaded.by_file.get(file["path"])) is not None:
            file |= {"set_aside": dict(sorted(counted.set_aside.items())), "opposed": counted.opposed}
    returns.note_warnings(report, loaded.warnings)
    ask_again(worker, delivery.delivery_id, [returns.told(finding) for finding in loaded.send_again])
    report.drift = _drift(worker, delivery)
    report.seconds = round(report.seconds + time.perf_counter() - started, 3)
    worker.ledger.note(delivery, lease, in_bronze=True, report=asdict(report))
    shutil.rmtree(worker.staging(delivery), ignore_errors=True)


@lineage.aside
def tell_landing(worker: Worker, delivery: Delivery, judgement: Judgement, since: datetime) -> None:
    """The lineage of a delivery: of each table of bronze or quarantine that holds rows of it, the files that they came from."""
    work = lineage.Work(f"landing.{delivery.center}", since, {"delivery": [delivery.delivery_id]})
    files = _declared(judgement)
    by_domain: dict[str, list[lineage.Source]] = {}
    for each in judgement.files:
        source = lineage.Source(f"{delivery.folder}/{each.path}", files.get(each.path))
        by_domain.setdefault(each.feed.domain, []).append(source)
    for domain, sources in by_domain.items():
        for zone in ("bronze", "quarantine"):
            name = f"{delivery.center}_{domain}"
            if worker.lake.has_committed(zone, name, (f"pscc/landing/{delivery.delivery_id}", 1)):
                lineage.wrote(worker.lake, f"{zone}.{name}", worker.lake.table(zone, name), work, sources)


def _declared(judgement: Judgement) -> dict[str, str]:
    """The SHA-256 of every file and member of an archive, by path."""
    declared = judgement.manifest.files if judgement.manifest else ()
    return {each.path: each.sha256 for file in declared for each in (file, *file.members)}


def _drift(worker: Worker, delivery: Delivery) -> list[dict[str, Any]]:
    """Measure how the delivery differs from the one before it, now that both lie in bronze; what is more than chance, for the report."""
    snapshots = hospitals()[delivery.center].mode == "snapshot"
    found = drift.measure(worker.lake.root, delivery.center, delivery.delivery_id, snapshots=snapshots)
    with worker.ledger.hold("drift"):
        drift.record(worker.lake.root, found)
    shown = ("domain", "column", "measure", "previous", "current", "previous_delivery_id")
    return [{name: getattr(each, name) for name in shown} for each in found if each.warning]


def ask_again(worker: Worker, lifted_by: str, findings: list[dict[str, Any]]) -> None:
    """Ask hospitals, in the report of their newest delivery, for patients whom a lift in a delivery or a request shows again."""
    known = {each.delivery_id: each for each in worker.ledger.deliveries()}
    asked: dict[str, list[dict[str, Any]]] = {}
    for finding in findings:
        sender = known[finding["file"].partition("/")[0]]
        asked.setdefault(sender.center, []).append(finding)
    for center, rows in asked.items():
        chain = [each for each in known.values() if each.center == center and each.in_chain]
        newest = max(chain, key=lambda each: each.chain_position or 0)
        worker.ledger.ask_again(newest, lifted_by, rows)
        if newest.state == "loaded":
            worker.write(Report(**newest.report))


# Held deliveries, and deliveries that a crash left half done


def release_held(worker: Worker, center: str) -> list[Report]:
    """Work every held delivery of a hospital whose predecessor has come, in chain order, until nothing more can be loaded."""
    reports: list[Report] = []
    tried: set[str] = set()
    with worker.hospital(center) as lease:
        while (held := _next_to_release(worker, center, tried)) is not None:
            tried.add(held.delivery_id)
            reports += again(worker, held, lease)
    return reports


def _next_to_release(worker: Worker, center: str, tried: set[str]) -> Delivery | None:
    for held in worker.ledger.deliveries(center, "held"):
        problem = worker.ledger.place(held).problem
        waited = "CHAIN_GAP" in held.reason_codes and problem is None
        if held.delivery_id not in tried and (waited or (problem == "CHAIN_FORK" and not held.in_bronze)):
            return held
    return None


def again(worker: Worker, delivery: Delivery, lease: Lease) -> list[Report]:
    """Read a delivery from landing again and take it as far as it comes; nothing when its files are not there any more."""
    place = worker.ledger.place(delivery)
    if place.problem == "CHAIN_FORK":
        return [reject(worker, delivery, fork(delivery, place), lease)]
    manifest = read_again(worker, delivery)
    if manifest is None:
        worker.watch(f"{delivery.delivery_id} cannot be read again in {delivery.folder}: it stays {delivery.state}")
        return []
    worker.watch(f"reading {delivery.delivery_id} again")
    reports = examine(worker, delivery, manifest, lease, time.perf_counter())
    if (worker.staging(delivery) / KEPT).is_file():
        reports += _load(worker, delivery, lease)
    return reports


def resume(worker: Worker, center: str) -> list[Report]:
    """Take up what an earlier worker of this hospital left half done."""
    reports: list[Report] = []
    with worker.hospital(center) as lease:
        for broken in worker.ledger.deliveries(center, "loading"):
            if not broken.in_bronze:
                reports += again(worker, broken, lease)
        for held in worker.ledger.deliveries(center, "held"):
            if held.oppositions == "to_apply" and (manifest := read_again(worker, held)) is not None:
                apply_oppositions(worker, held, judge_files(worker, held, manifest), lease)
        return [*reports, *release_held(worker, center)]
