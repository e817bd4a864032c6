"""Ingest: the order of the stages, the chain, held deliveries, decisions and crashes; gates and engine are stood in for here."""

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jobs import ingest as stage
from jobs import returns, status
from jobs.errors import GateFailed, WrongUse
from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.landing import load
from jobs.landing.load import Loaded
from jobs.landing.model import Finding, Judgement, Manifest
from jobs.ledger import Ledger
from jobs.returns import Report
from jobs.settings import Settings
from jobs.stages import judging
from tests.jobs.deliveries import delivery_id, drop, manifest


@dataclass
class Result:
    number: int
    rows: dict[str, dict[str, int]]
    waiting: dict[str, dict[str, int]] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)


class Crash(Exception):
    """The process dies here."""


@dataclass
class Lakehouse:
    """A lake whose gates do what the manifests say, and which notes what reaches bronze and silver."""

    root: Path
    done: list[str] = field(default_factory=list)
    crash_at: str | None = None
    gate_refuses: set[str] = field(default_factory=set)
    passes: int = 0
    clock: int = 10**18

    @property
    def settings(self) -> Settings:
        (self.root / "key").write_text("ab" * 32)
        return Settings(lake=str(self.root / "lake"), platform_key_file=self.root / "key")

    def ingest(self) -> list[str]:
        return told(stage.ingest(self.settings, self.root / "landing", {}, self))

    def decide(self, name: str, verdict: str) -> list[str]:
        return told(stage.decide(self.settings, str(delivery_id(name)), verdict, "M. Curie", "looked at it", self))

    def arrive(self, *arrivals: str) -> list[str]:
        """Announce deliveries one after the other in one run; `b<a` follows a, `c<a~b` also replaces b, words are faults."""
        for arrival in arrivals:
            self.drop(arrival)
        return self.ingest()

    def drop(self, arrival: str) -> Path:
        described, *words = arrival.split()
        described, _, replaces = described.partition("~")
        name, _, previous = described.partition("<")
        folder = drop(self.root / "landing", name, previous=previous or None, replaces=replaces or None, words=words)
        # Two manifests in the same tick of the clock would arrive in order of their names.
        self.clock += 1
        os.utime(folder / "manifest.json", ns=(self.clock, self.clock))
        return folder

    def ledger(self) -> Ledger:
        return Ledger(self.settings)

    def states(self) -> dict[str, str]:
        return {short(each.delivery_id): each.state for each in self.ledger().deliveries()}

    def returned(self, name: str) -> dict[str, Any]:
        return json.loads((self.root / "lake" / "returns" / "gr" / f"{delivery_id(name)}.json").read_text())

    # What stands in for the gates, bronze and silver.

    def read_manifest(self, folder: Path, *_: object) -> tuple[Manifest | None, list[Finding]]:
        body = json.loads((folder / "manifest.json").read_text())
        if "unreadable" in body["words"]:
            return None, [Finding(1, "MANIFEST_INVALID", "Expected JSON.")]
        key = "gr-step1-2" if "otherkey" in body["words"] else "gr-step1-1"
        changes = {
            "folder": folder,
            "replaces": body["replaces"],
            "body": body,
            "canonical_sha256": str(sorted(body.items())),
            "pseudonym_key_id": key,
        }
        return manifest(body["name"], body["previous"], **changes), []

    def check_signature(self, found: Manifest, _: object) -> list[Finding]:
        return [Finding(2, "SIGNATURE_INVALID", "Expected another value.")] if "forged" in found.body["words"] else []

    def judge(self, found: Manifest, *_: object) -> Judgement:
        self.note("judge", found.delivery_id)
        words = found.body["words"]
        codes = {
            "corrupt": Finding(5, "FILE_CORRUPT", "Expected gzip."),
            "nir": Finding(7, "IDENTIFIER_FOUND", "Expected no identifier."),
        }
        return Judgement(found.delivery_id, "gr", found, hospitals()["gr"], [codes[word] for word in words if word in codes])

    def review(self, _vault: object, _lake: object, judged: Judgement, _position: int) -> list[Finding]:
        words = judged.manifest.body["words"] if judged.manifest else []
        return [Finding(10, "VOLUME_SUSPICIOUS", "Expected most patients.")] if "volume" in words else []

    def load(self, _vault: object, _lake: object, judged: Judgement, position: int, fence: Any, *_: object) -> Loaded:
        fence()
        self.note("bronze", str(judged.delivery_id), f"at {position}")
        return Loaded(1, {}, {}, {"CODE_INVALID": 2}, 0, [])

    def apply_new_oppositions(self, _vault: object, _lake: object, judged: Judgement, *_: object) -> bool:
        opposes = judged.manifest is not None and "opposes" in judged.manifest.body["words"]
        if opposes:
            self.note("hide", str(judged.delivery_id))
        return opposes

    def withdraw(self, _vault: object, _lake: object, withdrawn: str, *_: object) -> None:
        self.note("withdraw", withdrawn)

    def warm_up(self) -> None:
        """There is nothing to start."""

    def hide(self, center: str, delivery_ids: list[str], fence: object = None) -> Result:
        self.note("hidden", *delivery_ids)
        self.passes += 1
        return Result(self.passes, {})

    def publish(
        self, center: str, delivery_ids: list[str], accept_failed: bool = False, fence: object = None, without: object = ()
    ) -> Result:
        names = " ".join(short(each) for each in delivery_ids)
        if not accept_failed and self.gate_refuses & {short(each) for each in delivery_ids}:
            raise GateFailed("Expected silver.person to keep its contract.")
        self.note("pass", names, "in spite of the gate" if accept_failed else "")
        self.passes += 1
        return Result(self.passes, {each: {"new": 5, "changed": 0, "unchanged": 1, "deleted": 0} for each in delivery_ids})

    def note(self, what: str, *which: str) -> None:
        step = " ".join([what, *(short(each) for each in which if each)])
        if step == self.crash_at:
            self.crash_at = None
            raise Crash(step)
        self.done.append(step)


def changed_at(folder: Path) -> dict[Path, tuple[int, int]]:
    return {each: (each.lstat().st_mtime_ns, each.lstat().st_ctime_ns) for each in folder.rglob("*")}


def short(text: str) -> str:
    """'a' for GR-20200101-001."""
    return chr(ord("a") + int(text[-3:]) - 1) if text.startswith("GR-") else text


def told(reports: Iterator[Report]) -> list[str]:
    return [
        " ".join(
            [short(each.delivery_id or "?"), each.outcome, *each.reason_codes, *(f"+{short(name)}" for name in each.released)]
        )
        for each in reports
    ]


@pytest.fixture
def lakehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lakehouse:
    (tmp_path / "landing").mkdir()
    made = Lakehouse(tmp_path)
    for name in ("read_manifest", "check_signature", "judge"):
        monkeypatch.setattr(judging, name, getattr(made, name))
    for name in ("review", "load", "apply_new_oppositions", "withdraw"):
        monkeypatch.setattr(load, name, getattr(made, name))
    return made


@pytest.mark.parametrize(
    ("arrivals", "verdicts"),
    [
        (["a", "b<a"], ["a accepted", "b accepted"]),
        (["b<a", "a"], ["b held CHAIN_GAP", "a accepted +b", "b accepted"]),
        (["c<b", "b<a", "a"], ["c held CHAIN_GAP", "b held CHAIN_GAP", "a accepted +b +c", "b accepted", "c accepted"]),
        (["a", "b<a", "c<a"], ["c rejected CHAIN_FORK", "a accepted", "b accepted"]),
        (["a", "b"], ["b rejected CHAIN_FORK", "a accepted"]),
        # Two held ones that want the same place: the first to arrive gets it.
        (["b<a", "c<a", "a"], ["b held CHAIN_GAP", "c held CHAIN_GAP", "c rejected CHAIN_FORK", "a accepted +b", "b accepted"]),
        (["a", "b<a corrupt", "c<a~b", "d<b"], ["b rejected FILE_CORRUPT", "a accepted", "c accepted", "d accepted"]),
        (
            ["a", "b<a corrupt", "d<b", "c<a~b"],
            ["b rejected FILE_CORRUPT", "d held CHAIN_GAP", "a accepted", "c accepted +d", "d accepted"],
        ),
        (["b<a", "c<a~b", "a"], ["b held CHAIN_GAP", "b rejected CHAIN_GAP", "c held CHAIN_GAP", "a accepted +c", "c accepted"]),
        (["a", "b<a~a"], ["b rejected MANIFEST_INVALID", "a accepted"]),
        (["a", "b<a~z"], ["b rejected MANIFEST_INVALID", "a accepted"]),
        # A later gate speaks before the gap holds; a fork is refused without a look at the files.
        (["b<a corrupt"], ["b rejected FILE_CORRUPT"]),
        (["a", "b corrupt"], ["b rejected CHAIN_FORK", "a accepted"]),
        (["a", "b<a otherkey"], ["b held PSEUDONYM_KEY_CHANGED", "a accepted"]),
        (["a", "b<a otherkey", "c<b"], ["b held PSEUDONYM_KEY_CHANGED", "c held CHAIN_GAP", "a accepted"]),
        (["b<a otherkey", "a"], ["b held CHAIN_GAP", "b held PSEUDONYM_KEY_CHANGED", "a accepted"]),
        (["b<a volume", "a"], ["b held CHAIN_GAP", "b held VOLUME_SUSPICIOUS", "a accepted"]),
        (["a volume", "b"], ["a held VOLUME_SUSPICIOUS", "a rejected CHAIN_FORK", "b accepted"]),
        (["a nir"], ["a quarantined IDENTIFIER_FOUND"]),
        (["a unreadable"], ["a rejected MANIFEST_INVALID"]),
        (["a forged"], ["a rejected SIGNATURE_INVALID"]),
    ],
)
def test_the_chain_decides_what_loads(lakehouse: Lakehouse, arrivals: list[str], verdicts: list[str]) -> None:
    assert lakehouse.arrive(*arrivals) == verdicts
    assert lakehouse.ingest() == []


@pytest.mark.parametrize(
    ("first", "then", "verdict"),
    [
        ("a", "a", "a duplicate DUPLICATE_DELIVERY"),
        ("a corrupt", "a corrupt", "a duplicate DUPLICATE_DELIVERY"),
        ("a", "a corrupt", "a rejected DELIVERY_CONFLICT"),
        ("a unreadable", "a", "a accepted"),
        ("a forged", "a", "a accepted"),
        ("a", "a forged", "a rejected SIGNATURE_INVALID"),
    ],
)
def test_a_known_delivery_stands_and_an_unknown_one_may_come_again(
    lakehouse: Lakehouse, first: str, then: str, verdict: str
) -> None:
    before = lakehouse.arrive(first)
    assert lakehouse.arrive(then) == [verdict]
    outcome = before[0].split()[1] if "accepted" not in verdict else "accepted"
    assert lakehouse.returned("a")["outcome"] == outcome


def test_a_hospital_gets_one_pass_for_all_of_its_deliveries(lakehouse: Lakehouse) -> None:
    lakehouse.arrive("c<b", "a", "b<a")
    assert [step for step in lakehouse.done if not step.startswith("judge")] == [
        "bronze a at 1",
        "bronze b at 2",
        "bronze c at 3",
        "pass a b c",
    ]


def test_the_opposition_of_a_held_delivery_is_published_at_once(lakehouse: Lakehouse) -> None:
    assert lakehouse.arrive("b<a opposes") == ["b held CHAIN_GAP"]
    assert lakehouse.done == ["judge b", "hide b", "hidden b"]
    assert lakehouse.states() == {"b": "held"}


def test_nothing_is_left_in_staging(lakehouse: Lakehouse) -> None:
    lakehouse.arrive("c<b", "a", "b<a corrupt", "d<a nir")
    assert list((lakehouse.root / "lake" / "staging").iterdir()) == []


def test_landing_is_not_touched_and_quarantined_files_are_copied(lakehouse: Lakehouse) -> None:
    folder = lakehouse.drop("a nir")
    before = changed_at(lakehouse.root / "landing")
    lakehouse.ingest()
    assert changed_at(lakehouse.root / "landing") == before
    assert (lakehouse.root / "lake" / "restricted" / "gr" / folder.name / "manifest.json").exists()


@pytest.mark.parametrize(
    ("arrivals", "verdict", "verdicts", "steps"),
    [
        (["a", "b<a volume"], "approve", ["b accepted"], ["bronze b at 2", "pass b"]),
        (["a", "b<a otherkey"], "approve", ["b accepted"], ["bronze b at 2", "pass b"]),
        (["a", "b<a volume", "c<b"], "approve", ["b accepted +c", "c accepted"], ["bronze b at 2", "bronze c at 3", "pass b c"]),
        (["a", "b<a volume"], "reject", ["b rejected VOLUME_SUSPICIOUS"], []),
        (["b<a"], "reject", ["b rejected CHAIN_GAP"], []),
    ],
)
def test_a_person_decides(lakehouse: Lakehouse, arrivals: list[str], verdict: str, verdicts: list[str], steps: list[str]) -> None:
    lakehouse.arrive(*arrivals)
    lakehouse.done.clear()
    assert lakehouse.decide("b", verdict) == verdicts
    assert [step for step in lakehouse.done if not step.startswith("judge")] == steps
    decision = lakehouse.ledger().decisions()[0]
    assert (decision.by, decision.why) == ("M. Curie", "looked at it")
    report = lakehouse.returned("b")
    assert [each["verdict"] for each in report["decisions"]] == [verdict]
    assert report["earlier"][0]["outcome"] == "held"


@pytest.mark.parametrize(
    ("arrivals", "name", "verdict", "sentence"),
    [
        (["a"], "a", "approve", "nothing to decide"),
        (["a"], "z", "approve", "is not known"),
        (["b<a"], "b", "approve", "loads by itself"),
        (["a volume"], "a", "perhaps", "Expected `approve` or `reject`"),
    ],
)
def test_what_cannot_be_decided_gets_a_sentence(
    lakehouse: Lakehouse, arrivals: list[str], name: str, verdict: str, sentence: str
) -> None:
    lakehouse.arrive(*arrivals)
    with pytest.raises(WrongUse, match=sentence):
        lakehouse.decide(name, verdict)
    assert lakehouse.ledger().decisions() == []


def test_an_approval_needs_the_files(lakehouse: Lakehouse) -> None:
    folder = lakehouse.drop("a volume")
    lakehouse.ingest()
    (folder / "manifest.json").unlink()
    with pytest.raises(WrongUse, match="put them back"):
        lakehouse.decide("a", "approve")


def test_the_quality_gate_holds_the_pass_until_a_person_accepts_it(lakehouse: Lakehouse) -> None:
    lakehouse.gate_refuses = {"b"}
    assert lakehouse.arrive("a", "b<a") == ["a held QUALITY_GATE", "b held QUALITY_GATE"]
    assert lakehouse.arrive("c<b") == ["c held CHAIN_GAP"]
    assert lakehouse.decide("b", "approve") == ["a accepted", "b accepted +c", "c accepted"]
    assert lakehouse.done[-4:] == ["judge c", "bronze c at 3", "pass a b in spite of the gate", "pass c"]
    assert lakehouse.returned("b")["rows_set_aside"] == {"CODE_INVALID": 2}


def test_a_delivery_rejected_at_the_quality_gate_leaves_bronze_with_what_follows_it(lakehouse: Lakehouse) -> None:
    lakehouse.gate_refuses = {"b"}
    lakehouse.arrive("a", "b<a", "c<b")
    assert lakehouse.decide("b", "reject") == ["b rejected QUALITY_GATE", "a accepted"]
    assert lakehouse.done[-3:] == ["withdraw c", "withdraw b", "pass a"]
    assert lakehouse.states() == {"a": "loaded", "b": "rejected", "c": "held"}
    assert lakehouse.arrive("d<a~b") == ["d accepted +c", "c accepted"]


def test_a_delivery_that_replaces_one_at_the_quality_gate_takes_its_place(lakehouse: Lakehouse) -> None:
    lakehouse.gate_refuses = {"b"}
    lakehouse.arrive("a", "b<a")
    assert lakehouse.arrive("c<a~b") == ["b rejected QUALITY_GATE", "c held CHAIN_GAP"]
    assert lakehouse.decide("a", "approve") == ["a accepted +c", "c accepted"]


@pytest.mark.parametrize("crash_at", ["judge a", "bronze a at 1", "judge b", "bronze b at 2", "pass a b"])
def test_a_second_start_goes_on_where_the_first_one_died(lakehouse: Lakehouse, crash_at: str) -> None:
    lakehouse.drop("a")
    lakehouse.drop("b<a")
    lakehouse.crash_at = crash_at
    with pytest.raises(Crash):
        lakehouse.ingest()
    assert lakehouse.ingest() == ["a accepted", "b accepted"]
    assert [step for step in lakehouse.done if step.startswith(("bronze", "pass"))] == [
        "bronze a at 1",
        "bronze b at 2",
        "pass a b",
    ]
    assert lakehouse.ingest() == []


@pytest.mark.parametrize("crash_at", ["judge b", "bronze b at 2", "pass a b"])
def test_a_crash_while_a_held_delivery_is_released_loses_nothing(lakehouse: Lakehouse, crash_at: str) -> None:
    lakehouse.arrive("b<a")
    lakehouse.drop("a")
    lakehouse.crash_at = crash_at
    with pytest.raises(Crash):
        lakehouse.ingest()
    assert lakehouse.ingest() == ["a accepted +b", "b accepted"]


def test_an_opposition_is_hidden_after_a_crash_too(lakehouse: Lakehouse) -> None:
    lakehouse.drop("b<a opposes")
    lakehouse.crash_at = "hide b"
    with pytest.raises(Crash):
        lakehouse.ingest()
    assert lakehouse.ingest() == []
    assert lakehouse.done[-2:] == ["hide b", "hidden b"]


def test_a_held_delivery_is_read_from_the_folder_it_was_found_in(lakehouse: Lakehouse) -> None:
    lakehouse.arrive("b<a")
    (lakehouse.root / "landing").rename(lakehouse.root / "moved")
    (lakehouse.root / "landing").mkdir()
    assert lakehouse.arrive("a") == ["a accepted"]
    assert lakehouse.states() == {"b": "held", "a": "loaded"}
    (lakehouse.root / "moved" / "gr/2020/01/GR-20200101-002").rename(lakehouse.root / "landing" / "gr/2020/01/GR-20200101-002")
    assert lakehouse.ingest() == ["b accepted"]


def test_a_landing_folder_that_was_moved_is_the_same_landing(lakehouse: Lakehouse) -> None:
    lakehouse.arrive("b<a")
    lakehouse.drop("a")
    moved = (lakehouse.root / "landing").rename(lakehouse.root / "moved")
    assert told(stage.ingest(lakehouse.settings, moved, {}, lakehouse)) == ["a accepted +b", "b accepted"]


def test_a_delivery_that_replaces_one_which_is_accepted_meanwhile_comes_too_late(lakehouse: Lakehouse) -> None:
    lakehouse.drop("a")
    lakehouse.drop("b~a")
    numbers = stage.find(lakehouse.settings, lakehouse.root / "landing")
    for step in (
        lambda number: stage.judge(lakehouse.settings, number, {}),
        lambda number: stage.load(lakehouse.settings, number),
    ):
        for number in numbers:
            step(number)
    assert lakehouse.states() == {"a": "loading", "b": "rejected"}


def test_the_steps_of_an_orchestrator_do_the_same_by_numbers_alone(lakehouse: Lakehouse) -> None:
    lakehouse.drop("b<a")
    lakehouse.drop("a")
    numbers = stage.find(lakehouse.settings, lakehouse.root / "landing")
    for number in numbers:
        stage.judge(lakehouse.settings, number, {})
        stage.load(lakehouse.settings, number)
        stage.publish(lakehouse.settings, number, lakehouse)
    assert [getattr(stage.verdict(lakehouse.settings, number), "outcome", None) for number in numbers] == ["accepted", "accepted"]
    assert stage.find(lakehouse.settings, lakehouse.root / "landing") == []


def test_the_mirror_is_written_only_when_the_ledger_changed(lakehouse: Lakehouse) -> None:
    lake = Lake(lakehouse.settings.lake)
    lakehouse.arrive("a")
    version = lake.version("ops", "delivery")
    lakehouse.arrive("a")
    assert lake.version("ops", "delivery") == version
    lakehouse.arrive("b<a")
    rows = lake.frame("ops", "delivery", ["delivery_id", "outcome", "rows_new", "rows_set_aside"]).rows()
    assert rows == [("GR-20200101-001", "accepted", 5, 2), ("GR-20200101-002", "accepted", 5, 2)]


def test_status_names_what_is_still_held(lakehouse: Lakehouse) -> None:
    lakehouse.arrive("a", "c<b", "d<a volume")
    told = status.status(lakehouse.settings).told()
    assert [(short(each["delivery_id"]), each["reason_codes"], each["waits_for"]) for each in told["held"]] == [
        ("c", ["CHAIN_GAP"], delivery_id("b")),
        ("d", ["VOLUME_SUSPICIOUS"], None),
    ]
    assert told["tables"]["ops/delivery"] == {"rows": 3}


def test_another_hospital_is_asked_for_patients_in_its_newest_report(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse.arrive("a")
    again = Finding(10, "SEND_AGAIN", "Please send everything of the patient again.", f"{delivery_id('a')}/GR_PATIENT.csv.gz", 4)
    monkeypatch.setattr(load, "load", lambda *_: Loaded(0, {}, {}, {}, 0, [again]))
    lakehouse.arrive("b<a")
    assert [(each["file"], each["row"]) for each in lakehouse.returned("b")["send_again"]] == [
        (f"{delivery_id('a')}/GR_PATIENT.csv.gz", 4)
    ]
    assert "send these patients again" in (lakehouse.root / "lake/returns/gr" / f"{delivery_id('b')}.html").read_text()


def test_a_folder_whose_name_is_not_utf_8_is_refused_and_the_others_are_loaded(lakehouse: Lakehouse) -> None:
    lakehouse.drop("b").rename(lakehouse.root / "landing" / "gr" / "2020" / "01" / "GR-\udcff")
    assert lakehouse.arrive("a") == ["? rejected MANIFEST_INVALID", "a accepted"]
    assert lakehouse.ingest() == []
    [report] = (lakehouse.root / "lake/returns").glob("*/unknown.announcement-*.json")
    assert "Expected a folder with a name in UTF-8" in report.read_text()


def test_a_delivery_in_a_folder_that_was_closed_waits_until_it_is_open(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Path.exists

    def closed(path: Path) -> bool:
        if path.parent.name == delivery_id("a"):
            raise PermissionError(13, "Permission denied")
        return look(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "exists", closed)
        assert lakehouse.arrive("a", "b<a") == ["b held CHAIN_GAP"]
    assert lakehouse.ingest() == ["a accepted +b", "b accepted"]


def test_a_held_delivery_in_a_folder_that_was_closed_stops_nobody(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Path.exists

    def closed(path: Path) -> bool:
        if path.parent.name == delivery_id("b"):
            raise PermissionError(13, "Permission denied")
        return look(path)

    lakehouse.arrive("b<a")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "exists", closed)
        assert lakehouse.arrive("a") == ["a accepted"]
    assert lakehouse.ingest() == ["b accepted"]


def test_reports_of_a_delivery_that_cannot_be_named_have_a_place(lakehouse: Lakehouse) -> None:
    folder = lakehouse.root / "landing" / "somewhere"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"words": ["unreadable"]}))
    assert lakehouse.ingest() == ["? rejected MANIFEST_INVALID"]
    assert [each.name for each in (lakehouse.root / "lake/returns/unknown").glob("*.json")] == ["unknown.announcement-1.json"]
    assert returns.claimed_id(folder) == (None, None)


@pytest.mark.parametrize("place", ["somewhere", "nowhere/2020/01/somewhere"], ids=["of nobody", "of no hospital that is known"])
def test_a_delivery_out_of_place_waits_while_somebody_is_alone_in_the_lake(lakehouse: Lakehouse, place: str) -> None:
    folder = lakehouse.root / "landing" / place
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"words": ["unreadable"]}))
    with ThreadPoolExecutor(1) as other, closing(Ledger(lakehouse.settings)) as ledger:
        with ledger.alone(hospitals()):
            judged = other.submit(lakehouse.ingest)
            time.sleep(1)
            assert [each.outcome for each in ledger.announcements()] == [None]
        assert judged.result() == ["? rejected MANIFEST_INVALID"]
