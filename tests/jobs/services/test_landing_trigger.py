"""The landing trigger: one ring for what is new, and another one for what Airflow did not keep."""

import asyncio
from pathlib import Path

import pytest
from airflow.triggers.shared_stream import AdvanceItem, AdvanceOutcome

from jobs.services.landing_trigger import Bell, LandingTrigger

KEPT, LOST = AdvanceOutcome(acked=1, failed=0), AdvanceOutcome(acked=0, failed=1)


def announced(landing: Path, name: str) -> Path:
    """A delivery, announced."""
    folder = landing / "gr/2024/03" / name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    return folder


async def next_ring(bell: Bell, seconds: float = 5) -> tuple[int, frozenset[object]] | None:
    """How many manifests the next ring stands for, and its receipt; None where nobody rings for so long."""
    stream = bell.open_stream()
    try:
        event, receipt = await asyncio.wait_for(anext(stream), seconds)
        return event["manifests"], receipt
    except TimeoutError:
        return None
    finally:
        await stream.aclose()


def test_there_is_one_ring_for_all_that_is_new_and_none_for_what_is_known(tmp_path: Path) -> None:
    bell = Bell(tmp_path)
    announced(tmp_path, "GR-20240301-001")
    announced(tmp_path, "GR-20240301-002")
    rung = asyncio.run(next_ring(bell))
    assert rung is not None
    assert rung[0] == 2
    assert asyncio.run(next_ring(bell, 1.5)) is None
    announced(tmp_path, "GR-20240301-003")
    again = asyncio.run(next_ring(bell))
    assert again is not None
    assert again[0] == 1


@pytest.mark.parametrize(("outcome", "rings"), [(KEPT, False), (LOST, True)])
def test_a_ring_that_airflow_did_not_keep_is_repeated(tmp_path: Path, outcome: AdvanceOutcome, rings: bool) -> None:
    bell = Bell(tmp_path)
    announced(tmp_path, "GR-20240301-001")
    rung = asyncio.run(next_ring(bell))
    assert rung is not None
    asyncio.run(bell.advance([AdvanceItem(rung[1], outcome)]))
    assert bool(bell.new()) == rings


def test_a_triggerer_that_starts_again_rings_for_what_lies_there(tmp_path: Path) -> None:
    announced(tmp_path, "GR-20240301-001")
    assert Bell(tmp_path).new() == Bell(tmp_path).new() != frozenset()


def test_what_is_still_written_rings_nobody_and_a_manifest_written_again_rings_again(tmp_path: Path) -> None:
    bell = Bell(tmp_path)
    announced(tmp_path, "GR-20240301-001.part")
    assert not bell.new()
    folder = announced(tmp_path, "GR-20240301-002")
    bell.rung |= bell.new()
    (folder / "manifest.json").write_text('{"corrected": true}')
    assert len(bell.new()) == 1


def test_an_event_names_no_delivery(tmp_path: Path) -> None:
    announced(tmp_path, "GR-20240301-001")

    async def event() -> object:
        stream = Bell(tmp_path).open_stream()
        found = (await anext(stream))[0]
        await stream.aclose()
        return found

    assert "GR" not in str(asyncio.run(event()))


def test_the_trigger_can_be_made_again_from_what_airflow_keeps_of_it() -> None:
    path, arguments = LandingTrigger().serialize()
    assert (path, arguments) == ("jobs.services.landing_trigger.LandingTrigger", {})
    assert LandingTrigger(**arguments).shared_stream_key() == LandingTrigger().shared_stream_key()
