"""The landing trigger: rings when a manifest appears below the landing area.

An event is only a doorbell: it names no delivery, and `landing_intake` reads landing area and ledger. A manifest counts as rung for when its
event lies in Airflow's database and not before (ack mode), so a triggerer that dies in between rings again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Hashable, Sequence
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

from jobs.intake import manifests
from jobs.settings import asked, value

# A manifest as it was found: written again, it is another one.
Manifest = tuple[str, int, int]
EVERY_SECONDS = 1.0
# A large landing area is looked at less often: at most this share of the time.
SHARE = 0.1


def landing_bell() -> BaseEventTrigger:
    """The trigger of the landing area: the store's notifications where PSCC_EVENTS_TOPIC names their topic, else a look into the folder."""
    if value("PSCC_EVENTS_TOPIC"):
        from jobs.services.landing_events import LandingEvents

        return LandingEvents()
    return LandingTrigger()


class LandingTrigger(BaseEventTrigger):
    """Fires for new manifests below the folder PSCC_LANDING of the triggerer."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{type(self).__module__}.{type(self).__qualname__}", {}

    def shared_stream_key(self) -> Hashable:
        return ("pscc", "landing")

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        return Bell(Path(asked("PSCC_LANDING")))

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        async for event in shared_stream:
            yield TriggerEvent(event)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        raise NotImplementedError("the triggerer reads the shared stream")
        yield


class Bell(SharedStreamProducer):
    """Looks into a landing area again and again, and rings once for all manifests that are new since the last look."""

    def __init__(self, landing: Path) -> None:
        self.landing = landing
        self.rung: set[Manifest] = set()

    async def open_stream(self) -> AsyncIterator[tuple[dict[str, Any], frozenset[Manifest]]]:
        while True:
            started = time.monotonic()
            new = await asyncio.to_thread(self.new)
            if new:
                # Until the event is kept, or is known not to be.
                self.rung |= new
                yield {"manifests": len(new), "at": time.time()}, new
            await asyncio.sleep(max(EVERY_SECONDS, (time.monotonic() - started) / SHARE))

    def new(self) -> frozenset[Manifest]:
        """The manifests that nobody rang for. What was taken away is forgotten: put there again, it is new."""
        there = {known for path in manifests(self.landing) if (known := _as_found(path))}
        self.rung &= there
        return frozenset(there - self.rung)

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Ring again for what was not kept."""
        for item in batch:
            if not item.outcome.is_clean:
                self.rung -= item.broker_payload


def _as_found(path: Path) -> Manifest | None:
    try:
        found = path.lstat()
    except OSError:
        return None  # Taken away between the look and this line, or closed to us: the intake says so.
    return str(path), found.st_size, found.st_mtime_ns
