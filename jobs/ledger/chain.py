"""The chain of a hospital: which delivery comes after which, with replacements, whatever the order they arrive in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jobs.ledger.records import Delivery

ROOT = ""


@dataclass(frozen=True)
class Place:
    """Where a delivery stands in the chain: after `predecessor` (None: it is the first), unless there is a `problem`."""

    problem: Literal["CHAIN_FORK", "CHAIN_GAP"] | None
    predecessor: Delivery | None = None

    @property
    def after(self) -> str:
        """The id of the predecessor, '' at the beginning of the chain."""
        return self.predecessor.delivery_id if self.predecessor else ROOT

    @property
    def position(self) -> int:
        """The number in the chain, counted from 1."""
        return (self.predecessor.chain_position or 0) + 1 if self.predecessor else 1


def place(delivery: Delivery, known: Sequence[Delivery]) -> Place:
    """The place of a delivery among the known ones of its hospital."""
    others = [each for each in known if each.delivery_id != delivery.delivery_id]
    # What it replaces makes room for it, unless that was accepted meanwhile.
    in_chain = [each for each in others if each.in_chain and (each.is_accepted or each.delivery_id != delivery.replaces)]
    if delivery.previous is None:
        return Place("CHAIN_FORK") if in_chain else Place(None)
    before = accepted_for(delivery.previous, others)
    if before is None:
        return Place("CHAIN_GAP")
    if any(each.predecessor == before.delivery_id for each in in_chain):
        return Place("CHAIN_FORK", before)
    return Place(None if before.is_accepted else "CHAIN_GAP", before)


def accepted_for(delivery_id: str, known: Sequence[Delivery]) -> Delivery | None:
    """The delivery in the chain that stands for an id: itself, or what replaced it, through any number of replacements."""
    same_place = _replacements(delivery_id, known)
    return next((each for each in known if each.delivery_id in same_place and each.in_chain), None)


def _replacements(delivery_id: str, known: Sequence[Delivery]) -> set[str]:
    found = {delivery_id}
    while more := {each.delivery_id for each in known if each.replaces in found} - found:
        found |= more
    return found
