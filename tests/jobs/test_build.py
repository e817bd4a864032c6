"""A build of gold: when a product is made again, what its readers see when it is refused, and what landing tells it of oppositions."""

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jobs import build, gold, ingest
from jobs.build import GoldBuild, patient_keys_are_fresh, recipe, write_patient_keys
from jobs.errors import GateFailed, LeaseLost
from jobs.lake import Lake
from jobs.landing.pseudonyms import Pseudonyms
from jobs.ledger import Ledger
from jobs.ledger.gold import behind_since
from jobs.settings import Settings
from jobs.silver import tables
from jobs.silver.engine import Engine
from jobs.silver.passes import IDENTITY
from quality import gate
from quality.contracts import contracts
from tests.quality.contract_rows import arrow, valid_row

KEY = bytes(32)
GOLD = contracts("gold")


def fill(lake: Lake, name: str, *rows: dict[str, Any]) -> None:
    """The current rows of a silver table; what is not said is as in any valid row."""
    table = contracts("silver")[name]
    lake.write(
        "silver", name, arrow(table, [valid_row(table, number) | row for number, row in enumerate(rows)]), mode="overwrite"
    )


def people(lake: Lake, *pairs: str) -> None:
    """Persons with their master person, each written as `person master`."""
    split = (pair.split() for pair in pairs)
    fill(lake, "person", *({"person_id": person, "master_person_id": master} for person, master in split))


def opposed(lake: Lake, **scopes: list[str]) -> None:
    """What landing knows of oppositions, by person; each is their own master."""
    rows = [{"center": "gr", "person_id": each, "master_person_id": each, "opposed": said} for each, said in scopes.items()]
    lake.write("bronze", "identity", pl.DataFrame(rows, schema=IDENTITY).to_arrow(), mode="overwrite")


def keys(lake: Lake) -> list[tuple[str, bool]]:
    found = lake.frame("bronze", "patient_key", ["master_person_id", "industry_use_opposed"])
    return sorted(found.iter_rows())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_who_opposes_the_use_by_companies_is_known_from_landing_not_from_the_newest_list(lake: Lake) -> None:
    people(lake, "a a", "b a", "c c")
    # Nobody stands in silver.rights_register any more; what b said at another hospital holds for a.
    rows = [{"center": "curie", "person_id": "b", "master_person_id": "a", "opposed": ["industry"]}]
    lake.write("bronze", "identity", pl.DataFrame(rows, schema=IDENTITY).to_arrow())
    write_patient_keys(lake, KEY)
    assert keys(lake) == [("a", True), ("c", False)]


def test_an_opposition_of_a_delivery_that_waits_reaches_gold_although_silver_did_not_change(lake: Lake) -> None:
    people(lake, "a a", "c c")
    opposed(lake, a=["industry"])
    write_patient_keys(lake, KEY)
    assert patient_keys_are_fresh(lake)
    opposed(lake, a=["industry"], c=["genetics", "industry"])
    assert not patient_keys_are_fresh(lake)
    write_patient_keys(lake, KEY)
    assert keys(lake) == [("a", True), ("c", True)]


def test_patient_keys_that_are_right_are_not_written_again_and_those_of_an_older_lake_are(lake: Lake) -> None:
    people(lake, "a a")
    lake.write("bronze", "patient_key", pl.DataFrame({"master_person_id": ["a"], "patient_id": ["A"]}).to_arrow())
    write_patient_keys(lake, KEY)
    assert keys(lake) == [("a", False)]
    written = lake.version("bronze", "patient_key")
    assert written > 0
    write_patient_keys(lake, KEY)
    assert lake.version("bronze", "patient_key") == written


def no_spark() -> Any:
    raise AssertionError("a build with nothing to do opened an engine")


def test_a_rule_a_helper_or_a_contract_that_changes_makes_its_products_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: recipe(table) for name, table in GOLD.items()}
    assert {name: recipe(table) for name, table in GOLD.items()} == before
    assert recipe(replace(GOLD["endpoint"], grain="Another.")) != before["endpoint"]

    text = gold._text
    monkeypatch.setattr(gold, "_text", lambda module: text(module) + ("# another rule" if module == "endpoint" else ""))
    assert [name for name, table in GOLD.items() if recipe(table) != before[name]] == ["endpoint"]
    monkeypatch.setattr(gold, "_text", lambda module: text(module) + ("# another helper" if module == "_drugs" else ""))
    assert [name for name, table in GOLD.items() if recipe(table) != before[name]] == list(GOLD)


@pytest.fixture
def house(tmp_path: Path, spark: object, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine with two patients, three samples and two products."""
    (tmp_path / "key").write_text(KEY.hex())
    engine = Engine(Settings(lake=str(tmp_path / "lake"), platform_key_file=tmp_path / "key"))
    engine._spark = spark  # type: ignore[assignment]
    for table in contracts("silver").values():
        tables.ensure_table(engine.lake, table)
    people(engine.lake, "a a", "b b")
    fill(engine.lake, "primary_cancer", {"tumor_id": "t", "person_id": "a"})
    samples(engine.lake, "s1 a", "s2 b", "s3 a")
    few = {name: GOLD[name] for name in ("patient_summary", "sample_catalog")}
    monkeypatch.setattr(build, "contracts", lambda layer: few if layer == "gold" else contracts(layer))
    return engine


def samples(lake: Lake, *pairs: str) -> None:
    ids = (pair.split() for pair in pairs)
    fill(lake, "specimen", *({"specimen_id": i, "parent_id": i, "root_id": i, "tumor_id": "t", "person_id": p} for i, p in ids))


def published(engine: Engine, table: str, column: str) -> list[str]:
    return sorted(engine.lake.frame("gold", table, [column])[column])


def test_a_lake_of_older_rules_is_built_again_once_with_the_columns_of_today(
    house: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = GOLD["patient_summary"]
    tables.ensure_table(house.lake, replace(today, columns=today.columns[:5]))
    assert house.build() == {"patient_summary": 2, "sample_catalog": 3}
    assert house.lake.frame("gold", "patient_summary").columns == list(today.names)
    monkeypatch.setattr(GoldBuild, "spark", property(lambda _: no_spark()))
    assert (house.build(), house.gold_is_fresh()) == ({}, True)

    text = gold._text
    monkeypatch.setattr(gold, "_text", lambda module: text(module) + ("# another rule" if module == "patient_summary" else ""))
    assert not house.gold_is_fresh()


def test_of_a_lake_without_silver_no_build_is_asked_for(tmp_path: Path) -> None:
    settings = Settings(lake=str(tmp_path / "lake"))
    Ledger(settings).close()
    assert not ingest.has_to_build(settings, Engine(settings))


def test_a_build_is_asked_for_until_one_came_to_its_end_on_what_is_there_now(
    house: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked() -> bool:
        with monkeypatch.context() as jvm:
            jvm.setattr(Engine, "spark", property(lambda _: no_spark()))
            return ingest.has_to_build(house.settings, house)

    with closing(Ledger(house.settings)) as ledger:
        ledger.hold_to_key(Pseudonyms(KEY).fingerprint())
    assert asked()
    for name in ("patient_summary", "sample_catalog"):
        ingest.build_table(house.settings, house, name)
    # Every product is made, and nobody told of it: the verdict died.
    assert (house.gold_is_fresh(), asked()) == (True, True)
    with closing(Ledger(house.settings)) as ledger:
        ledger.keep_pass(1, "gr", [], accepted_failed=False)
        assert behind_since(ledger)
        time.sleep(0.002)
        ingest.finish_build(house.settings, house)
        assert behind_since(ledger) is None
    assert not asked()
    # A table that no product reads, then a check that failed: worklist and pages tell of both.
    fill(house.lake, "trial", {})
    assert (house.gold_is_fresh(), asked()) == (True, True)
    ingest.finish_build(house.settings, house)
    gate.record(house.lake.root, 1, gate.check_pass([GOLD["sample_catalog"]], house.lake.root, {}, house.spark))
    assert (house.gold_is_fresh(), asked()) == (True, True)
    ingest.finish_build(house.settings, house)
    assert not asked()
    people(house.lake, "a a")
    with closing(Ledger(house.settings)) as ledger:
        ledger.keep_pass(2, "gr", [], accepted_failed=False)
        time.sleep(0.002)
        assert asked()
        assert behind_since(ledger)
        samples(house.lake, "s3 a")
        ingest.build(house.settings, house)
        assert behind_since(ledger) is None


def test_who_is_hidden_leaves_a_product_that_is_refused_and_the_docs_are_made_all_the_same(
    house: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.build()
    whose = dict(house.lake.frame("bronze", "patient_key", ["master_person_id", "patient_id"]).iter_rows())
    assert published(house, "patient_summary", "patient_id") == sorted(whose.values())
    # b opposes any use and a that of one sample: both are gone from silver.
    people(house.lake, "a a")
    samples(house.lake, "s3 a")
    monkeypatch.setattr(build.gate, "publishable", lambda verdicts, tables: False)
    docs = Path(house.settings.lake, "docs")
    before = {each: each.stat().st_mtime_ns for each in docs.rglob("*.html")}
    with pytest.raises(GateFailed):
        house.build()
    assert published(house, "patient_summary", "patient_id") == [whose["a"]]
    assert published(house, "sample_catalog", "specimen_id") == ["s3"]
    assert [each for each, at in before.items() if each.stat().st_mtime_ns == at] == []
    assert not house.gold_is_fresh()


def test_who_opposes_a_part_leaves_what_cannot_be_made_without_it(house: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    house.build()
    whose = dict(house.lake.frame("bronze", "patient_key", ["master_person_id", "patient_id"]).iter_rows())
    opposed(house.lake, a=["genetics"])
    people(house.lake, "a a", "b b")
    monkeypatch.setattr(GoldBuild, "make", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(MemoryError):
        house.build()
    assert published(house, "patient_summary", "patient_id") == [whose["b"]]


def test_a_worker_that_lost_its_right_writes_nothing_after_a_build(house: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    house.build()
    before = {each: each.stat().st_mtime_ns for each in Path(house.settings.lake).rglob("*") if each.is_file()}
    people(house.lake, "a a")
    changed = {each for each in Path(house.settings.lake).rglob("*") if each.is_file()} - set(before)

    def lost() -> None:
        raise LeaseLost("another worker took over")

    with pytest.raises(LeaseLost):
        house.build(lost)
    after = {*Path(house.settings.lake).rglob("*.html")} | {*Path(house.settings.lake, "gold").rglob("*.parquet")}
    assert {each for each in after - changed if before.get(each) != each.stat().st_mtime_ns} == set()
