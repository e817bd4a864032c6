"""Deliveries in the landing area that nobody needs any more. Nothing is removed unless PSCC_KEEP_LANDING_DAYS says after how long."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs import intake
from jobs.lake import Lake
from jobs.ledger import Delivery, Ledger
from jobs.quarantine import deliveries as in_quarantine
from quality import places
from quality.address import is_remote


def settled(ledger: Ledger, lake: Lake, days: int, at: datetime | None = None) -> list[Delivery]:
    """The deliveries that were loaded so many days ago, and whose files nobody needs.

    Kept are the newest of a hospital; those with a row in quarantine, which can only be looked up in their files; and all of a hospital of which
    a delivery is held or under way: it may bring, or apply, an opposition that has to be searched for in every file.
    """
    before = (at or datetime.now(UTC)) - timedelta(days=days)
    asked_for, busy = in_quarantine(lake), {each.center for each in ledger.deliveries(None, "verifying", "held", "loading")}
    loaded = [each for each in ledger.deliveries(None, "loaded") if each.center not in busy]
    newest = {each.center: each.delivery_id for each in sorted(loaded, key=lambda each: each.chain_position or 0)}
    return [
        each
        for each in loaded
        if each.delivery_id not in asked_for | set(newest.values()) and datetime.fromisoformat(each.since) < before
    ]


def remove(delivery: Delivery) -> bool:
    """Take a delivery out of the landing area; False where it is gone already, or its folder is not its own."""
    folder = delivery.folder
    if not intake.is_delivery(folder) or not intake.is_plain(folder):
        return False
    if is_remote(folder):
        system, place = places.filesystem(folder)
        there = system.get_file_info(f"{place}/{intake.MANIFEST}").is_file
        if there:
            system.delete_dir(place)
        return bool(there)
    path = Path(folder)
    if path.is_symlink() or not (path / intake.MANIFEST).is_file():
        return False
    # The manifest first: a delivery without one is none, whatever of it is left.
    (path / intake.MANIFEST).unlink()
    shutil.rmtree(path)
    return True
