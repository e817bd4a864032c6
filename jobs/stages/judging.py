"""Judge: gates 1 to 9 of an announcement. Files are read once; their rows wait as Parquet in a private folder."""

import pickle
import shutil
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs import returns
from jobs.failpoint import failpoint
from jobs.hospitals import hospitals
from jobs.intake import MANIFEST, is_plain
from jobs.landing.erased import drop_erased
from jobs.landing.judge import judge
from jobs.landing.manifest import read_manifest
from jobs.landing.model import Finding, Judgement, Manifest
from jobs.landing.signature import check_signature
from jobs.ledger import Announcement, Delivery, Lease, now
from jobs.returns import Report
from jobs.stages.places import fork, reason_to_wait
from jobs.stages.verdicts import hold, refuse, reject, reject_held, report_on
from jobs.stages.worker import Worker, hospital_of

KEPT = "judgement.pickle"
STRANGE_NAME = "Expected a folder with a name in UTF-8, found other bytes or a backslash in it: name it after `delivery_id`."


def judge_announcement(worker: Worker, number: int, keys: dict[str, Any]) -> list[Report]:
    """The verdicts of gates 1 to 9. None when the delivery goes on to be loaded, or another worker was faster."""
    folder = worker.ledger.announcement(number).folder
    with worker.hospital(hospital_of(folder)) as lease:
        announcement = worker.ledger.announcement(number)
        known = worker.ledger.announced_by(number)
        settled = announcement.outcome is not None or (known is not None and known.state != "verifying")
        if settled:
            return []
        if not is_plain(announcement.path):
            return [_refuse_unknown(worker, announcement, None, [Finding(1, "MANIFEST_INVALID", STRANGE_NAME, MANIFEST)])]
        place = worker.at_hand(folder)
        if not _is_there(place):
            return []
        worker.watch(f"judging {place.name}")
        return _judge(worker, announcement, place, keys, lease)


def _is_there(place: Path) -> bool:
    """True where a manifest can be looked at: what lies in a folder that was closed meanwhile waits."""
    try:
        return (place / MANIFEST).exists()
    except PermissionError:
        return False


def _judge(worker: Worker, announcement: Announcement, place: Path, keys: dict[str, Any], lease: Lease) -> list[Report]:
    started = time.perf_counter()
    manifest, findings = read_manifest(place, hospitals(), datetime.now(UTC))
    if manifest is not None and not findings:
        findings = _wrong_replaces(worker, manifest) or check_signature(manifest, keys)
    if manifest is None or findings:
        return [_refuse_unknown(worker, announcement, manifest, findings)]
    known = worker.ledger.known(manifest.center, manifest.delivery_id)
    if known is not None and known.announcement_id != announcement.id:
        return [_known_already(worker, announcement, manifest, known)]
    delivery = known or worker.ledger.enter(manifest, announcement)
    return examine(worker, delivery, manifest, lease, started)


def _wrong_replaces(worker: Worker, manifest: Manifest) -> list[Finding]:
    """The one test of gate 1 that needs the ledger."""
    if manifest.replaces is None:
        return []
    replaced = worker.ledger.known(manifest.center, manifest.replaces)
    if replaced is not None and not replaced.is_accepted:
        return []
    found = "one that was accepted" if replaced else "one that is not known"
    sentence = f"Expected `replaces` to name a known delivery that was not accepted, found {found}."
    return [Finding(1, "MANIFEST_INVALID", sentence, MANIFEST)]


def _refuse_unknown(worker: Worker, announcement: Announcement, manifest: Manifest | None, findings: list[Finding]) -> Report:
    """A delivery that does not become known: it was not understood, or not signed by the hospital."""
    claimed = returns.claimed_id(Path(announcement.folder))
    delivery_id, center = (manifest.delivery_id, manifest.center) if manifest else claimed
    center = center if center in hospitals() else None
    report = Report(delivery_id, center, "rejected", sorted({finding.code for finding in findings}), judged_at=now())
    report.findings = [returns.told(finding) for finding in findings]
    stands = delivery_id is None or center is None or worker.ledger.known(center, delivery_id) is not None
    return _settle_aside(worker, announcement, report, aside=stands)


def _known_already(worker: Worker, announcement: Announcement, manifest: Manifest, known: Delivery) -> Report:
    """Gate 3, replay: the same delivery again has no effect, another one under its id is refused; the first stands."""
    same = known.canonical_sha256 == manifest.canonical_sha256
    code = "DUPLICATE_DELIVERY" if same else "DELIVERY_CONFLICT"
    what = "the same manifest" if same else "another manifest"
    since = known.report.get("judged_at", "earlier")
    finding = Finding(3, code, f"Expected a new delivery id, found {what} under an id that is known since {since}.", MANIFEST)
    report = Report(manifest.delivery_id, manifest.center, "duplicate" if same else "rejected", [code], judged_at=now())
    report.findings = [returns.told(finding)]
    return _settle_aside(worker, announcement, report, aside=True)


def _settle_aside(worker: Worker, announcement: Announcement, report: Report, *, aside: bool) -> Report:
    worker.write(report, aside=f"announcement-{announcement.id}" if aside else None)
    worker.ledger.settle(announcement.id, report.outcome, asdict(report))
    return report


def examine(worker: Worker, delivery: Delivery, manifest: Manifest, lease: Lease, started: float) -> list[Report]:
    """Gates 3 to 9 of a known delivery; when all is well its judgement is kept beside the staged rows and it has no verdict yet."""
    place = worker.ledger.place(delivery)
    if place.problem == "CHAIN_FORK":
        return [reject(worker, delivery, fork(delivery, place), lease)]
    settled = _withdraw_replaced(worker, manifest, lease)
    judgement = judge_files(worker, delivery, manifest)
    report = report_on(worker, delivery, judgement, started)
    if judgement.findings:
        return [*settled, refuse(worker, delivery, report, lease)]
    if found := reason_to_wait(delivery, place):
        return [*settled, hold(worker, delivery, judgement, report, found, lease)]
    _keep(worker, delivery, judgement, report)
    return settled


def judge_files(worker: Worker, delivery: Delivery, manifest: Manifest) -> Judgement:
    """Gates 4 to 9 and the row checks; the rows are staged in a fresh private folder."""
    staging = worker.staging(delivery)
    shutil.rmtree(staging, ignore_errors=True)
    worker.settings.make_staging()
    staging.mkdir(mode=0o700)
    judgement = judge(manifest, hospitals()[delivery.center], staging, worker.pseudonyms)
    drop_erased(worker.vault, worker.pseudonyms, judgement)
    failpoint("staging")
    return judgement


def _withdraw_replaced(worker: Worker, manifest: Manifest, lease: Lease) -> list[Report]:
    """A held delivery that this one replaces is thereby rejected."""
    replaced = worker.ledger.known(manifest.center, manifest.replaces)
    return [reject_held(worker, replaced, lease)] if replaced is not None and replaced.state == "held" else []


def read_again(worker: Worker, delivery: Delivery) -> Manifest | None:
    """The manifest of a known delivery, None when it is no longer where it was found or is another one now."""
    place = worker.at_hand(delivery.folder)
    if not _is_there(place):
        return None
    manifest, findings = read_manifest(place, hospitals(), datetime.now(UTC))
    same = manifest is not None and not findings and manifest.canonical_sha256 == delivery.canonical_sha256
    return manifest if same else None


def _keep(worker: Worker, delivery: Delivery, judgement: Judgement, report: Report) -> None:
    """Keep the judgement beside the staged rows: the next stage may run in another process, and files are read once."""
    keep_again(worker.staging(delivery), judgement, report)


def keep_again(staging: Path, judgement: Judgement, report: Report) -> None:
    """Keep a judgement, in place of an earlier one of the same delivery."""
    fresh = (staging / KEPT).with_suffix(".part")
    fresh.write_bytes(pickle.dumps((judgement, report)))
    fresh.replace(staging / KEPT)


def kept(worker: Worker, delivery: Delivery) -> tuple[Judgement, Report]:
    """What `examine` kept; only ever read from the private folder of this lake."""
    return kept_in(worker.staging(delivery))


def kept_in(staging: Path) -> tuple[Judgement, Report]:
    """What `examine` kept in a private folder of a delivery."""
    judgement, report = pickle.loads((staging / KEPT).read_bytes())
    return judgement, report
