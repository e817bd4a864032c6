"""Ingest on the sample deliveries up to bronze: every faulty case gets the verdict that its answer key asks for."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jobs.ingest import ingest
from jobs.lake import Lake, content_hash
from jobs.landing.signature import load_keys
from jobs.ledger import Ledger
from jobs.returns import Report
from jobs.settings import Settings
from quality import drift

FAULTY = Path(os.environ.get("PSCC_SAMPLES", "../shared/deliveries"), "faulty").resolve()
# What ends before the engine or turns on the chain; the others are compared with silver in tests/flow.
CHOSEN = """
    exact_redelivery same_id_other_content same_files_new_id out_of_order chain_fork rejected_then_replaced rejected_again gap_and_fault
    replaces_wrong pseudonym_key_changed window_gap gap_with_opposition linked_opposition_lifted
    name_column clear_patient_id nir_in_text phone_in_text identifier_in_added_column
    manifest_not_json manifest_member_missing clock_skew path_traversal file_name_spaces_accents wrong_hospital_key retired_key
    mass_deletion reject_rate_high snapshot_drops_60_percent snapshot_empty_file stay_year_emptied
"""
pytestmark = [
    pytest.mark.samples,
    pytest.mark.skipif(
        not FAULTY.is_dir(), reason=f"the sample deliveries are not at {FAULTY.parent}: set PSCC_SAMPLES to their folder"
    ),
]


@dataclass
class Result:
    number: int
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    waiting: dict[str, dict[str, int]] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)


class NoEngine:
    """Publishes nothing and says so."""

    def warm_up(self) -> None:
        """There is nothing to start."""

    def hide(self, center: str, delivery_ids: list[str], fence: object = None) -> Result:
        return Result(time.time_ns())

    def publish(
        self, center: str, delivery_ids: list[str], accept_failed: bool = False, fence: object = None, without: object = ()
    ) -> Result:
        return Result(time.time_ns())


@dataclass
class Lakehouse:
    root: Path

    def __post_init__(self) -> None:
        (self.root / "landing").mkdir(parents=True, exist_ok=True)
        (self.root / "key").write_text("11" * 32)

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    def drop(self, delivery: Path, setup: list[dict[str, str]]) -> None:
        """Copy a delivery, then write its manifest anew: that is the announcement."""
        target = self.root / "landing" / Path(*delivery.parts[-4:])
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(delivery, target, symlinks=True)
        for each in setup:
            (target / each["make_symlink"]).unlink(missing_ok=True)
            (target / each["make_symlink"]).symlink_to(each["target"])
        os.utime(target / "manifest.json")

    def ingest(self, keys: Path) -> dict[str | None, Report]:
        settings = Settings(lake=str(self.lake), platform_key_file=self.root / "key")
        return {each.delivery_id: each for each in ingest(settings, self.root / "landing", load_keys(keys), NoEngine())}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Lakehouse:
    """A lakehouse that has loaded the base deliveries."""
    made = Lakehouse(tmp_path_factory.mktemp("base"))
    for manifest in sorted((FAULTY / "base").rglob("manifest.json")):
        made.drop(manifest.parent, [])
    assert {each.outcome for each in made.ingest(FAULTY / "keys.json").values()} == {"accepted"}
    return made


@pytest.fixture
def run(base: Lakehouse, tmp_path: Path) -> Callable[[str], list[tuple[dict[str, Any], dict[str | None, Report]]]]:
    """Announce the deliveries of a case one by one: what was expected of each step, and the reports."""

    def steps(case: str) -> list[tuple[dict[str, Any], dict[str | None, Report]]]:
        shutil.copytree(base.root, tmp_path / case, symlinks=True)
        lakehouse, folder = Lakehouse(tmp_path / case), FAULTY / case
        expected = json.loads((folder / "expected.json").read_text())
        told = []
        for step in expected["steps"]:
            lakehouse.drop(folder / step["delivery"], expected.get("setup") or [])
            told.append((step, lakehouse.ingest(FAULTY / "keys.json")))
        return told

    return steps


@pytest.mark.parametrize("case", CHOSEN.split())
def test_a_faulty_delivery_gets_its_verdict(run: Callable[[str], Any], case: str) -> None:
    for step, reports in run(case):
        report = reports[step["delivery_id"]]
        assert (report.outcome, report.reason_codes) == (step["outcome"], sorted(step["reason_codes"]))
        assert set(step.get("warnings") or []) <= set(report.warnings)
        assert (report.rows_set_aside, report.rows_dropped_opposed) == (step["rows_set_aside"], step["rows_dropped_opposed"])
        assert report.released == step.get("then_accepted", [])
        assert all(reports[name].outcome == "accepted" for name in report.released)


def test_a_lift_elsewhere_asks_for_the_patient_in_the_report_of_the_other_hospital(
    run: Callable[[str], Any], tmp_path: Path
) -> None:
    run("linked_opposition_lifted")
    [report] = (tmp_path / "linked_opposition_lifted" / "lake" / "returns" / "aphp").glob("*.json")
    asked = json.loads(report.read_text())["send_again"]
    assert [each["file"].startswith("APHP-20210904-001/person/") for each in asked] == [True]


def test_no_report_or_page_shows_what_was_found(run: Callable[[str], Any], tmp_path: Path) -> None:
    for case in ("email_in_text", "nir_in_text", "name_column"):
        run(case)
        for told in (tmp_path / case / "lake" / "returns").rglob("*.*"):
            assert "@" not in told.read_text().replace("@media", "")


def test_a_delivery_is_measured_against_the_one_before_it(run: Callable[[str], Any], tmp_path: Path) -> None:
    reports = {name: report for _, told in run("out_of_order") for name, report in told.items() if report.outcome == "accepted"}
    measured = drift.recorded(str(tmp_path / "out_of_order" / "lake"))
    assert set(measured["delivery_id"]) == set(reports)
    assert measured.filter(pl.col("previous_delivery_id") >= pl.col("delivery_id")).is_empty()
    for name, report in reports.items():
        warned = measured.filter(pl.col("warning"), pl.col("delivery_id") == name).select("domain", "column", "measure").rows()
        assert [(each["domain"], each["column"], each["measure"]) for each in report.drift] == warned


def announce_in_order(lakehouse: Lakehouse, case: str) -> None:
    for step in json.loads((FAULTY / case / "expected.json").read_text())["steps"]:
        lakehouse.drop(FAULTY / case / step["delivery"], [])


def ingest_in_another_process(lakehouse: Lakehouse, failpoint: str = "") -> subprocess.Popen[bytes]:
    code = (
        "from pathlib import Path; from tests.jobs.test_ingest_samples import FAULTY, Lakehouse\n"
        f"Lakehouse(Path({str(lakehouse.root)!r})).ingest(FAULTY / 'keys.json')"
    )
    environment = os.environ | {"PSCC_FAILPOINT": failpoint, "PSCC_SAMPLES": str(FAULTY.parent)}
    return subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2], env=environment)


def content(lakehouse: Lakehouse) -> dict[str, str]:
    """The content of bronze, the ledger's states and how deliveries differ."""
    lake = Lake(str(lakehouse.lake))
    told = {table: content_hash(lake.frame("bronze", table), ["since"]) for table in lake.tables("bronze")}
    told["drift"] = content_hash(drift.recorded(str(lakehouse.lake)), ["measured_at"])
    ledger = Ledger(Settings(lake=str(lakehouse.lake)), create=False)
    return told | {each.delivery_id: f"{each.state} {each.chain_position}" for each in ledger.deliveries()}


@pytest.fixture(scope="module")
def undisturbed(base: Lakehouse, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What comes of two deliveries, the later one first, when nothing goes wrong."""
    shutil.copytree(base.root, root := tmp_path_factory.mktemp("undisturbed") / "lakehouse")
    announce_in_order(Lakehouse(root), "out_of_order")
    Lakehouse(root).ingest(FAULTY / "keys.json")
    told = content(Lakehouse(root))
    assert sorted(value for value in told.values() if " " in value) == ["loaded 1"] * 3 + ["loaded 2", "loaded 3"]
    return told


@pytest.mark.parametrize("place", ["staging", "before_bronze", "after_bronze", "release_held", "before_ledger"])
def test_a_killed_process_is_followed_by_one_that_ends_the_same(
    base: Lakehouse, undisturbed: dict[str, str], tmp_path: Path, place: str
) -> None:
    lakehouse = Lakehouse(Path(shutil.copytree(base.root, tmp_path / "lakehouse")))
    announce_in_order(lakehouse, "out_of_order")
    assert ingest_in_another_process(lakehouse, place).wait() == -signal.SIGKILL
    lakehouse.ingest(FAULTY / "keys.json")
    assert content(lakehouse) == undisturbed


def test_two_workers_at_once_load_everything_once(base: Lakehouse, undisturbed: dict[str, str], tmp_path: Path) -> None:
    lakehouse = Lakehouse(Path(shutil.copytree(base.root, tmp_path / "lakehouse")))
    announce_in_order(lakehouse, "out_of_order")
    assert [each.wait() for each in [ingest_in_another_process(lakehouse), ingest_in_another_process(lakehouse)]] == [0, 0]
    assert content(lakehouse) == undisturbed
