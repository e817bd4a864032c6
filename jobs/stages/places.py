"""Gate 3, chain: what the place of a delivery among the others of its hospital says about it."""

from jobs.hospitals import hospitals
from jobs.intake import MANIFEST
from jobs.landing.model import Finding
from jobs.ledger import Delivery, Place


def fork(delivery: Delivery, place: Place) -> Finding:
    """Why a delivery cannot have the place that it names."""
    found = f"another one behind {place.after}" if delivery.previous else "a chain that has begun"
    return Finding(3, "CHAIN_FORK", f"Expected no other accepted delivery in this place, found {found}.", MANIFEST)


def reason_to_wait(delivery: Delivery, place: Place) -> list[Finding]:
    """What lets a good delivery wait: its predecessor, or another pseudonym key than that one's."""
    if place.problem == "CHAIN_GAP":
        sentence = f"Expected the predecessor {delivery.previous} to be accepted, found it not loaded yet."
        return [Finding(3, "CHAIN_GAP", sentence, MANIFEST)]
    before = place.predecessor
    if before is not None and before.pseudonym_key_id != delivery.pseudonym_key_id and not delivery.approved:
        return [
            Finding(
                3, "PSEUDONYM_KEY_CHANGED", "Expected the pseudonym key of the predecessor, found another `key_id`.", MANIFEST
            )
        ]
    return []


def window_gap(delivery: Delivery, before: Delivery | None) -> dict[str, list[Finding]]:
    """The warning of a window that does not begin where the predecessor's ends; a snapshot's window has no beginning."""
    expected = before.window_to if before else None
    if delivery.window_from == expected or hospitals()[delivery.center].mode == "snapshot":
        return {}
    where = "where the predecessor's ends" if before else "as it is the first"
    sentence = f"Expected the window to begin at {expected or 'null'}, {where}, found {delivery.window_from or 'null'}."
    return {"WINDOW_GAP": [Finding(3, "WINDOW_GAP", sentence, MANIFEST)]}
