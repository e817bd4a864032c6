"""Ingest from a landing area and into a lake that lie in an object store: as from folder to folder, and nothing stays behind."""

import os
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from jobs import ingest as stage
from jobs import intake
from jobs.errors import WrongUse
from jobs.lake import Lake, content_hash
from jobs.landing.signature import load_keys
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.simulate import Answer, simulate
from quality import places
from tests import postgres
from tests.jobs.test_ingest_samples import NoEngine


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    return simulate(10, 2, 7, tmp_path_factory.mktemp("world") / "hospitals")


@pytest.fixture
def settings(address: str, postgresql: str, tmp_path: Path) -> Settings:
    (tmp_path / "key").write_text("ab" * 32)
    database = postgres.emptied(postgresql)
    return Settings(
        lake=f"{address}/lake", platform_key_file=tmp_path / "key", database_url=database, scratch=tmp_path / "staging"
    )


def deliveries(world: Answer) -> list[Path]:
    return sorted(each.parent for each in world.landing.glob("gr/*/*/*/manifest.json"))


def drop(delivery: Path, landing: str) -> None:
    places.upload(delivery, "/".join((landing, *delivery.parts[-4:])))


def ingested(settings: Settings, landing: str | Path, world: Answer) -> list[tuple[str | None, str, list[str]]]:
    reports = stage.ingest(settings, landing, load_keys(world.keys), NoEngine())
    return [(each.delivery_id, each.outcome, each.reason_codes) for each in reports]


def test_a_delivery_waits_for_its_predecessor_and_both_end_in_bronze_as_from_a_folder(
    world: Answer, address: str, settings: Settings, tmp_path: Path
) -> None:
    first, second = deliveries(world)
    landing = f"{address}/landing"
    drop(second, landing)
    assert ingested(settings, landing, world) == [(second.name, "held", ["CHAIN_GAP"])]
    drop(first, landing)
    assert sorted(ingested(settings, landing, world)) == [(first.name, "accepted", []), (second.name, "accepted", [])]
    assert ingested(settings, landing, world) == []
    near = replace(settings, lake=str(tmp_path / "lake"), database_url=None, scratch=None)
    ingested(near, world.landing, world)
    assert bronze(Lake.of(settings)) == bronze(Lake.of(near)) != {}
    assert [each for each in (tmp_path / "staging").rglob("*") if each.is_file()] == []


def bronze(lake: Lake) -> dict[str, str]:
    """What each feed of Gustave Roussy holds, by a hash."""
    return {name: content_hash(lake.frame("bronze", name)) for name in lake.tables("bronze") if name.startswith("gr_")}


def test_what_is_announced_below_an_address_is_what_would_be_below_a_folder(address: str, settings: Settings) -> None:
    for key in (
        "gr/2020/01/A/manifest.json",
        "gr/2020/01/A/person/manifest.json",
        "gr/2020/01/B.part/manifest.json",
        "gr/2020/01/C/manifest.json.part",
        ".incoming/gr/2020/01/D/manifest.json",
    ):
        places.write(f"{address}/landing/{key}", "{}")
    for key in ("gr/2020/01/E/manifest.json/inside", "gr/2020/01//manifest.json", "gr/2020/01/A/folder//file"):
        put_as_it_is(f"{address}/landing/{key}")
    found = intake.announcements(f"{address}/landing", Ledger(settings))
    assert [(each.path, each.folder, each.size) for each in found] == [
        ("gr/2020/01/A/manifest.json", f"{address}/landing/gr/2020/01/A", 2)
    ]


def test_a_manifest_that_strayed_hides_no_delivery_below_an_address_and_is_fetched_alone(
    address: str, settings: Settings, tmp_path: Path
) -> None:
    for key in ("gr/manifest.json", "gr/2020/01/A/manifest.json"):
        places.write(f"{address}/landing/{key}", "{}")
    found = intake.announcements(f"{address}/landing", Ledger(settings))
    assert sorted(each.path for each in found) == ["gr/2020/01/A/manifest.json", "gr/manifest.json"]
    copy = intake.at_hand(f"{address}/landing/gr", tmp_path / "copies")
    assert [each.name for each in copy.rglob("*")] == ["manifest.json"]


def put_as_it_is(address: str) -> None:
    """An object under a key that no path can be made of."""
    request = urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/{address.removeprefix('s3a://')}", b"?", method="PUT")
    urllib.request.urlopen(request).close()


def test_an_object_with_a_strange_key_is_a_file_that_nobody_declared(address: str, tmp_path: Path) -> None:
    folder = f"{address}/landing/gr/2020/01/A"
    places.write(f"{folder}/manifest.json", "{}")
    put_as_it_is(f"{folder}/person//part.parquet")
    copy = intake.at_hand(folder, tmp_path / "copies")
    assert copy == tmp_path / "copies" / "gr" / "2020" / "01" / "A"
    assert sorted(each.name[:7] for each in copy.iterdir() if each.is_file()) == ["manifes", "object-"]


def test_staging_that_somebody_else_may_enter_is_not_used(settings: Settings) -> None:
    settings.make_staging().chmod(0o755)
    with pytest.raises(WrongUse, match=r"^Expected .* to be a folder of this user's that nobody else may enter"):
        settings.make_staging()


@pytest.mark.parametrize("landing", ["s3a://nothing-here/landing", "s3://pscc/landing", "https://pscc/landing"])
def test_an_address_without_a_landing_area_gets_a_sentence(address: str, landing: str) -> None:
    with pytest.raises(WrongUse, match=r"^Expected a (landing area|folder or an address like s3a)"):
        intake.check(landing)
