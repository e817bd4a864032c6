"""Decide: what becomes of a held delivery when a person has spoken."""

from jobs.errors import WrongUse
from jobs.ledger import Delivery, Lease
from jobs.returns import Report
from jobs.stages.judging import read_again
from jobs.stages.loading import again, release_held
from jobs.stages.worker import Worker

BY_A_PERSON = frozenset({"PSEUDONYM_KEY_CHANGED", "VOLUME_SUSPICIOUS", "REJECT_RATE_HIGH", "QUALITY_GATE"})


def check_approvable(worker: Worker, delivery: Delivery) -> None:
    """WrongUse when an approval could change nothing: its predecessor is missing, or its files are gone."""
    if not BY_A_PERSON & set(delivery.reason_codes):
        raise WrongUse(
            f"Expected a delivery that waits for a person, found that {delivery.delivery_id} waits for {delivery.previous}: "
            "it loads by itself when that one is accepted."
        )
    if not delivery.in_bronze and read_again(worker, delivery) is None:
        raise WrongUse(
            f"Expected the files of {delivery.delivery_id} in {delivery.folder}, found them gone or changed: put them back, or reject it."
        )


def approve(worker: Worker, delivery: Delivery, lease: Lease) -> list[Report]:
    """Load a held delivery; with the quality gate, everything that it holds of the hospital, as their rows were judged together."""
    if delivery.in_bronze:
        for each in held_by_gate(worker, delivery.center):
            worker.ledger.move(each, "loading", lease, gate_waived=True)
        return release_held(worker, delivery.center)
    reports = again(worker, worker.ledger.note(delivery, lease, approved=True), lease)
    return [*reports, *release_held(worker, delivery.center)]


def held_by_gate(worker: Worker, center: str) -> list[Delivery]:
    """The deliveries of a hospital that lie in bronze and that the quality gate keeps out of silver."""
    return [each for each in worker.ledger.deliveries(center, "held") if each.in_bronze]


def retry_gate(worker: Worker, center: str, lease: Lease) -> None:
    """Let the quality gate look again at what it holds, now that a person rejected one of them."""
    for each in held_by_gate(worker, center):
        worker.ledger.move(each, "loading", lease)
