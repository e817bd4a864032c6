"""Gate 10: what deletes or refuses suspiciously much waits for a person, and only that."""

from pathlib import Path

import pytest

from jobs.lake import Lake
from jobs.landing import load
from jobs.landing.vault import Vault
from tests.jobs.landing.staging import delivery, settings
from tests.jobs.landing.test_load import bring, content


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(settings(tmp_path))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(settings(tmp_path).lake)


def lines(head: str, line: str, numbers: range) -> str:
    """A table whose rows are `line` with `{n}` counted."""
    return "\n".join([head, *(line.format(n=n) for n in numbers)])


def findings(vault: Vault, lake: Lake, judgement: object, position: int = 2) -> list[tuple[str, str | None]]:
    return [(each.code, each.file) for each in load.review(vault, lake, judgement, position)]  # type: ignore[arg-type]


CURIE = ("CURIE-20200101-001", "CURIE-20200201-001")
CURIE_PATIENT = ("Patient_id", "p{n}")
CURIE_DRUG = ("Instance_Id | Patient_Id | Treatment_Ref", "{n} | p{n} | {n}")
CURIE_LINE = ("Instance_Id | Patient_Id", "{n} | p{n}")
CURIE_RIGHTS = "patientid | patientinformed | opposition | oppositiondateday | oppositiondatemonth | oppositiondateyear | scope"


def snapshot(folder: Path, name: str, patients: range, drugs: range, rights: str = "") -> object:
    tables = {"patient": lines(*CURIE_PATIENT, patients), "line": lines(*CURIE_LINE, patients), "drug": lines(*CURIE_DRUG, drugs)}
    return delivery(folder, name, rights=rights, n_opposed=0, **tables)


@pytest.mark.parametrize(
    ("patients", "drugs", "found"),
    [
        pytest.param(range(100), range(100), [], id="the same again"),
        pytest.param(range(80), range(80), [], id="a fifth fewer patients"),
        pytest.param(range(79), range(79), [("VOLUME_SUSPICIOUS", "patient")], id="more than a fifth fewer"),
        pytest.param(range(100), range(80), [], id="a fifth of a file"),
        pytest.param(range(100), range(79), [("VOLUME_SUSPICIOUS", "drug")], id="more than a fifth of a file"),
        pytest.param(range(100), range(0), [("VOLUME_SUSPICIOUS", "drug")], id="an empty file"),
        pytest.param(range(85), range(80), [], id="rows that go with their patients are not counted"),
    ],
)
def test_a_snapshot_may_not_shrink_by_more_than_a_fifth(
    tmp_path: Path, vault: Vault, lake: Lake, patients: range, drugs: range, found: list[tuple[str, str]]
) -> None:
    bring(vault, lake, snapshot(tmp_path, CURIE[0], range(100), range(100)), 1)  # type: ignore[arg-type]
    assert findings(vault, lake, snapshot(tmp_path, CURIE[1], patients, drugs)) == found


def test_few_rows_may_go_whatever_their_share(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    bring(vault, lake, snapshot(tmp_path, CURIE[0], range(100), range(19)), 1)  # type: ignore[arg-type]
    assert findings(vault, lake, snapshot(tmp_path, CURIE[1], range(100), range(0))) == []


def test_rows_of_newly_opposed_patients_are_not_counted(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    bring(vault, lake, snapshot(tmp_path, CURIE[0], range(100), range(100)), 1)  # type: ignore[arg-type]
    rights = lines(CURIE_RIGHTS, "p{n} | true | true | 1 | 1 | 2019 | all", range(75, 100))
    assert findings(vault, lake, snapshot(tmp_path, CURIE[1], range(100), range(75), rights)) == []


def test_looking_changes_nothing(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    bring(vault, lake, snapshot(tmp_path, CURIE[0], range(30), range(30)), 1)  # type: ignore[arg-type]
    rights = f"{CURIE_RIGHTS}\np1 | true | true | 1 | 1 | 2019 | all"
    findings(vault, lake, snapshot(tmp_path, CURIE[1], range(30), range(30), rights))
    load.publish_identity(vault, lake, lambda: None)
    assert content(lake, "identity", "person_id") == []


GR = ("GR-20200101-001", "GR-20200201-001")
GR_PATIENT = "ID_PATIENT | TOP_SUPPR | DATE_MAJ"


@pytest.mark.parametrize(("deleted", "found"), [(20, []), (21, [("VOLUME_SUSPICIOUS", "patient")])])
def test_an_increment_may_not_delete_more_than_a_fifth_of_the_patients(
    tmp_path: Path, vault: Vault, lake: Lake, deleted: int, found: list[tuple[str, str]]
) -> None:
    bring(vault, lake, delivery(tmp_path, GR[0], patient=lines(GR_PATIENT, "p{n} | N | 2020-01-01", range(100))), 1)
    assert (
        findings(vault, lake, delivery(tmp_path, GR[1], patient=lines(GR_PATIENT, "p{n} | O | 2020-01-01", range(deleted))))
        == found
    )


def test_a_deletion_older_than_what_is_known_deletes_nothing(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    head = "person_id | op | extract_ts"
    bring(vault, lake, delivery(tmp_path, "APHP-20200101-001", patient=lines(head, "p{n} | I | 2020-01-01T00:00", range(10))), 1)
    old, new = (lines(head, f"p{{n}} | D | {year}-01-02T00:00", range(10)) for year in (2019, 2020))
    assert findings(vault, lake, delivery(tmp_path, "APHP-20200201-001", patient=old)) == []
    assert findings(vault, lake, delivery(tmp_path, "APHP-20200201-001", patient=new)) == [("VOLUME_SUSPICIOUS", "patient")]


@pytest.mark.parametrize(
    ("table", "found"),
    [("stay__2019", [("VOLUME_SUSPICIOUS", "stay.2019")]), ("stay__2018", [])],
)
def test_a_year_of_stays_may_not_be_emptied(
    tmp_path: Path, vault: Vault, lake: Lake, table: str, found: list[tuple[str, str]]
) -> None:
    tables = {
        "patient": f"{GR_PATIENT}\np1 | N | 2020-01-01",
        "stay_link": lines("NADL | ID_PATIENT", "N{n} | p1", range(30)),
        "stay__2019": lines("NADL | N_RUM", "N{n} | 1", range(30)),
    }
    bring(vault, lake, delivery(tmp_path, GR[0], **tables), 1)
    assert findings(vault, lake, delivery(tmp_path, GR[1], **{table: ""})) == found


def test_stays_that_wait_for_their_patient_are_not_current(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    tables = {"patient": f"{GR_PATIENT}\np1 | N | 2020-01-01", "stay__2019": lines("NADL | N_RUM", "N{n} | 1", range(30))}
    bring(vault, lake, delivery(tmp_path, GR[0], **tables), 1)
    assert findings(vault, lake, delivery(tmp_path, GR[1], stay__2019="")) == []


def test_each_panel_is_judged_by_itself(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    head = "CODE_PANEL | GENE"
    big, small = lines(head, "BIG | G{n}", range(500)), "\n".join(f"SMALL | G{n}" for n in range(50))
    bring(vault, lake, delivery(tmp_path, GR[0], patient=f"{GR_PATIENT}\np1 | N | 2020-01-01", panel=f"{big}\n{small}"), 1)
    assert findings(vault, lake, delivery(tmp_path, GR[1], panel=f"{big}\n{small}")) == []
    assert findings(vault, lake, delivery(tmp_path, GR[1], panel=big)) == [("VOLUME_SUSPICIOUS", "panel")]


@pytest.mark.parametrize(
    ("bad", "reason", "found"),
    [
        pytest.param(31, "CODE_INVALID", [("REJECT_RATE_HIGH", "tumour")], id="more than 30 %"),
        pytest.param(30, "CODE_INVALID", [], id="30 %"),
        pytest.param(60, "NOT_VALIDATED", [], id="not for what is only not validated"),
    ],
)
def test_a_file_that_is_refused_too_often_waits(
    tmp_path: Path, vault: Vault, lake: Lake, bad: int, reason: str, found: list[tuple[str, str]]
) -> None:
    head = "ID_TUMEUR | ID_PATIENT | _reason"
    rows = lines(head, f"T{{n}} | p{{n}} | {reason}", range(bad)) + "\n" + lines("", "T{n} | p{n} |", range(bad, 100)).strip()
    assert findings(vault, lake, delivery(tmp_path, GR[0], tumour=rows), 1) == found
