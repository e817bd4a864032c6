"""Requests from their entry to their answer, on a lake drawn here: silver and gold are put there by hand, the engine builds nothing."""

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import select

from jobs import audit, builds, rights
from jobs.errors import ContractViolation, GateFailed, LakehouseError, WrongUse
from jobs.failpoint import VARIABLE
from jobs.lake import Lake
from jobs.landing import load
from jobs.landing.erased import drop_erased
from jobs.landing.model import Judgement
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.vault import METADATA, Vault, in_force, rows_of, tombstone
from jobs.ledger import Ledger
from jobs.releases.store import MADE, Release, Store
from jobs.rights import certificate, requests, sought
from jobs.rights.register import Request
from jobs.settings import Settings
from tests import postgres
from tests.jobs.deliveries import know
from tests.jobs.landing.staging import delivery

KEY = "11" * 32
PSEUDONYMS = Pseudonyms(bytes.fromhex(KEY))
SENT, OTHER_SENT = "a" * 64, "b" * 64
WHO, OTHER = PSEUDONYMS.person_id("gr", SENT), PSEUDONYMS.person_id("gr", OTHER_SENT)
PATIENT_ID = PSEUDONYMS.patient_id(WHO)
TOKEN = PSEUDONYMS.token_key("t1")
PATIENT = f"ID_PATIENT | _token_key | _sex | TOP_SUPPR | DATE_MAJ\n{WHO} | {TOKEN} | F | N | 2020-01-01\n{OTHER} | t2 | M | N | 2020-01-01"
TUMOUR = f"ID_TUMEUR | ID_PATIENT | TOP_SUPPR | DATE_MAJ\nT1 | {WHO} | N | 2020-01-01\nT2 | {OTHER} | N | 2020-01-01"
OWN_LIST = (
    f"ID_PATIENT | INFORME | OPPOSITION | PORTEE | DATE_OPPOSITION | DATE_LEVEE\n{WHO} | O | N | TOUT | 2019-01-01 | 2020-01-02"
)


@dataclass
class Hidden:
    number: int = field(default_factory=time.time_ns)
    tables: dict[str, dict[str, int]] = field(default_factory=dict)


class Builder:
    """An engine that builds nothing: that silver and gold follow is shown on a whole lake (tests/flow/test_rights.py)."""

    def build(self, fence: Callable[[], None]) -> None:
        fence()

    def hide(self, center: str, names: list[str], fence: Callable[[], None]) -> Hidden:
        fence()
        return Hidden()


@dataclass
class House:
    settings: Settings

    @property
    def lake(self) -> Lake:
        return Lake.of(self.settings)

    def bring(self, judgement: Judgement, position: int) -> int:
        """Load a delivery as landing does; how many rows of erased people were dropped."""
        with closing(Vault(self.settings)) as vault:
            dropped = drop_erased(vault, PSEUDONYMS, judgement)
            load.load(vault, self.lake, judgement, position, lambda: None)
        return dropped

    def ask(self, kind: Any, who: str = SENT, **more: Any) -> Request:
        asked = rights.received(self.settings, kind, "gr", [who], "all", "A. Officer", "a letter", **more)
        return rights.carry_out(self.settings, Builder(), asked.id)

    def vault(self, table: Any) -> list[dict[str, Any]]:
        with closing(Vault(self.settings)) as vault, vault.transaction() as tx:
            return rows_of(tx, table)

    def bronze(self, table: str) -> list[str]:
        return sorted(set(self.lake.frame("bronze", table)["_person_id"]))


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Two patients of one hospital, of whom one will be asked about, in every zone."""
    return made(tmp_path)


def made(folder: Path, database_url: str | None = None) -> House:
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o600)
    found = House(Settings(lake=str(folder / "lake"), platform_key_file=folder / "key", database_url=database_url))
    with closing(Ledger(found.settings)) as ledger, ledger.hold("hospital/gr") as lease:
        know(ledger, lease, "a", "loading")
    found.bring(delivery(folder, "GR-20200101-001", patient=PATIENT, tumour=TUMOUR), 1)
    return found


def plant(house: House) -> None:
    """Rows of both in the zones that an engine fills, a refused file, rows left in staging, a release that waits to be published."""
    lake, people = house.lake, {"person_id": [WHO, OTHER]}
    lake.write("silver", "person", pl.DataFrame(people).to_arrow())
    lake.write("gold", "patient_summary", pl.DataFrame({"patient_id": [PATIENT_ID, PSEUDONYMS.patient_id(OTHER)]}).to_arrow())
    lake.write("quarantine", "gr_stay", pl.DataFrame(people).to_arrow())
    told = pl.DataFrame({"patient_id": [PATIENT_ID], "class": ["a"], "tables": [""]})
    Store(lake).keep_patients("small-1", told)
    Store(lake).note(Release("small-1", MADE, datetime(2026, 3, 1, tzinfo=UTC), "", "small", 20, 11, 3))
    refused = Path(lake.root, "restricted", "gr", "GR-20200201-001")
    refused.mkdir(parents=True)
    (refused / "patient.csv.gz").write_bytes(gzip.compress(f"ID_PATIENT\n{SENT}\n".encode()))
    left = house.settings.make_staging() / "pass-1"
    left.mkdir()
    pl.DataFrame(people).write_parquet(left / "part-0.parquet")


@dataclass
class Erased:
    house: House
    request: Request

    def hits(self, when: str) -> dict[str, int]:
        return {zone: found["hits"] for zone, found in json.loads(self.request.outcome or "")[when].items()}


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> Erased:
    """The lake after one of the two was erased."""
    house = made(tmp_path_factory.mktemp("erased"))
    plant(house)
    return Erased(house, house.ask("erase", on=date(2026, 1, 31)))


def test_an_erasure_finds_somebody_in_every_zone_and_leaves_nothing_in_any(erased: Erased) -> None:
    zones = {"bronze", "gold", "ops", "quarantine", "restricted", "silver", "staging", "vault"}
    logs = {f"{zone}/_delta_log" for zone in ("gold", "silver", "quarantine")}
    before, after = erased.hits("before"), erased.hits("after")
    assert {zone for zone in zones | logs if not before.get(zone)} == set()
    assert set(after.values()) == {0}
    assert set(before) - {"restricted", "staging"} <= set(after)


def test_not_a_byte_of_them_is_left_and_all_of_others_is(erased: Erased) -> None:
    files = [each for each in Path(erased.house.lake.root).rglob("*") if each.is_file()]
    left = [each.name for each in files if any(text.encode() in each.read_bytes() for text in (WHO, PATIENT_ID, TOKEN, SENT))]
    assert left == []
    assert erased.house.bronze("gr_patient") == [OTHER]
    assert erased.house.lake.frame("silver", "person")["person_id"].to_list() == [OTHER]
    assert erased.house.lake.frame("gold", "patient_summary")["patient_id"].to_list() == [PSEUDONYMS.patient_id(OTHER)]


def test_the_vault_keeps_hashes_by_which_nobody_can_be_read(erased: Erased) -> None:
    stones = erased.house.vault(tombstone)
    assert {row["kind"] for row in stones} == {"person", "row", "token"}
    assert not {row["hash"] for row in stones} & {WHO, TOKEN}


def test_a_release_that_nobody_published_is_taken_back(erased: Erased) -> None:
    assert [each.state for each in Store(erased.house.lake).releases()] == ["revoked"]


@pytest.mark.parametrize("known_as", [WHO, "c" * 32], ids=["the same id", "a new id with the same token"])
def test_what_is_delivered_of_them_later_is_dropped_before_it_is_stored(erased: Erased, tmp_path: Path, known_as: str) -> None:
    text = PATIENT.replace(WHO, known_as).replace("2020-01-01", "2020-03-01")
    name = f"GR-2020030{1 if known_as == WHO else 2}-001"
    assert erased.house.bring(delivery(tmp_path, name, patient=text), 2) == 1
    assert erased.house.bronze("gr_patient") == [OTHER]


def test_the_certificate_is_signed_and_names_nobody_and_a_changed_one_is_refused(erased: Erased, tmp_path: Path) -> None:
    settings, file = erased.house.settings, Path(erased.request.certificate or "")
    said = certificate.verify(settings, file)
    assert said["request"] == erased.request.id
    assert not any(who in file.read_text() for who in (WHO, PATIENT_ID, TOKEN, SENT))
    assert stat.S_IMODE((certificate.folder(settings) / "certificate.key").stat().st_mode) == 0o600
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(said | {"rows": said["rows"] + 1}))
    with pytest.raises(ContractViolation, match="changed or is another's"):
        certificate.verify(settings, forged)


@pytest.mark.parametrize("before", ['"rows": 999999, ', '"rows": 8, '])
def test_a_certificate_in_which_a_name_stands_twice_is_none(erased: Erased, tmp_path: Path, before: str) -> None:
    said = Path(erased.request.certificate or "").read_text()
    forged = tmp_path / "forged.json"
    forged.write_text("{" + before + said.removeprefix("{"))
    with pytest.raises(WrongUse, match="none that can be read"):
        certificate.verify(erased.house.settings, forged)


def test_what_nobody_signed_has_no_place_in_a_signature(erased: Erased, tmp_path: Path) -> None:
    said = json.loads(Path(erased.request.certificate or "").read_text())
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(said | {"signature": said["signature"] | {"by": "an officer"}}))
    with pytest.raises(ContractViolation, match="changed or is another's"):
        certificate.verify(erased.house.settings, forged)


def test_an_act_beyond_what_the_vault_knows_is_set_aside_by_the_next(house: House) -> None:
    house.ask("oppose")
    file = audit.place(house.settings)
    file.write_text(file.read_text() + following(file.read_text().splitlines()[-1]) + "\n")
    house.ask("lift")
    assert audit.check(house.settings) == len(audit.lines(house.settings))
    assert [line["who"] for line in audit.lines(house.settings) if line["who"] == "Nobody"] == []
    assert "Nobody" in file.with_suffix(".beyond").read_text()


def test_nothing_is_added_to_an_audit_whose_end_was_cut(house: House) -> None:
    house.ask("oppose")
    house.ask("lift")
    file = audit.place(house.settings)
    whole = file.read_text()
    file.write_text("".join(f"{line}\n" for line in whole.splitlines()[:-1]))
    cut = file.read_text()
    with pytest.raises(ContractViolation, match=r"Expected the audit to end with act .* nothing is added"):
        house.ask("oppose")
    assert file.read_text() == cut
    file.write_text(whole)
    house.ask("oppose")
    assert audit.check(house.settings) > len(whole.splitlines())


def test_an_erasure_that_was_carried_out_while_another_waited_keeps_its_certificate(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    real, first = requests.erase, list[Request]()

    def late(worker: Any, engine: Any, found: Request, logs: Any) -> Request:
        """Waits for its leases while another process carries the request out."""
        monkeypatch.setattr(requests, "erase", real)
        first.append(rights.carry_out(house.settings, Builder(), asked.id))
        written.append(Path(first[0].certificate or "").read_bytes())
        return real(worker, engine, found, logs)

    written: list[bytes] = []
    monkeypatch.setattr(requests, "erase", late)
    second = rights.carry_out(house.settings, Builder(), asked.id)
    assert (second.state, second.certificate) == (first[0].state, first[0].certificate)
    assert Path(second.certificate or "").read_bytes() == written[0]
    assert [line["request"] for line in audit.lines(house.settings) if line["act"] == "erase"] == [asked.id]


KILLED = """
from pathlib import Path
import sys
from jobs import rights
from jobs.settings import Settings

class Builder:
    def build(self, fence):
        fence()

lake, key, request = sys.argv[1:]
rights.carry_out(Settings(lake=lake, platform_key_file=Path(key)), Builder(), request)
"""
# Where an erasure is killed, one after the other, and in what state that leaves the request.
PLACES = {
    "bronze_purged": "erasing",
    "sought_kept": "erasing",
    "people_forgotten": "proving",
    "nothing_found": "proven",
    "sought_dropped": "proven",
    "erasure_noted": "proven",
    "certificate_written": "proven",
}


def test_an_erasure_that_is_killed_again_and_again_goes_on_and_is_certified_as_if_nothing_had_happened(house: House) -> None:
    plant(house)
    Store(house.lake).keep_patients("small-2", pl.DataFrame({"patient_id": [PATIENT_ID], "class": ["a"], "tables": [""]}))
    Store(house.lake).note(Release("small-2", "approved", datetime(2026, 3, 1, tzinfo=UTC), "", "small", 20, 11, 3))
    asked = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    words = [sys.executable, "-c", KILLED, house.settings.lake, str(house.settings.platform_key_file), asked.id]
    states, files = {}, {}
    for place in PLACES:
        ended = subprocess.run(words, env=os.environ | {VARIABLE: place}, check=False, capture_output=True)
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
        states[place] = rights.shown(house.settings, asked.id).state
        files[place] = [stat.S_IMODE(each.stat().st_mode) for each in certificate.folder(house.settings).glob("*.sought")]
        assert rights.due(house.settings) == [asked.id]
    assert states == PLACES
    assert files == {place: [0o600] if place in ("sought_kept", "people_forgotten", "nothing_found") else [] for place in PLACES}
    done = Erased(house, rights.carry_out(house.settings, Builder(), asked.id))
    assert (done.hits("before")["silver"] > 0, set(done.hits("after").values())) == (True, {0})
    said = certificate.verify(house.settings, Path(done.request.certificate or ""))
    counted = ("people_known", "restricted_copies", "live_releases")
    assert [said[name] for name in counted] == [1, 1, ["small-2"]]
    test_not_a_byte_of_them_is_left_and_all_of_others_is(done)


def test_what_comes_to_light_after_a_crash_is_not_certified_and_the_request_is_not_lost(house: House) -> None:
    asked = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    words = [sys.executable, "-c", KILLED, house.settings.lake, str(house.settings.platform_key_file), asked.id]
    subprocess.run(words, env=os.environ | {VARIABLE: "people_forgotten"}, check=False, capture_output=True)
    note = Path(house.lake.root, "notes.txt")
    note.write_text(f"called about {WHO}")
    with pytest.raises(GateFailed, match="other 1"):
        rights.carry_out(house.settings, Builder(), asked.id)
    note.unlink()
    subprocess.run(words, env=os.environ | {VARIABLE: "people_forgotten"}, check=False, capture_output=True)
    beside = certificate.folder(house.settings)
    done = rights.carry_out(house.settings, Builder(), asked.id, [beside])
    assert certificate.verify(house.settings, Path(done.certificate or ""))["logs"] == [str(beside)]


def test_two_erasures_of_one_person_are_carried_out_as_one(house: House, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "run.log"
    log.write_text(f"called about {WHO}")
    first = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    with pytest.raises(GateFailed, match="found some: logs 1 1"):
        rights.carry_out(house.settings, Builder(), first.id, [log.parent])
    second = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "the same letter")
    for each in (second, first):
        with pytest.raises(GateFailed, match=rf"after {second.id}, found some: logs 1 1"):
            rights.carry_out(house.settings, Builder(), each.id)
    assert rights.shown(house.settings, first.id).state == "joined"
    log.unlink()
    done = rights.carry_out(house.settings, Builder(), first.id)
    assert (done.id, done.state, rights.due(house.settings)) == (first.id, "done", [])
    said = certificate.verify(house.settings, Path(done.certificate or ""))
    assert (said["request"], said["requests_joined"], said["people_known"]) == (second.id, [first.id], 1)
    assert [(line["act"], line["request"]) for line in audit.lines(house.settings)[2:]] == [
        ("erase", second.id),
        (f"erase with {second.id}", first.id),
    ]
    page = (certificate.folder(house.settings) / "register.html").read_text()
    assert f"with {second.id}, <a href=" in page
    assert [house.vault(METADATA.tables[f"vault.{name}"]) for name in ("request_person", "request_trace")] == [[], []]


def test_who_is_erased_is_taken_out_of_every_request_that_waits_and_others_stay_in_it(house: House) -> None:
    opposed = rights.received(house.settings, "oppose", "gr", [SENT, OTHER_SENT], "all", "A. Officer", "a letter")
    lifted = rights.received(house.settings, "lift", "gr", [SENT], "all", "A. Officer", "a letter")
    house.ask("erase")
    assert [each.id for each in rights.listed(house.settings) if each.state == "done"] == [
        lifted.id,
        "RIGHTS" + opposed.id[6:-1] + "3",
    ]
    assert [row["person_id"] for row in house.vault(METADATA.tables["vault.request_person"])] == [OTHER]
    assert json.loads(rights.carry_out(house.settings, Builder(), opposed.id).outcome or "")["people"] == 1
    assert house.bronze("gr_patient") == []


def test_a_request_that_comes_while_another_about_the_same_person_lies_cut_short_is_carried_out_with_it(house: House) -> None:
    first = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    words = [sys.executable, "-c", KILLED, house.settings.lake, str(house.settings.platform_key_file), first.id]
    subprocess.run(words, env=os.environ | {VARIABLE: "people_forgotten"}, check=False, capture_output=True)
    second = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "another letter")
    with pytest.raises(WrongUse, match=f"`pscc rights run {first.id}` first"):
        rights.carry_out(house.settings, Builder(), second.id)
    done = rights.carry_out(house.settings, Builder(), first.id)
    assert (done.state, rights.shown(house.settings, second.id).certificate) == ("done", done.certificate)


def test_without_what_an_erasure_looks_for_nothing_is_certified(house: House) -> None:
    asked = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    words = [sys.executable, "-c", KILLED, house.settings.lake, str(house.settings.platform_key_file), asked.id]
    subprocess.run(words, env=os.environ | {VARIABLE: "people_forgotten"}, check=False, capture_output=True)
    file = sought.place(house.settings, asked.id)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(LakehouseError, match="found something else: carry it out on the machine where it began") as refused:
        rights.carry_out(house.settings, Builder(), asked.id)
    assert refused.value.__context__ is None
    file.unlink()
    with pytest.raises(LakehouseError, match="found no such file: carry it out on the machine where it began"):
        rights.carry_out(house.settings, Builder(), asked.id)
    again = house.ask("erase")
    assert {name: json.loads(again.outcome or "")[name] for name in COUNTED} == dict(zip(COUNTED, (0, 1, 0), strict=True))
    # Nobody can carry out the first one any more.
    assert rights.due(house.settings) == [asked.id]
    closed = rights.withdraw(house.settings, asked.id, "B. Officer", f"proven by {again.id}")
    assert (closed.state, rights.due(house.settings)) == ("withdrawn", [])
    assert rights.carry_out(house.settings, Builder(), asked.id) == closed


def test_who_is_withdrawn_with_another_stands_in_the_audit_and_a_file_that_comes_back_is_forgotten(house: House) -> None:
    first = rights.received(house.settings, "oppose", "gr", [SENT], "all", "A. Officer", "a letter")
    second = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    words = [sys.executable, "-c", KILLED, house.settings.lake, str(house.settings.platform_key_file), second.id]
    subprocess.run(words, env=os.environ | {VARIABLE: "people_forgotten"}, check=False, capture_output=True)
    file = sought.place(house.settings, second.id)
    told = file.read_bytes()
    file.unlink()
    rights.withdraw(house.settings, second.id, "B. Officer", "the disk is lost")
    assert [rights.shown(house.settings, each.id).state for each in (first, second)] == ["withdrawn", "withdrawn"]
    assert [(line["act"], line["request"]) for line in audit.lines(house.settings)[2:]] == [
        ("erase withdrawn", second.id),
        ("oppose withdrawn", first.id),
    ]
    file.write_bytes(told)
    assert house.ask("erase").state == "done"
    assert not file.exists()


def test_nothing_is_withdrawn_where_the_audit_takes_no_act(house: House) -> None:
    asked = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    audit.place(house.settings).write_text("")
    with pytest.raises(ContractViolation, match="nothing is added"):
        rights.withdraw(house.settings, asked.id, "B. Officer", "taken back")
    assert rights.due(house.settings) == [asked.id]


@pytest.mark.parametrize("kind", ["oppose", "erase"])
def test_a_request_that_nothing_was_done_for_is_withdrawn_and_forgets_whom_it_was_about(house: House, kind: Any) -> None:
    asked = rights.received(house.settings, kind, "gr", [SENT], "all", "A. Officer", "a letter")
    before = house.bronze("gr_patient")
    closed = rights.withdraw(house.settings, asked.id, "B. Officer", "taken back by letter 12")
    assert (closed.state, closed.done_at is not None, rights.due(house.settings)) == ("withdrawn", True, [])
    assert rights.carry_out(house.settings, Builder(), asked.id) == closed
    assert (house.bronze("gr_patient"), house.vault(METADATA.tables["vault.request_person"])) == (before, [])
    line = audit.lines(house.settings)[-1]
    assert (line["act"], line["who"], line["request"]) == (f"{kind} withdrawn", "B. Officer", asked.id)
    assert "withdrawn on" in (page := (certificate.folder(house.settings) / "register.html").read_text())
    assert "by B. Officer: taken back by letter 12" in page
    with pytest.raises(WrongUse, match=r"found .* withdrawn: nothing is left"):
        rights.withdraw(house.settings, asked.id, "B. Officer", "again")


@pytest.mark.parametrize("place", ["bronze_purged", "people_forgotten", "nothing_found"])
def test_what_is_begun_is_ended_and_not_withdrawn(house: House, place: str) -> None:
    asked = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    words = [sys.executable, "-c", KILLED, house.settings.lake, str(house.settings.platform_key_file), asked.id]
    subprocess.run(words, env=os.environ | {VARIABLE: place}, check=False, capture_output=True)
    with pytest.raises(WrongUse, match=f"`pscc rights run {asked.id}`"):
        rights.withdraw(house.settings, asked.id, "B. Officer", "taken back")


def test_an_opposition_whose_engine_died_is_not_withdrawn(house: House) -> None:
    asked = rights.received(house.settings, "oppose", "gr", [SENT], "all", "A. Officer", "a letter")
    with pytest.raises(OSError, match="gone"):
        rights.carry_out(house.settings, Dying("hide"), asked.id)
    with pytest.raises(WrongUse, match=f"`pscc rights run {asked.id}`"):
        rights.withdraw(house.settings, asked.id, "B. Officer", "taken back")


COUNTED = ("people_known", "people_erased_before", "people_unknown")


def test_an_erasure_tells_how_many_of_the_people_named_were_in_the_lake(house: House) -> None:
    plant(house)
    staged_only = "d" * 64
    (house.settings.make_staging() / "pass-1" / "left.csv").write_text(f"ID_PATIENT\n{staged_only}\n")
    asked = rights.received(house.settings, "erase", "gr", [SENT, "c" * 64, staged_only], "all", "A. Officer", "a letter")
    done = rights.carry_out(house.settings, Builder(), asked.id)
    said = certificate.verify(house.settings, Path(done.certificate or ""))
    assert [said[name] for name in ("people", *COUNTED)] == [3, 2, 0, 1]
    again = house.ask("erase")
    page = (certificate.folder(house.settings) / "register.html").read_text()
    assert [json.loads(again.outcome or "")[name] for name in COUNTED] == [0, 1, 0]
    assert "Of 1 of 3 people named nothing was in the lake: 1 unknown to it, 0 erased before." in page
    assert "Of 1 of 1 people named nothing was in the lake: 0 unknown to it, 1 erased before." in page


def test_a_certificate_of_another_lake_is_refused(erased: Erased, house: House) -> None:
    another = house.ask("erase")
    with pytest.raises(ContractViolation, match="another's"):
        certificate.verify(erased.house.settings, Path(another.certificate or ""))


def following(line: str) -> str:
    """An act that nobody did, with the hash that its line should have."""
    last = json.loads(line)
    forged = last | {"number": last["number"] + 1, "who": "Nobody", "before": last["hash"]}
    return json.dumps(forged | {"hash": audit._hash(forged)})


@pytest.fixture
def audited(erased: Erased) -> Iterator[Path]:
    """The audit of the erased lake, as it was again after the test."""
    file = audit.place(erased.house.settings)
    said = file.read_bytes()
    yield file
    file.write_bytes(said)


@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        (lambda lines: [lines[0].replace("a letter", "nothing"), *lines[1:]], "line 1 of the audit"),
        (lambda lines: lines[1:], "line 1 of the audit"),
        (lambda lines: lines[::-1], "line 1 of the audit"),
        (lambda lines: lines[:-1], "its end was cut"),
        (lambda lines: [], "its end was cut"),
        (lambda lines: [*lines, "a line"], "one object a line"),
        (lambda lines: [*lines, following(lines[-1])], "more than that"),
    ],
    ids=["changed", "first gone", "order", "end cut", "emptied", "added", "an act that never was"],
)
def test_an_audit_that_somebody_touched_is_found(erased: Erased, audited: Path, tamper: Any, sentence: str) -> None:
    lines = audited.read_text().splitlines()
    assert audit.check(erased.house.settings) == len(lines) == 2
    audited.write_text("".join(f"{line}\n" for line in tamper(lines)))
    with pytest.raises(ContractViolation, match=sentence):
        audit.check(erased.house.settings)


@pytest.mark.parametrize("place", ["lake/notes.txt", "logs/run.log"])
def test_a_trace_that_no_table_holds_is_named_and_nothing_is_certified_until_it_is_gone(house: House, place: str) -> None:
    logs, file = house.settings.platform_key_file.parent / "logs", house.settings.platform_key_file.parent / place  # type: ignore[union-attr]
    logs.mkdir()
    file.write_text(f"called about {WHO}")
    asked = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    with pytest.raises(GateFailed, match=f"{'other' if place.startswith('lake') else 'logs 1'} 1"):
        rights.carry_out(house.settings, Builder(), asked.id, [logs])
    assert rights.due(house.settings) == [asked.id]
    left = {"lake/notes.txt": "notes.txt", "logs/run.log": "logs 1/run.log"}[place]
    assert json.loads(rights.shown(house.settings, asked.id).outcome or "")["left_in"] == [left]
    assert not (certificate.folder(house.settings) / "certificates").exists()
    file.unlink()
    done = rights.carry_out(house.settings, Builder(), asked.id, [logs])
    assert (done.state, "left_in" in (done.outcome or "")) == ("done", False)


def test_folders_of_logs_that_were_searched_are_searched_again_whoever_goes_on(house: House, tmp_path: Path) -> None:
    logs, other = tmp_path / "logs", tmp_path / "other"
    for folder in (logs, other):
        folder.mkdir()
    (logs / "run.log").write_text(f"called about {WHO}")
    asked = rights.received(house.settings, "erase", "gr", [SENT], "all", "A. Officer", "a letter")
    for given in ([logs], [other], []):
        with pytest.raises(GateFailed, match="logs 1 1"):
            rights.carry_out(house.settings, Builder(), asked.id, given)
    (logs / "run.log").unlink()
    logs.rename(tmp_path / "moved")
    with pytest.raises(WrongUse, match=f"Expected the folder of logs {logs}, which was searched"):
        rights.carry_out(house.settings, Builder(), asked.id)
    logs.mkdir()
    done = rights.carry_out(house.settings, Builder(), asked.id)
    assert certificate.verify(house.settings, Path(done.certificate or ""))["logs"] == [str(logs), str(other)]


@pytest.mark.parametrize("kind", ["oppose", "lift", "erase"])
def test_a_person_of_another_hospital_than_named_is_nobody_a_request_can_hold_for(house: House, kind: Any) -> None:
    with pytest.raises(WrongUse, match="Expected --person to name people of curie, found one of another hospital") as refused:
        rights.received(house.settings, kind, "curie", ["e" * 32, WHO], "all", "A. Officer", "a letter")
    assert WHO not in str(refused.value)
    assert rights.listed(house.settings) == []


def test_what_is_staged_elsewhere_than_below_the_lake_is_searched_too(house: House, tmp_path: Path) -> None:
    settings = Settings(
        lake=house.settings.lake, platform_key_file=house.settings.platform_key_file, scratch=tmp_path / "scratch"
    )
    left = settings.make_staging() / "pass-1"
    left.mkdir()
    (left / "rows.csv").write_text(WHO)
    done = Erased(house, House(settings).ask("erase"))
    assert (done.hits("before")["staging"], list(left.parent.glob("*"))) == (1, [])


def test_ledger_and_vault_in_postgresql_forget_them_too(postgresql: str, tmp_path: Path) -> None:
    house = made(tmp_path, postgres.emptied(postgresql))
    plant(house)
    done = Erased(house, house.ask("erase"))
    assert done.hits("before")["vault"] > 0
    assert set(done.hits("after").values()) == {0}
    assert audit.check(house.settings) == 2


def test_an_opposition_holds_at_once_and_no_list_of_the_hospital_ends_it(house: House, tmp_path: Path) -> None:
    house.ask("oppose")
    assert house.bronze("gr_patient") == [OTHER]
    house.bring(delivery(tmp_path, "GR-20200201-001", "GR-20200101-001", rights=OWN_LIST, patient=PATIENT), 2)
    assert [row["person_id"] for row in house.vault(in_force)] == [WHO]
    assert house.bronze("gr_patient") == [OTHER]


def test_a_lift_ends_it_and_asks_the_hospital_for_what_was_taken_away(house: House) -> None:
    house.ask("oppose")
    done = json.loads(house.ask("lift").outcome or "")
    assert house.vault(in_force) == []
    assert (done["people"], done["hospitals_asked_again"], done["opposition_of_a_hospital_stands"]) == (1, 1, False)


def test_whom_a_request_is_about_is_forgotten_once_it_is_carried_out(house: House) -> None:
    asked = rights.received(house.settings, "oppose", "gr", [SENT], "all", "A. Officer", "a letter")
    about = METADATA.tables["vault.request_person"]
    assert [row["person_id"] for row in house.vault(about)] == [WHO]
    rights.carry_out(house.settings, Builder(), asked.id)
    assert house.vault(about) == []


class Dying(Builder):
    """An engine that dies at its first call."""

    def __init__(self, at: str) -> None:
        self.at, self.calls = at, list[str]()

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name == self.at and self.calls.count(name) == 1:
            raise OSError("gone")

    def build(self, fence: Callable[[], None]) -> None:
        self._called("build")

    def hide(self, center: str, names: list[str], fence: Callable[[], None]) -> Hidden:
        self._called("hide")
        return Hidden()


@pytest.mark.parametrize(("at", "calls"), [("hide", ["hide", "hide", "build"]), ("build", ["hide", "build", "hide", "build"])])
def test_an_opposition_whose_engine_died_is_done_only_when_silver_and_gold_followed(
    house: House, at: str, calls: list[str]
) -> None:
    asked, engine = rights.received(house.settings, "oppose", "gr", [SENT], "all", "A. Officer", "a letter"), Dying(at)
    with pytest.raises(OSError, match="gone"):
        rights.carry_out(house.settings, engine, asked.id)
    assert rights.due(house.settings) == [asked.id]
    done = rights.carry_out(house.settings, engine, asked.id)
    assert (engine.calls, done.state, json.loads(done.outcome or "")["people"]) == (calls, "done", 1)


def test_builds_from_before_an_erasure_are_not_to_be_looked_at(house: House) -> None:
    plant(house)
    before = time.time_ns() // 10**6
    house.ask("erase")
    assert before <= builds.last_purge(house.lake) < time.time_ns() // 10**6


def test_a_trace_in_a_later_member_of_a_gzip_file_is_found(house: House) -> None:
    plant(house)
    parts = [f"nothing of interest {number}\n" * 1000 for number in range(3)] + [f"called about {WHO}\n"]
    log = Path(house.lake.root, "restricted", "gr", "GR-20200201-001", "log.gz")
    log.write_bytes(b"".join(gzip.compress(part.encode()) for part in parts))
    assert Erased(house, house.ask("erase")).hits("before")["restricted"] == 2


def test_a_request_that_is_done_is_not_done_again(house: House) -> None:
    done = house.ask("oppose")
    assert rights.carry_out(house.settings, Builder(), done.id) == done
    assert audit.check(house.settings) == 2


def test_a_lake_that_is_older_than_the_register_gets_its_tables_and_keeps_what_it_has(house: House) -> None:
    new = ("request", "request_person", "request_trace", "tombstone", "audit_head")
    with closing(Vault(house.settings)) as vault, vault.engine.begin() as tx:
        for name in new:
            METADATA.tables[f"vault.{name}"].drop(tx)
        known = tx.execute(select(METADATA.tables["vault.identity"])).all()
    assert house.ask("oppose").id == f"RIGHTS-{datetime.now(UTC):%Y%m%d}-001"
    assert len(house.vault(METADATA.tables["vault.identity"])) == len(known) == 2


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"center": "nowhere"}, "--hospital"),
        ({"scope": "shoes"}, "--scope"),
        ({"scope": "genetics"}, "erasure of everything"),
        ({"by": " "}, "who does this"),
        ({"reason": ""}, "and why"),
        ({"reason": f"letter about {WHO}"}, "a reason that tells of nobody"),
        ({"reason": "mail of Jeanne@example.org"}, "a reason that tells of nobody"),
        ({"who": []}, "64 hex digits"),
        ({"who": ["Jeanne"]}, "64 hex digits"),
    ],
)
def test_a_wrong_request_is_refused_with_a_sentence_and_shows_nobody(tmp_path: Path, changed: Any, sentence: str) -> None:
    asked = {"center": "gr", "who": [SENT], "scope": "all", "by": "A", "reason": "b"} | changed
    with pytest.raises(WrongUse, match=sentence) as refused:
        rights.received(Settings(lake=str(tmp_path)), "erase", *asked.values())
    assert "Jeanne" not in str(refused.value)
