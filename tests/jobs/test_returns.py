"""Return reports: what the hospital is told, and where quarantined files go."""

import json
import re
from pathlib import Path

import pytest

from jobs import returns
from jobs.hospitals import hospitals
from jobs.landing.model import Finding, Judgement, StagedFile
from jobs.returns import Report

GR = hospitals()["gr"]


def judgement(*findings: Finding) -> Judgement:
    patients = StagedFile("GR_PATIENT.csv.gz", GR.feed("patient"), rows=5, parquet=Path("p"), set_aside={"CODE_INVALID": 2})
    patients.faults = [Finding(9, "CODE_INVALID", "Expected a code of the list.", patients.path, 3, "SEXE")]
    return Judgement("GR-20200101-001", "gr", None, GR, list(findings), {"VALUE_NULLED": []}, [patients])


def test_the_line_has_exactly_the_members_of_the_interface() -> None:
    members = "delivery_id center outcome reason_codes warnings rows_read rows_silver rows_set_aside rows_waiting rows_dropped_opposed rows_gone released seconds"
    assert list(Report(None, None, "rejected").line()) == members.split()
    assert Report(None, None, "rejected").line()["rows_silver"] == {"new": 0, "changed": 0, "unchanged": 0, "deleted": 0}


def test_a_report_says_where_and_counts_by_file() -> None:
    report = returns.judged(judgement(Finding(6, "FORMAT_INVALID", "Expected 12 fields.", "GR_PATIENT.csv.gz", 4)))
    assert (report.outcome, report.reason_codes, report.rows_read, report.warnings) == (
        "rejected",
        ["FORMAT_INVALID"],
        5,
        ["VALUE_NULLED"],
    )
    assert report.findings == [
        {"gate": 6, "code": "FORMAT_INVALID", "sentence": "Expected 12 fields.", "file": "GR_PATIENT.csv.gz", "row": 4}
    ]
    assert report.files[0]["set_aside"] == {"CODE_INVALID": 2}


@pytest.mark.parametrize(
    ("outcome", "codes", "gate", "advice"),
    [
        ("accepted", [], None, "Nothing to do: the delivery is loaded"),
        ("rejected", ["FILE_CORRUPT"], 5, "with this one in `replaces`"),
        ("rejected", ["PATH_UNSAFE"], 1, "without `replaces`"),
        ("rejected", ["PATH_UNSAFE"], 5, "with this one in `replaces`"),
        ("rejected", ["SIGNATURE_INVALID"], 2, "without `replaces`"),
        ("rejected", ["CHAIN_FORK"], 3, "names the last accepted one"),
        ("held", ["CHAIN_GAP"], 3, "loads by itself"),
        ("held", ["VOLUME_SUSPICIOUS"], 10, "data manager"),
    ],
)
def test_the_hospital_reads_what_to_do_next(outcome: str, codes: list[str], gate: int | None, advice: str) -> None:
    report = Report("GR-20200101-001", "gr", outcome, codes, findings=[{"gate": gate, "code": codes[0]}] if gate else [])  # type: ignore[arg-type]
    assert advice in report.advice


def test_report_and_page_stand_beside_each_other(tmp_path: Path) -> None:
    path = Path(returns.write(str(tmp_path), returns.judged(judgement())))
    assert path == tmp_path / "returns" / "gr" / "GR-20200101-001.json"
    assert json.loads(path.read_text())["files"][0]["faults"][0]["column"] == "SEXE"
    page = path.with_suffix(".html").read_text()
    assert "GR_PATIENT.csv.gz" in page
    assert "CODE_INVALID" in page
    assert sorted(each.name for each in path.parent.iterdir()) == ["GR-20200101-001.html", "GR-20200101-001.json"]


def test_the_page_loads_nothing_and_shows_names_as_text(tmp_path: Path) -> None:
    report = Report("GR-20200101-001", "gr", "rejected", ["FILE_UNDECLARED"], judged_at="now")
    report.findings = [
        {
            "gate": 4,
            "code": "FILE_UNDECLARED",
            "sentence": "Expected `files` to name it.",
            "file": "<img src=x onerror=alert(1)>.csv",
        }
    ]
    page = Path(returns.write(str(tmp_path), report)).with_suffix(".html").read_text()
    assert "<img" not in page
    assert "<code>files</code>" in page
    assert not re.search(r"https?://|<script|<link|@import|url\(", page)


def test_the_page_says_where_a_delivery_differs_from_the_one_before(tmp_path: Path) -> None:
    before = {"domain": "patient", "previous_delivery_id": "GR-20191201-001"}
    report = Report("GR-20200101-001", "gr", "accepted")
    report.drift = [
        before | {"column": "", "measure": "rows", "previous": 1200.0, "current": 500.0},
        before | {"column": "SEXE", "measure": "null_share", "previous": 0.0, "current": 0.125},
    ]
    page = Path(returns.write(str(tmp_path), report)).with_suffix(".html").read_text()
    assert "<h2>Other than before</h2>" in page
    assert re.findall(r'<td class="n">([^<]+)', page) == ["1,200", "500", "0.0%", "12.5%"]
    assert "<td>empty cells</td>" in page
    assert page.count("<td>GR-20191201-001</td>") == 2


def test_a_list_that_was_cut_says_of_how_many(tmp_path: Path) -> None:
    found = judgement(*(Finding(7, "IDENTIFIER_FOUND", "Expected none.", "GR_PATIENT.csv.gz", row) for row in range(1, 1502)))
    found.more_findings, found.files[0].more_faults = 3499, 41
    found.warnings = {"VALUE_NULLED": [Finding(8, "VALUE_NULLED", "It is empty now.", "GR_PATIENT.csv.gz", 1)]}
    found.more_warnings["VALUE_NULLED"] = 1233
    path = Path(returns.write(str(tmp_path), returns.judged(found)))
    told = json.loads(path.read_text())
    assert (len(told["findings"]), told["not_listed"]) == (1000, {"findings": 4000, "VALUE_NULLED": 1233})
    assert (len(told["files"][0]["faults"]), told["files"][0]["not_listed"]) == (1, 41)
    assert re.findall("<h2>(.*?)</h2>", path.with_suffix(".html").read_text()) == [
        "What was found: the first 1,000 of 5,000",
        "Files",
        "Rows set aside: the first 1 of 42",
        "Warnings: the first 1 of 1,234",
    ]


def test_the_page_says_what_a_reason_means(tmp_path: Path) -> None:
    page = Path(returns.write(str(tmp_path), returns.judged(judgement()))).with_suffix(".html").read_text()
    assert "<td><code>CODE_INVALID</code></td><td>Expected a code of the list.</td>" in page
    assert re.search('<div class="figures"><div><b>5</b>rows read</div>', page)


def test_of_a_delivery_that_was_not_read_to_its_end_no_rows_are_counted(tmp_path: Path) -> None:
    report = Report("GR-20200101-001", "gr", "rejected", ["FORMAT_INVALID"])
    report.findings = [{"gate": 6, "code": "FORMAT_INVALID", "sentence": "Expected 12 fields.", "file": "a.csv", "row": 12}]
    page = Path(returns.write(str(tmp_path), report)).with_suffix(".html").read_text()
    assert "rows read" not in page
    assert '<td class="n">12</td>' in page


@pytest.mark.parametrize(
    ("folder", "claimed"),
    [
        ("/landing/gr/2020/01/GR-20200101-001", ("GR-20200101-001", "gr")),
        ("/landing/chu2/2020/01/CHU2-20200101-001", ("CHU2-20200101-001", "chu2")),
        ("/landing/2chu/2020/01/2CHU-20200101-001", (None, None)),
        ("/landing/gr/2020/01/../../etc", (None, None)),
        ("/landing/gr/2020/01/GR-20200101-001;rm", (None, "gr")),
        ("/GR-20200101-001", ("GR-20200101-001", None)),
    ],
)
def test_only_what_looks_like_an_id_is_taken_from_a_folder(folder: str, claimed: tuple[str | None, str | None]) -> None:
    assert returns.claimed_id(Path(folder)) == claimed


def test_quarantined_files_are_copied_to_their_owner_alone(tmp_path: Path) -> None:
    delivery = tmp_path / "GR-20200101-001"
    (delivery / "person").mkdir(parents=True)
    (delivery / "person" / "part.parquet").write_bytes(b"rows")
    (delivery / "link.csv").symlink_to("/etc/hostname")
    for _ in range(2):
        kept = Path(returns.restrict(str(tmp_path / "lake"), "gr", delivery.name, delivery))
    assert kept == tmp_path / "lake" / "restricted" / "gr" / delivery.name
    assert [each.relative_to(kept).as_posix() for each in kept.rglob("*") if each.is_file()] == ["person/part.parquet"]
    assert {oct(each.stat().st_mode)[-3:] for each in (kept, kept.parent, kept.parent.parent, kept / "person")} == {"700"}
    assert oct((kept / "person" / "part.parquet").stat().st_mode)[-3:] == "600"
    assert (delivery / "person" / "part.parquet").exists()
