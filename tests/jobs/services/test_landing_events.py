"""Notifications of the store: a manifest rings, anything else is told once and forgotten."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jobs.services import landing_events
from jobs.services.landing_events import LandingEvents, announced
from jobs.services.landing_trigger import LandingTrigger, landing_bell


def told(key: str, name: str = "s3:ObjectCreated:Put") -> bytes:
    return json.dumps({"Records": [{"eventName": name, "s3": {"bucket": {"name": "landing"}, "object": {"key": key}}}]}).encode()


@pytest.mark.parametrize(
    ("notification", "manifests"),
    [
        (told("gr/2024/03/GR-20240301-001/manifest.json"), 1),
        (told("gr/2024/03/GR-20240301-001/manifest.json", "s3:ObjectCreated:CompleteMultipartUpload"), 1),
        (told("gr/2024/03/GR-20240301-001/manifest.json", "s3:ObjectRemoved:Delete"), 0),
        (told("gr/2024/03/GR-20240301-001/patient.csv"), 0),
        (b"not json", 0),
        (b'{"Records": null}', 0),
        (b'{"Event": "s3:TestEvent"}', 0),
    ],
)
def test_only_a_manifest_that_was_put_rings(notification: bytes, manifests: int) -> None:
    assert announced(notification) == manifests


def test_what_does_not_ring_is_refused_so_that_its_offset_is_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[None] = []
    monkeypatch.setattr(landing_events, "reject_shared_stream_event", lambda: refused.append(None))

    async def stream() -> AsyncIterator[Any]:
        yield told("gr/2024/03/GR-20240301-001/patient.csv")
        yield told("gr/2024/03/GR-20240301-001/manifest.json")

    async def rung() -> list[Any]:
        return [event.payload async for event in LandingEvents(["landing"]).filter_shared_stream(stream())]

    assert asyncio.run(rung()) == [{"manifests": 1}]
    assert len(refused) == 1


def test_the_triggerer_makes_the_same_trigger_again() -> None:
    path, arguments = LandingEvents(["landing"]).serialize()
    assert path == "jobs.services.landing_events.LandingEvents"
    assert LandingEvents(**arguments).shared_stream_key() == LandingEvents(["landing"]).shared_stream_key()


def test_a_topic_makes_the_store_ring_and_a_folder_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PSCC_EVENTS_TOPIC", raising=False)
    assert isinstance(landing_bell(), LandingTrigger)
    monkeypatch.setenv("PSCC_EVENTS_TOPIC", "landing")
    bell = landing_bell()
    assert isinstance(bell, LandingEvents)
    assert bell.topics == ["landing"]
