"""Quarantine: what is set aside is listed by feed and reason, shown by its place, and tried again where it waits."""

import json
from pathlib import Path

import pytest

from jobs import quarantine
from jobs.errors import WrongUse
from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.silver.state import Bronze
from tests.jobs.landed import Landed, landed
from tests.jobs.test_ingest_samples import NoEngine


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return landed(tmp_path_factory.mktemp("quarantine"))


def test_every_row_set_aside_is_in_one_group(world: Landed) -> None:
    found = quarantine.groups(world.settings)
    told = {
        each.center: sum(group.rows for group in found if group.center == each.center)
        for each in world.reports.values()
        if each.outcome == "accepted"
    }
    assert told == {
        str(each.center): sum(each.rows_set_aside.values()) for each in world.reports.values() if each.outcome == "accepted"
    }
    assert sum(told.values()) > 0


def test_groups_of_one_hospital_are_of_no_other(world: Landed) -> None:
    assert {each.center for each in quarantine.groups(world.settings, "aphp")} == {"aphp"}


def test_a_delivery_shows_the_places_of_its_rows_and_no_value_of_them(world: Landed) -> None:
    delivery = world.of("aphp")
    found = quarantine.places_of(world.settings, delivery)
    assert len(found) == sum(world.reports[delivery].rows_set_aside.values()) > 0
    assert {tuple(each) for each in found} == {("delivery_id", "file", "row", "center", "feed", "status", "reason", "columns")}
    rows = Lake(world.settings.lake).frame("quarantine", f"aphp_{found[0]['feed']}")
    secret = {value for name in ("row_id", "person_id", "source_key") for value in rows[name].drop_nulls()}
    assert secret
    assert not [value for value in secret if value in json.dumps(found)]


def test_a_reason_shows_rows_of_every_delivery_that_has_it(world: Landed) -> None:
    group = max(quarantine.groups(world.settings), key=lambda each: each.rows)
    found = quarantine.places_of(world.settings, group.reason)
    assert {each["reason"] for each in found} == {group.reason}
    assert len(found) >= group.rows


@pytest.mark.parametrize(
    ("what", "sentence"),
    [("GR-19990101-001", "which is not known"), ("NO_REASON", "for which rows lie in quarantine"), ("", "found ''")],
)
def test_what_is_neither_a_delivery_nor_a_reason_gets_a_sentence(world: Landed, what: str, sentence: str) -> None:
    with pytest.raises(WrongUse, match=f"^Expected the id of a delivery.*{sentence}"):
        quarantine.places_of(world.settings, what)


class Recording(NoEngine):
    """Notes what it is asked to publish."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str], bool]] = []

    def publish(self, center, delivery_ids, accept_failed=False, fence=None, without=()):  # type: ignore[no-untyped-def]
        fence()
        self.asked.append((center, delivery_ids, accept_failed))
        return super().publish(center, delivery_ids, accept_failed, fence, without)


def test_waiting_rows_are_tried_again_in_a_pass_without_a_delivery_that_the_ledger_knows(world: Landed) -> None:
    engine = Recording()
    assert quarantine.replay(world.settings, "gr", engine) == {}  # type: ignore[arg-type]
    assert engine.asked == [("gr", [], False)]
    ledger = Ledger(world.settings)
    assert ledger.passes()[-1][1:] == ("gr", [])
    ledger.close()


def test_nobody_is_touched_by_no_delivery(world: Landed) -> None:
    """What a pass for waiting rows alone asks bronze."""
    assert Bronze(Lake(world.settings.lake), hospitals()["gr"]).touched([]).is_empty()


def test_a_hospital_that_is_none_is_not_tried_again(world: Landed, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"^Expected a hospital \(aphp, curie, gr\), found 'nobody'"):
        quarantine.replay(world.settings, "nobody", NoEngine())  # type: ignore[arg-type]
