"""The summary at the end of a run."""

import io
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.summary import judged, summarise
from quality.verdicts import RuleResult, Verdict, record

REPORT = {"delivery_id": "GR-20240101-001", "center": "gr", "reason_codes": ["CHECKSUM_MISMATCH"], "rows_read": 1200}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A lake with a refused delivery, one that nobody judged yet, a silver and a gold table, two rows in quarantine."""
    made = Settings(lake=str(tmp_path / "lake"))
    ledger = Ledger(made)
    ledger.announce("gr/2024/01/GR-20240101-001/manifest.json", 1, 1, "somewhere")
    ledger.announce("gr/2024/02/GR-20240201-001/manifest.json", 1, 2, "somewhere")
    ledger.settle(1, "rejected", REPORT)
    ledger.close()
    lake = Lake(made.lake)
    lake.write(
        "silver", "grade", pl.DataFrame({"is_current": [True, True, False], "is_deleted": [False, False, True]}).to_arrow()
    )
    lake.write("gold", "sample_catalog", pl.DataFrame({"specimen_id": ["s1"]}).to_arrow())
    lines = {"center": ["gr", "gr"], "status": ["set_aside", "waiting"], "reason": ["CODE_INVALID", "ORPHAN_PATIENT"]}
    lake.write("quarantine", "gr_drug", pl.DataFrame(lines).to_arrow())
    warning = RuleResult("UnexpectedRowsExpectation", "", "warning", False, 17, "dx_date is before death")
    record(made.lake, 1, [Verdict("silver.grade", True, 3, (warning,), 0.1)])
    return made


def told(settings: Settings, runs: list[dict[str, object]], width: int = 180) -> str:
    out = Console(file=io.StringIO(), width=width)
    summarise(settings, runs, out, 12.3)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_it_tells_verdicts_rows_reasons_and_what_to_type_next(settings: Settings) -> None:
    run = {
        "dag": "delivery_ingest",
        "run": "r",
        "state": "failed",
        "key": "1",
        "tasks": {"verify": "success", "verdict": "failed"},
    }
    text = told(settings, [run])
    lines = text.splitlines()
    assert "2 deliveries of 1 hospital: 1 rejected, 1 not judged yet." in text
    assert "1 DAG run in 12 s." in text
    assert any(
        all(word in line for word in ("delivery_ingest", "GR-20240101-001", "failed", "1 success, 1 failed: verdict"))
        for line in lines
    )
    [at] = [number for number, line in enumerate(lines) if all(word in line for word in ("GR-20240101-001", "rejected", "1,200"))]
    assert "CHECKSUM_MISMATCH" in lines[at + 1]
    assert any("GR-20240201-001" in line and "not judged yet" in line for line in lines)
    assert any("CODE_INVALID" in line for line in lines)
    assert any("ORPHAN_PATIENT" in line for line in lines)
    assert any("dx_date is before death" in line and "17" in line for line in lines)
    assert any("grade" in line and "2" in line for line in lines)
    assert "pscc sql" in text
    assert "pscc ingest" in text


def test_names_that_look_like_markup_are_shown_as_they_are(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "[").mkdir()
    Path(settings.lake).rename(tmp_path / "[/lake]")
    run = {"dag": "[/dag]", "run": "r", "state": "[/state]", "key": "1", "tasks": {"[/task]": "failed"}}
    text = told(Settings(lake=str(tmp_path / "[/lake]")), [run])
    assert all(name in text for name in ("[/dag]", "[/state]", "[/task]", "[/lake]"))


def test_without_a_run_it_says_that_nothing_was_to_be_done(settings: Settings) -> None:
    assert "Nothing new in landing" in told(settings, [])


def test_the_last_verdict_on_a_table_counts(settings: Settings) -> None:
    record(settings.lake, 2, [Verdict("silver.grade", True, 3, (), 0.1)])
    assert "dx_date is before death" not in told(settings, [])


def test_a_delivery_that_was_never_known_is_named_by_its_folder(settings: Settings) -> None:
    ledger = Ledger(settings)
    assert [(each.delivery_id, each.outcome) for each in judged(ledger)] == [
        ("GR-20240101-001", "rejected"),
        ("GR-20240201-001", "not judged yet"),
    ]
    ledger.close()


def test_the_pictures_stand_where_it_says(settings: Settings) -> None:
    lines = {"center": ["gr"], "table_name": ["grade"], "variable": ["value"], "n_rows": [3], "n_filled": [2]}
    Lake(settings.lake).write("gold", "quality", pl.DataFrame(lines).to_arrow())
    assert "completeness.png" in told(settings, []).replace("\n", "")
    assert Path(settings.lake, "pictures", "completeness.png").stat().st_mtime <= datetime.now(UTC).timestamp()


def test_no_number_of_a_delivery_is_cut_in_a_narrow_terminal(settings: Settings) -> None:
    ledger = Ledger(settings)
    ledger.announce("curie/2024/03/CURIE-20240301-001/manifest.json", 1, 3, "somewhere")
    numbers = {"rows_read": 11_111, "rows_silver": {"new": 22_222, "changed": 33_333, "deleted": 44_444}}
    numbers |= {
        "rows_set_aside": {"CODE_INVALID": 55_555},
        "rows_waiting": {"ORPHAN_PATIENT": 66_666},
        "rows_dropped_opposed": 77_777,
    }
    ledger.settle(3, "accepted", {"delivery_id": "CURIE-20240301-001", "center": "curie", **numbers})
    ledger.close()
    shown = " ".join(f"{number}{number},{number}{number}{number}" for number in range(1, 8))
    [line] = [line for line in told(settings, [], width=80).splitlines() if "CURIE-20240301-001" in line]
    assert " ".join(line.split()) == f"CURIE-20240301-001 accepted {shown}"
