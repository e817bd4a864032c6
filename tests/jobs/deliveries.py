"""Small deliveries for tests of the ledger and the stages: manifests without files, and ledgers that know some."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jobs.landing.model import Manifest
from jobs.ledger import Delivery, Lease, Ledger

MANIFEST = Manifest(
    folder=Path("nowhere"),
    delivery_id="GR-20200101-001",
    center="gr",
    created_at=datetime(2020, 1, 1, tzinfo=UTC),
    window_from=None,
    window_to=date(2019, 12, 31),
    content="full",
    key_id="gr-delivery-1",
    pseudonym_key_id="gr-step1-1",
    previous=None,
    replaces=None,
    rights_path="rights.csv",
    n_opposed=0,
    files=(),
    canonical_sha256="0" * 64,
    body={},
)


def manifest(name: str, previous: str | None = None, **changes: Any) -> Manifest:
    """A manifest whose delivery id is made of a single letter."""
    changes |= {"previous": delivery_id(previous), "replaces": delivery_id(changes.get("replaces"))}
    return replace(MANIFEST, delivery_id=delivery_id(name), **changes)


def delivery_id(name: str | None) -> str | None:
    """GR-20200101-001 for 'a', …-002 for 'b'."""
    return f"GR-20200101-{ord(name) - ord('a') + 1:03}" if name else None


def drop(landing: Path, name: str, **members: Any) -> Path:
    """A delivery folder with a manifest that only these tests can read."""
    folder = landing / "gr" / "2020" / "01" / str(delivery_id(name))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"name": name, **members}))
    return folder


def know(
    ledger: Ledger, lease: Lease, name: str, state: str, previous: str | None = None, replaces: str | None = None
) -> Delivery:
    """Make the ledger know a delivery in a state, in its place in the chain."""
    ledger.announce(f"gr/{name}/manifest.json", 1, ord(name), f"/landing/gr/2020/01/{delivery_id(name)}")
    announcement = next(each for each in ledger.announcements() if each.path == f"gr/{name}/manifest.json")
    found = ledger.enter(manifest(name, previous, replaces=replaces), announcement)
    place = ledger.place(found)
    here = {"predecessor": place.after, "chain_position": place.position}
    for step in {"loading": ["loading"], "loaded": ["loading", "loaded"], "verifying": []}.get(state, [state]):
        found = ledger.move(found, step, lease, **(here if step == "loading" else {}))  # type: ignore[arg-type]
    return found
