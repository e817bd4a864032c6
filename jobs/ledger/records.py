"""What the ledger knows of an announcement and of a delivery, and which states may follow each other."""

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["verifying", "rejected", "quarantined", "held", "loading", "loaded"]

# `loaded` is the outcome `accepted`. Held may be held again for another reason: the gap closed, then gate 10 spoke. A delivery is quarantined
# from there only when the search for identifiers became stricter while it waited.
FOLLOWS: dict[str, frozenset[str]] = {
    "announced": frozenset({"verifying"}),
    "verifying": frozenset({"rejected", "quarantined", "held", "loading"}),
    "held": frozenset({"loading", "rejected", "quarantined", "held"}),
    "loading": frozenset({"loaded", "loading", "held"}),
    "rejected": frozenset(),
    "quarantined": frozenset(),
    "loaded": frozenset(),
}
OUTCOME = {"loaded": "accepted", "rejected": "rejected", "quarantined": "quarantined", "held": "held"}


@dataclass(frozen=True)
class Announcement:
    """A manifest that appeared below a landing folder; `outcome` is None until it was judged."""

    id: int
    path: str
    size: int
    mtime_ns: int
    folder: str
    found_at: str
    delivery_id: str | None
    center: str | None
    outcome: str | None
    report: dict[str, Any] | None = field(repr=False)
    settled_at: str | None


@dataclass(frozen=True)
class Delivery:
    """A delivery whose signature was valid, as far as it has come."""

    center: str
    delivery_id: str
    announcement_id: int
    folder: str
    canonical_sha256: str
    created_at: str
    window_from: str | None
    window_to: str
    content: str
    pseudonym_key_id: str
    previous: str | None
    replaces: str | None
    state: State
    reason_codes: list[str]
    predecessor: str | None
    chain_position: int | None
    attempts: int
    approved: bool
    in_bronze: bool
    gate_waived: bool
    oppositions: str | None
    released_by: str | None
    pass_number: int | None
    report: dict[str, Any] = field(repr=False)
    since: str

    @property
    def in_chain(self) -> bool:
        """True when it has its place in the hospital's chain: loaded, on its way, or in bronze and held by the quality gate."""
        return self.state in ("loading", "loaded") or (self.state == "held" and self.in_bronze)

    @property
    def is_accepted(self) -> bool:
        """True when a successor may load after it."""
        return self.state in ("loading", "loaded")

    @property
    def outcome(self) -> str | None:
        """The verdict in the words of the contract, None while it is worked on."""
        return OUTCOME.get(self.state)


@dataclass(frozen=True)
class Decision:
    """What a person decided about a held delivery."""

    center: str
    delivery_id: str
    verdict: str
    reason_codes: list[str]
    by: str
    why: str
    at: str


@dataclass(frozen=True)
class Step:
    """From one state to the next: why, when, by which worker, in which run of the orchestrator if it was in one."""

    from_state: str
    to_state: str
    reason_codes: list[str]
    at: str
    worker: str
    run: str | None
