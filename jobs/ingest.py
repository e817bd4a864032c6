"""Ingest: judge and load everything announced below a landing folder; and the same by single steps, for an orchestrator."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from jobs import intake, status
from jobs.errors import LakehouseError, WrongUse
from jobs.hospitals import hospitals
from jobs.landing.pseudonyms import Pseudonyms
from jobs.ledger import Announcement, Delivery, Lease, Ledger, formats, now
from jobs.ledger.gold import finished_of, note_finished, note_fresh
from jobs.returns import Report
from jobs.settings import Settings
from jobs.stages import deciding, judging, loading, publishing, verdicts
from jobs.stages.worker import Engine, Worker, at_work, hospital_of, quiet

Keys = dict[str, Any]


def ingest(
    settings: Settings, landing: str | Path, keys: Keys, engine: Engine, watch: Callable[[str], None] = quiet
) -> Iterator[Report]:
    """Every new announcement below `landing`, and held deliveries whose gap it closes; a report for each verdict, as it falls.

    Deliveries are taken in order of arrival up to bronze. Then each hospital gets one pass over silver for all of its deliveries.
    """
    intake.check(landing)
    with at_work(settings, watch) as worker, ExitStack() as leases:
        found = intake.announcements(landing, worker.ledger)
        centers = sorted(_centers(worker.ledger, found))
        # All leases at once and in one order: two workers that each wait for the other's would wait for ever.
        for center in centers:
            leases.enter_context(worker.hospital(center))
        for center in centers:
            yield from loading.resume(worker, center)
        for announcement in found:
            yield from _land(worker, announcement.id, keys)
            if worker.ledger.deliveries(None, "loading"):
                engine.warm_up()
        for center in centers:
            yield from publishing.publish_center(worker, engine, center)
        status.mirror(worker.ledger, worker.lake)


def _centers(ledger: Ledger, found: list[Announcement]) -> set[str]:
    """The hospitals with something to do."""
    announced = {hospital_of(each.folder) for each in found}
    return announced | {each.center for each in ledger.deliveries(None, "verifying", "loading", "held")}


def _land(worker: Worker, number: int, keys: Keys) -> list[Report]:
    reports = judging.judge_announcement(worker, number, keys)
    delivery = worker.ledger.announced_by(number)
    return [*reports, *loading.load_delivery(worker, delivery.center, delivery.delivery_id)] if delivery else reports


def decide(
    settings: Settings, delivery_id: str, verdict: str, by: str, why: str, engine: Engine, watch: Callable[[str], None] = quiet
) -> Iterator[Report]:
    """Approve or reject a held delivery, and load what then can be loaded; WrongUse when there is nothing to decide."""
    with at_work(settings, watch, create=False) as worker:
        center = _held(worker, delivery_id, verdict).center
        with worker.hospital(center) as lease:
            yield from loading.resume(worker, center)
            delivery = _held(worker, delivery_id, verdict)
            if verdict == "approve":
                deciding.check_approvable(worker, delivery)
            if not (by.strip() and why.strip()):
                raise WrongUse("Expected who decides and why, found one of them empty: give --by NAME and --why TEXT.")
            worker.ledger.decide(delivery, verdict, by.strip(), why.strip())
            yield from _carry_out(worker, delivery, verdict, lease)
            yield from publishing.publish_center(worker, engine, center)
        status.mirror(worker.ledger, worker.lake)


def _carry_out(worker: Worker, delivery: Delivery, verdict: str, lease: Lease) -> list[Report]:
    if verdict == "approve":
        return deciding.approve(worker, delivery, lease)
    report = verdicts.reject_held(worker, delivery, lease)
    deciding.retry_gate(worker, delivery.center, lease)
    return [report, *loading.release_held(worker, delivery.center)]


def _held(worker: Worker, delivery_id: str, verdict: str) -> Delivery:
    """The held delivery that a decision is about."""
    if verdict not in ("approve", "reject"):
        raise WrongUse(f"Expected `approve` or `reject`, found {verdict!r}.")
    found = next((each for each in worker.ledger.deliveries() if each.delivery_id == delivery_id), None)
    if found is None:
        raise WrongUse(f"Expected the id of a held delivery, found {delivery_id!r}, which is not known: see `pscc status`.")
    if found.state != "held":
        raise WrongUse(
            f"Expected a held delivery, found {delivery_id} {found.outcome or found.state}: there is nothing to decide."
        )
    return found


# Single steps: ids in, ids out


def find(settings: Settings, landing: str | Path) -> list[int]:
    """Numbers of the announcements that were not judged yet, in order of arrival."""
    return [each.id for each in waiting(settings, landing)]


def waiting(settings: Settings, landing: str | Path) -> list[Announcement]:
    """The announcements that were not judged yet, in order of arrival; what is new below `landing` is noted first."""
    intake.check(landing)
    with closing(Ledger(settings)) as ledger:
        return intake.announcements(landing, ledger)


def judge(settings: Settings, number: int, keys: Keys) -> None:
    """Gates 1 to 9 of an announcement."""
    with at_work(settings) as worker:
        judging.judge_announcement(worker, number, keys)


def load(settings: Settings, number: int) -> None:
    """Gate 10 and bronze of the delivery that an announcement made known, and of those that waited for it."""
    with at_work(settings) as worker:
        delivery = worker.ledger.announced_by(number)
        if delivery is None:
            return
        loading.resume(worker, delivery.center)
        loading.load_delivery(worker, delivery.center, delivery.delivery_id)


def publish(settings: Settings, number: int, engine: Engine) -> None:
    """The pass over silver for everything of the announcement's hospital that waits for one."""
    with at_work(settings) as worker:
        if delivery := worker.ledger.announced_by(number):
            publishing.publish_center(worker, engine, delivery.center)
        status.mirror(worker.ledger, worker.lake)


def verdict(settings: Settings, number: int) -> Report | None:
    """What became of an announcement, by now: of one that repeats a delivery which is not loaded, what became of that. None while it is worked on."""
    ledger = Ledger(settings)
    try:
        delivery = ledger.announced_by(number)
        if delivery is None:
            report = ledger.announcement(number).report
            found = Report(**report) if report else None
            if found is None or found.outcome != "duplicate":
                return found
            delivery = ledger.known(found.center, found.delivery_id)
            if delivery is None or delivery.outcome == "accepted":
                return found
            if delivery.outcome is None:
                raise LakehouseError(
                    f"Expected a verdict on {delivery.delivery_id}, which was announced again, found it is still worked on: try again."
                )
        return Report(**delivery.report) if delivery.outcome else None
    finally:
        ledger.close()


def build(settings: Settings, engine: Any) -> Any:
    """Refresh gold, alone with silver and gold."""
    ledger = Ledger(settings, create=False)
    try:
        _check_key(settings, ledger)
        with ledger.hold("engine") as alone:
            at = now()
            built = engine.build(alone.check)
            note_fresh(ledger, at)
            return built
    finally:
        ledger.close()


def build_table(settings: Settings, engine: Any, table: str) -> bool:
    """Make one gold product again, alone with silver and gold; False where neither what it reads nor its rules have changed."""
    ledger = Ledger(settings, create=False)
    try:
        _check_key(settings, ledger)
        with ledger.hold("engine") as alone:
            return bool(engine.build_table(table, alone.check))
    finally:
        ledger.close()


def finish_build(settings: Settings, engine: Any) -> None:
    """What follows the last product of a build: the worklist of unknown codes and the Data Docs."""
    ledger = Ledger(settings, create=False)
    try:
        _check_key(settings, ledger)
        with ledger.hold("engine") as alone:
            note_finished(ledger, engine.finish(alone.check))
            _note_fresh(ledger, engine)
    finally:
        ledger.close()


def has_to_build(settings: Settings, engine: Any) -> bool:
    """True where a build would make a product again, or tell of more than the last one that came to its end; asks no JVM.

    Where gold is as silver is, the ledger is told so. Of a lake that has no silver yet there is nothing to make.
    """
    if not engine.lake.exists("silver", "person"):
        return False
    with closing(Ledger(settings, create=False)) as ledger:
        _check_key(settings, ledger)
        return not _note_fresh(ledger, engine) or finished_of(ledger) != engine.checked()


def _note_fresh(ledger: Ledger, engine: Any) -> bool:
    """Whether gold is as silver is, noted in the ledger where it is. What is published during the look may be in gold or not: it is not counted."""
    at = now()
    if fresh := bool(engine.gold_is_fresh()):
        note_fresh(ledger, at)
    return fresh


def gold_is_fresh(settings: Settings, engine: Any) -> bool:
    """True where no product would be made again."""
    ledger = Ledger(settings, create=False)
    try:
        _check_key(settings, ledger)
        return bool(engine.gold_is_fresh())
    finally:
        ledger.close()


def _check_key(settings: Settings, ledger: Ledger) -> None:
    """The patient ids of gold hang on the platform key, as persons do; WrongUse for another one than the lake's."""
    ledger.hold_to_key(Pseudonyms(settings.platform_key()).fingerprint())


def rebuild_silver(settings: Settings, engine: Any) -> None:
    """Make silver again from bronze, with every loaded delivery of every hospital."""
    with closing(Ledger(settings, create=False)) as ledger, ExitStack() as leases:
        # What lands meanwhile would be read into silver without having been decided on.
        for center in sorted(hospitals()):
            leases.enter_context(ledger.hospital(center))
        loaded: dict[str, list[str]] = {}
        for each in sorted(ledger.deliveries(None, "loaded"), key=lambda each: each.chain_position or 0):
            loaded.setdefault(each.center, []).append(each.delivery_id)
        with ledger.hold("engine") as alone:
            # What else lies in bronze was not decided on, or failed the gate.
            others = [each.delivery_id for each in ledger.deliveries(None, "held", "loading")]
            engine.rebuild(loaded, others, alone.check)
            with ledger.engine.begin() as connection:
                formats.forget_grown(connection)
