"""The story of a delivery: gates, files, versions and steps agree with what is in the ledger and in the tables."""

from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from jobs.errors import WrongUse
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.story import gates, story
from tests.jobs.deliveries import know
from tests.jobs.landed import REFUSED, Landed, landed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return landed(tmp_path_factory.mktemp("story"))


def test_a_loaded_delivery_has_passed_every_gate(world: Landed) -> None:
    found = story(world.settings, world.of("gr"))
    assert found.state == "loaded"
    assert {each.verdict for each in found.gates} <= {"passed", "warned"}
    assert [(each.from_state, each.to_state) for each in found.steps] == [
        ("announced", "verifying"),
        ("verifying", "loading"),
        ("loading", "loaded"),
    ]
    assert found.passed is not None
    assert found.passed["number"] > 0


def test_its_files_add_up_to_what_was_read(world: Landed) -> None:
    found = story(world.settings, world.of("gr"))
    assert sum(each["rows_read"] for each in found.files) == found.rows["read"] > 0
    assert sum(sum(each["set_aside"].values()) for each in found.files) == sum(found.rows["set_aside"].values())


def test_the_version_told_of_a_table_is_the_one_that_brought_its_rows(world: Landed) -> None:
    delivery = world.of("gr")
    told = {each.table: each.version for each in story(world.settings, delivery).tables}
    path, version = f"{world.settings.lake}/bronze/gr_patient", told["bronze.gr_patient"]
    assert version is not None
    assert DeltaTable(path, version=version).transaction_version(f"pscc/landing/{delivery}") is not None
    assert DeltaTable(path, version=version - 1).transaction_version(f"pscc/landing/{delivery}") is None


def test_a_refused_delivery_stopped_at_one_gate_and_reached_no_table(world: Landed) -> None:
    found = story(world.settings, REFUSED)
    assert [(each.number, each.verdict) for each in found.gates if each.verdict not in ("passed", "not reached")] == [
        (4, "refused")
    ]
    assert {each.verdict for each in found.gates if each.number > 4} == {"not reached"}
    assert found.tables == []


def test_an_id_that_nobody_announced_gets_a_sentence(world: Landed) -> None:
    with pytest.raises(WrongUse, match=r"^Expected the id of a delivery that was announced, found GR-19990101-001"):
        story(world.settings, "GR-19990101-001")


def finding(code: str, gate: int | None = None) -> dict[str, Any]:
    return {"code": code, "sentence": ""} | ({} if gate is None else {"gate": gate})


@pytest.mark.parametrize(
    ("outcome", "findings", "files", "verdicts"),
    [
        # Its files were judged while it waits for its place; volume is asked when it loads.
        ("held", [finding("CHAIN_GAP", 3)], ["f"], "PPHPPPPPPNN"),
        ("held", [finding("VOLUME_SUSPICIOUS", 10)], ["f"], "PPPPPPPPPHN"),
        ("rejected", [finding("CHAIN_FORK", 3)], [], "PPRNNNNNNNN"),
        ("quarantined", [finding("IDENTIFIER_FOUND", 7)], ["f"], "PPPPPPRNNNN"),
    ],
)
def test_gates_are_passed_up_to_the_one_that_stops(
    tmp_path: Path, outcome: str, findings: list[dict[str, Any]], files: list[str], verdicts: str
) -> None:
    ledger = Ledger(Settings(lake=str(tmp_path)))
    with ledger.hospital("gr") as lease:
        known = know(ledger, lease, "a", outcome)
    ledger.close()
    found = gates(known, {"outcome": outcome, "findings": findings, "files": files})
    assert "".join(each.verdict[0].upper() for each in found) == verdicts


def test_the_run_of_the_orchestrator_stands_in_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CTX_DAG_ID", "delivery_ingest")
    monkeypatch.setenv("AIRFLOW_CTX_DAG_RUN_ID", "manual__2026 7")
    ledger = Ledger(Settings(lake=str(tmp_path)))
    with ledger.hospital("gr") as lease:
        known = know(ledger, lease, "a", "rejected")
    assert {each.run for each in ledger.steps(known.delivery_id)} == {"delivery_ingest/manual__2026 7"}
    ledger.close()
