"""Erasure, from the request to its certificate: found in every zone before, in none after, and no delivery brings anybody back."""

import gzip
import json
import shutil
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import audit, rights
from jobs.errors import ContractViolation, GateFailed
from jobs.lake import Lake
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.vault import Vault, opposition, rows_of, tombstone
from jobs.ledger import Ledger
from jobs.releases.store import MADE, Release, Store
from jobs.rights import certificate
from jobs.rights.register import Request
from jobs.rights.scan import Scan, scan_lake
from jobs.rights.traces import Traces
from jobs.simulate import Answer, Dirt, simulate
from tests.flow.answer_key import person_id, rows
from tests.flow.conftest import KEY, Lakehouse, announce

pytestmark = pytest.mark.acceptance

SEED = 7
ZONES = ("bronze", "gold", "ops", "quarantine", "restricted", "silver", "staging", "vault")
# Columns of a refused Parquet file in which a pseudonym stands otherwise than as a text.
PACKED = (
    lambda who: pa.array([who.encode()], pa.binary()),
    lambda who: pa.array([bytes.fromhex(who)], pa.binary(32)),
    lambda who: pa.array([[(who, "x")]], pa.map_(pa.string(), pa.string())),
    lambda who: pa.array([[{"told": [("x", who.encode())]}]], pa.list_(pa.struct([("told", pa.map_(pa.string(), pa.binary()))]))),
)


@dataclass
class Erased:
    """A lake from which a person was erased between two rounds of deliveries."""

    house: Lakehouse
    answer: Answer
    request: Request
    people: frozenset[tuple[str, str]]
    pseudonyms: frozenset[str]
    # What a scan of its own finds right after the erasure.
    after_erasure: Scan = field(default_factory=Scan)
    # Rows that the second round had of them are dropped besides those of who is opposed.
    dropped: int = 0

    @property
    def lake(self) -> Lake:
        return Lake.of(self.house.settings)

    def scan(self) -> Scan:
        """Where they can be found, by ids alone."""
        keyed = Pseudonyms(bytes.fromhex(KEY))
        texts = {person for _, person in self.people} | self.pseudonyms | {keyed.patient_id(who) for _, who in self.people}
        vault, ledger = Vault(self.house.settings), Ledger(self.house.settings)
        try:
            return scan_lake(self.lake.root, Traces(frozenset(texts)), vault, ledger.engine, named=(keyed, self.people))
        finally:
            vault.close()
            ledger.close()


def rounds(answer: Answer) -> list[list[Path]]:
    """The deliveries of a world, the first of each hospital apart from the others."""
    found = {each.parent.name: each.parent for each in answer.landing.rglob("manifest.json")}
    ordered = [found[name] for name in answer.deliveries]
    first = list({each.parts[-4]: each for each in reversed(ordered)}.values())
    return [[each for each in ordered if each in first], [each for each in ordered if each not in first]]


def plant(house: Lakehouse, lake: Lake, pseudonym: str, people: frozenset[tuple[str, str]]) -> None:
    """What a small clean world has no rows of: a refused file, rows left in staging, a release that nobody has published, a row set aside."""
    refused = Path(lake.root, "restricted", "curie", "CURIE-20240101-001")
    refused.mkdir(parents=True)
    (refused / "patient.csv.gz").write_bytes(gzip.compress(f"ID;NOM\n{pseudonym};X\n".encode()))
    for number, told in enumerate(PACKED, 2):
        refused = Path(lake.root, "restricted", "aphp", f"APHP-20240101-00{number}")
        refused.mkdir(parents=True)
        pq.write_table(pa.table({"told": told(pseudonym)}), refused / "patient.parquet", write_statistics=False)
    left = house.settings.make_staging() / "pass-1" / "person"
    left.mkdir(parents=True)
    pl.DataFrame({"person_id": [who for _, who in people]}).write_parquet(left / "part-0.parquet")
    patients = lake.frame("bronze", "patient_key").filter(pl.col("master_person_id").is_in([who for _, who in people]))
    at = lake.frame("gold", "patient_summary")["as_of_date"][0]
    told = pl.DataFrame(
        {"patient_id": patients["patient_id"], "class": ["a"] * patients.height, "tables": [""] * patients.height}
    )
    for name, state in (("small-1", MADE), ("small-2", "approved")):
        Store(lake).keep_patients(name, told)
        Store(lake).note(Release(name, state, datetime.fromisoformat(str(at)).replace(tzinfo=UTC), "", "small", 20, 11, 3))
    orphan = lake.frame("bronze", "record").filter(pl.col("person_id").is_in([who for _, who in people])).head(1)
    aside = orphan.select(
        "center", "domain", "delivery_id", "source_file", "source_row_no", "row_id", "person_id",
        status=pl.lit("set_aside"), reason=pl.lit("CODE_INVALID"), source_key=pl.lit(None, pl.String),
        columns=pl.lit(None, pl.List(pl.String)),
    )  # fmt: skip
    center, domain = aside.row(0)[:2]
    held = lake.frame("quarantine", f"{center}_{domain}") if lake.exists("quarantine", f"{center}_{domain}") else None
    rows = aside.select(held.columns).cast(held.schema) if held is not None else aside
    lake.write("quarantine", f"{center}_{domain}", rows.to_arrow(compat_level=pl.CompatLevel.oldest()))


@pytest.fixture(scope="module")
def erased(spark: object, tmp_path_factory: pytest.TempPathFactory) -> Erased:
    """Somebody in two hospitals, one of which sends everything again, erased between the two rounds."""
    folder = tmp_path_factory.mktemp("rights")
    answer = simulate(60, 2, SEED, folder / "hospitals", Dirt.every(0.01))
    house, (first, second) = Lakehouse(folder / "lake", spark), rounds(answer)
    for each in first:
        announce(each, folder / "landing")
    house.ingest(folder / "landing", answer.keys)
    house.engine.build()
    lake = Lake.of(house.settings)
    shown = set(lake.frame("silver", "person", ["person_id"])["person_id"])
    pair = next(
        row
        for row in rows(answer.root, "linked_pairs.csv")
        if "curie" in (row["center_a"], row["center_b"]) and row["linked"] == row["both_visible"] == "1"
        and {person_id(KEY, row[f"center_{side}"], row[f"patient_{side}"]) for side in "ab"} <= shown
    )  # fmt: skip
    named = {(pair[f"center_{side}"], pair[f"patient_{side}"]) for side in "ab"}
    people = frozenset((center, person_id(KEY, center, pseudonym)) for center, pseudonym in named)
    pseudonym = next(pseudonym for center, pseudonym in named if center == "curie")
    plant(house, lake, pseudonym, people)
    asked = rights.received(house.settings, "erase", "curie", [pseudonym], "all", "A. Officer", "a letter of the patient")
    done = rights.carry_out(house.settings, house.engine, asked.id)
    found = Erased(house, answer, done, people, frozenset(each for _, each in named))
    found.after_erasure = found.scan()
    for each in second:
        announce(each, folder / "landing")
    reports = house.ingest(folder / "landing", answer.keys)
    assert {report.outcome for report in reports} == {"accepted"}
    house.engine.build()
    opposed = sum(
        int(row["rows"]) for row in rows(answer.root, "opposed_rows.csv") if row["delivery_id"] in {e.name for e in second}
    )
    found.dropped = sum(report.rows_dropped_opposed for report in reports) - opposed
    return found


def told(erased: Erased, when: str) -> dict[str, int]:
    return {zone: found["hits"] for zone, found in json.loads(erased.request.outcome or "")[when].items()}


def test_they_stood_in_every_zone_before_and_in_none_after(erased: Erased) -> None:
    before, after = told(erased, "before"), told(erased, "after")
    assert {zone for zone in ZONES if not before[zone]} == set()
    assert {zone: hits for zone, hits in after.items() if hits} == {}


def test_copies_of_refused_deliveries_that_name_them_go_however_they_are_packed(erased: Erased) -> None:
    assert json.loads(erased.request.outcome or "")["restricted_copies"] == 1 + len(PACKED)
    assert list(Path(erased.lake.root, "restricted").glob("*/*/*")) == []


def test_a_scan_of_its_own_finds_nothing_either_once_they_are_gone(erased: Erased) -> None:
    assert dict(erased.after_erasure.places) == {}


def test_what_is_delivered_of_them_later_is_dropped_and_counted_and_stored_nowhere(erased: Erased) -> None:
    assert erased.dropped > 0
    assert dict(erased.scan().places) == {}


def test_others_stay_as_the_hospitals_sent_them(erased: Erased) -> None:
    people = erased.lake.frame("silver", "person").filter(pl.col("is_current"))
    wanted = {
        row["rows"]
        for row in rows(erased.answer.root, "counts_by_delivery.csv")
        if row["after_delivery_id"] == erased.answer.deliveries[-1]
        and (row["center"], row["silver_table"]) == ("curie", "person")
    }
    assert {str(people.filter(pl.col("center") == "curie").height + 1)} == wanted


def test_what_waits_to_be_published_goes_and_what_is_published_is_named(erased: Erased) -> None:
    states = {each.name: each.state for each in Store(erased.lake).releases()}
    assert states == {"small-1": "revoked", "small-2": "approved"}
    assert certificate.verify(erased.house.settings, Path(erased.request.certificate or ""))["live_releases"] == ["small-2"]


def test_the_certificate_is_signed_and_names_nobody_and_a_changed_one_is_refused(erased: Erased, tmp_path: Path) -> None:
    file = Path(erased.request.certificate or "")
    said = file.read_text()
    assert not any(who in said for _, who in erased.people)
    assert stat.S_IMODE((Path(erased.lake.root) / "vault" / "certificate.key").stat().st_mode) == 0o600
    forged = tmp_path / "forged.json"
    forged.write_text(said.replace('"people": 1', '"people": 2'))
    with pytest.raises(ContractViolation, match="changed or is another's"):
        certificate.verify(erased.house.settings, forged)


def test_the_vault_keeps_keyed_hashes_and_no_id(erased: Erased) -> None:
    vault = Vault(erased.house.settings)
    with vault.transaction() as tx:
        stones = rows_of(tx, tombstone)
        kinds = {row["kind"] for row in stones}
    vault.close()
    assert {"person", "token", "row"} == kinds
    assert not {row["hash"] for row in stones} & {who for _, who in erased.people}


def test_old_versions_are_gone_and_ops_says_since_when_a_table_can_be_read(erased: Erased) -> None:
    purged = erased.lake.frame("ops", "purge").filter(pl.col("table") == "person")
    logs = sorted(each.name for each in Path(erased.lake.path("silver", "person"), "_delta_log").glob("*.json"))
    assert int(logs[0].split(".")[0]) == purged["first_version"][0]


def test_an_opposition_and_its_lift_go_by_the_platform_and_the_person_in_every_hospital(erased: Erased, tmp_path: Path) -> None:
    house = erased.house.copy(tmp_path / "lake")
    lake = Lake.of(house.settings)
    linked = lake.frame("bronze", "identity").filter(pl.col("link_method") == "token", pl.col("opposed").list.len() == 0)
    shown = linked.join(lake.frame("silver", "person", ["person_id"]), on="person_id", how="semi")
    one = shown.row(0, named=True)
    group = shown.filter(pl.col("master_person_id") == one["master_person_id"])["person_id"].to_list()
    asked = rights.received(house.settings, "oppose", one["center"], [one["person_id"]], "all", "A. Officer", "by phone")
    rights.carry_out(house.settings, house.engine, asked.id)
    left = lake.frame("silver", "person").filter(pl.col("person_id").is_in(group))
    patients = lake.frame("gold", "patient_summary")["patient_id"]
    assert len(group) > 1
    assert left.height == 0
    assert Pseudonyms(bytes.fromhex(KEY)).patient_id(one["master_person_id"]) not in patients.to_list()
    lifted = rights.received(house.settings, "lift", one["center"], [one["person_id"]], "all", "A. Officer", "by phone again")
    done = json.loads(rights.carry_out(house.settings, house.engine, lifted.id).outcome or "")
    vault = Vault(house.settings)
    with vault.transaction() as tx:
        assert rows_of(tx, opposition, origin="request") == []
    vault.close()
    assert done["hospitals_asked_again"] == len(group)
    shutil.rmtree(tmp_path / "lake")


def test_a_trace_that_no_table_holds_is_not_certified_until_it_is_gone(erased: Erased, tmp_path: Path) -> None:
    house = erased.house.copy(tmp_path / "lake")
    who = Lake.of(house.settings).frame("silver", "person").row(0, named=True)
    (tmp_path / "lake" / "notes.txt").write_text(f"called about {who['person_id']}")
    asked = rights.received(house.settings, "erase", who["center"], [who["person_id"]], "all", "A. Officer", "a letter")
    with pytest.raises(GateFailed, match="other 1"):
        rights.carry_out(house.settings, house.engine, asked.id)
    (tmp_path / "lake" / "notes.txt").unlink()
    again = rights.carry_out(house.settings, house.engine, asked.id)
    assert (again.state, json.loads(again.outcome or "")["before"]["other"]["hits"]) == ("done", 1)
    shutil.rmtree(tmp_path / "lake")


def test_the_audit_holds_and_a_changed_or_missing_line_is_found(erased: Erased) -> None:
    settings = erased.house.settings
    file = audit.place(settings)
    said = file.read_text()
    assert audit.check(settings) == 2
    try:
        file.write_text(said.replace("a letter of the patient", "nothing"))
        with pytest.raises(ContractViolation, match="line 1"):
            audit.check(settings)
        file.write_text(said.splitlines()[0] + "\n")
        with pytest.raises(ContractViolation, match="end was cut"):
            audit.check(settings)
    finally:
        file.write_text(said)


def test_the_register_names_states_deadlines_and_the_certificate(erased: Erased) -> None:
    page = (Path(erased.lake.root) / "vault" / "register.html").read_text()
    assert erased.request.id in page
    assert erased.request.due_on in page
    assert f'href="certificates/{erased.request.id}.json"' in page
    assert "http" not in page.replace("<!doctype html>", "")
