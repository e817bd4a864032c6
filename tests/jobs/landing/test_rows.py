"""Row checks and readings: small tables of what was sent and what becomes of it."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from jobs.hospitals import hospitals
from jobs.hospitals.feed import column
from jobs.landing.cells import CellReader, Manner, TypedReader
from jobs.landing.dates import Limits
from jobs.landing.model import StagedFile
from jobs.landing.pseudonyms import row_id
from tests.jobs.landing.sending import PSEUDONYMS, A, B, judged

STATUSES = ("ok", "empty", "unreadable", "code", "range", "date")
LIMITS = Limits(date(2022, 2, 10), datetime(2022, 3, 1, tzinfo=UTC))


def manner(center: str, domain: str = "tumour", **more: Any) -> Manner:
    hospital = hospitals()[center]
    domain = "visit" if center == "aphp" else domain
    return Manner(hospital, hospital.feed(domain), LIMITS, hospital.date_format, PSEUDONYMS, **more)


def read(center: str, line: str, *sent: str | None, **more: Any) -> list[tuple[Any, str]]:
    cells = CellReader(manner(center, **more)).text(column(line), pa.array(sent, pa.string()))
    return list(zip(cells.read.to_list(), (STATUSES[status] for status in cells.status), strict=True))


@pytest.mark.parametrize(
    ("center", "line", "sent", "value", "status"),
    [
        ("gr", "X text", "  a\u00a0", "a", "ok"),
        ("gr", "X text", "NR", None, "empty"),
        ("gr", "X text", "nr", "nr", "ok"),
        ("gr", "X id", "NR", "NR", "ok"),
        ("gr", "X text K", "NR", "NR", "ok"),
        ("gr", "X code = D | NA", "NA", "NA", "ok"),
        ("gr", "X code = D | G", "NA", None, "empty"),
        ("gr", "X code = D | G", "Z", None, "code"),
        ("gr", r"X code ~ ^C\d{2}(\.\d)?$", "C50,9", "C50.9", "ok"),
        ("gr", r"X code ~ ^C\d{2}(\.\d)?$", "C٥٠", None, "code"),
        ("gr", "X int", "007", 7, "ok"),
        ("gr", "X int", "1,0", None, "unreadable"),
        ("gr", "X int 1..5", "6", None, "range"),
        ("gr", "X dec", "1 234,5", 1234.5, "ok"),
        ("gr", "X dec", "1\u00a0234", 1234.0, "ok"),
        ("gr", "X dec", "1.5", None, "unreadable"),
        ("gr", "X dec 0..", "-1", None, "range"),
        ("curie", "X dec", "1.5", 1.5, "ok"),
        ("curie", "X dec", "1e999", None, "unreadable"),
        ("gr", "X bool", "O", True, "ok"),
        ("gr", "X bool", "oui", None, "unreadable"),
        ("curie", "X bool", "0", False, "ok"),
        ("gr", "X date", "29/02/2020", date(2020, 2, 29), "ok"),
        ("gr", "X date", "31/02/2020", None, "unreadable"),
        ("gr", "X date", "1/2/2020", None, "unreadable"),
        ("gr", "X date", "01/01/1900", None, "empty"),
        ("gr", "X date", "31/12/1899", date(1899, 12, 31), "date"),
        ("gr", "X date", "11/02/2022", date(2022, 2, 11), "date"),
        ("gr", "X date", "02/2020", None, "unreadable"),
        ("gr", "X date~", "02/2022", date(2022, 2, 15), "ok"),
        ("gr", "X date~", "03/2022", date(2022, 3, 15), "date"),
        ("gr", "X date~", "2022", date(2022, 7, 1), "ok"),
        ("gr", "X date birth", "03/01/1950", date(1950, 1, 15), "ok"),
        ("gr", "X date birth", "28/02/2022", date(2022, 2, 15), "ok"),
        ("gr", "DATE_MAJ date", "01/03/2022", date(2022, 3, 1), "ok"),
        ("gr", "DATE_MAJ date", "02/03/2022", date(2022, 3, 2), "date"),
        ("gr", "X datetime", "10/02/2022 23:59", datetime(2022, 2, 10, 23, 59, tzinfo=UTC), "ok"),
        ("curie", "X code = UMLS:C1", "ULMS:C1", "UMLS:C1", "ok"),
        ("curie", "X code = UMLS:C1", "UMLS:C0439673", None, "empty"),
        ("curie", "X code = UMLS:C0439673", "UMLS:C0439673", "UMLS:C0439673", "ok"),
        ("curie", "Patient_DeathDate date", "2022-02-15", date(2022, 2, 15), "ok"),
        ("aphp", r"X string ~ ^[A-Z]\d{2}[0-9A-Z+]{0,5}$", "C50.9", "C509", "ok"),
        ("aphp", "X string", "Inconnu", None, "empty"),
    ],
)  # fmt: skip
def test_what_is_read_of_a_cell(center: str, line: str, sent: str, value: Any, status: str) -> None:
    assert read(center, line, sent) == [(value, status)]


def test_in_a_maf_only_empty_and_dot_are_null() -> None:
    assert read("gr", "X text K", "-", ".", None, "NA", is_maf=True) == [
        ("-", "ok"),
        (None, "empty"),
        (None, "empty"),
        ("NA", "ok"),
    ]


def test_text_encoded_twice_is_repaired_before_it_is_trimmed() -> None:
    twice = "voilà".encode().decode("cp1252")
    assert twice.endswith("\u00a0")
    assert read("gr", "X text", twice, "Féminin", "Ã", is_cp1252=True) == [("voilà", "ok"), ("Féminin", "ok"), ("Ã", "ok")]


def test_a_birth_date_is_stored_with_day_15_and_not_at_all_when_it_cannot_be_read() -> None:
    cells = CellReader(manner("gr")).text(column("X date birth"), pa.array(["03/01/1950", "15/01/1950", "3 janvier 1950", "NR"]))
    assert cells.sent.to_list() == ["15/01/1950", "15/01/1950", None, "NR"]
    assert cells.marks["BIRTH_DAY_REMOVED"].tolist() == [True, False, False, False]


def test_a_day_of_birth_that_was_removed_is_told_with_its_file_row_and_column(tmp_path: Path) -> None:
    name, head = "GR_PATIENT_20220301_001.csv.gz", ";".join(column.name for column in hospitals()["gr"].feed("patient").columns)
    rows = [f"{person * 64};;F;{day}/05/1950;75;V;;;;01/02/2020;N" for person, day in (("a", "15"), ("b", "03"))]
    judgement = judged(tmp_path, name, "patient", "\n".join([head, *rows, ""]), rows=2)
    [removed] = judgement.warnings["BIRTH_DAY_REMOVED"]
    assert (removed.file, removed.row, removed.column) == (name, 2, "DATE_NAISSANCE")


def test_moments_that_no_calendar_has_are_impossible_and_the_others_are_read() -> None:
    far = 9_000_000_000_000_000_000
    sent = pa.array([0, far, None, -2208988800_000_000], pa.int64()).cast(pa.timestamp("us"))
    cells = TypedReader(manner("aphp", "visit")).times(column("X timestamp"), sent)
    assert [STATUSES[status] for status in cells.status] == ["ok", "date", "empty", "empty"]
    assert cells.sent.to_list()[0] == "1970-01-01T00:00:00"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_every_unit_of_a_timestamp_is_read(unit: str) -> None:
    sent = pa.array([datetime(2020, 5, 1, 12)]).cast(pa.timestamp(unit))
    cells = TypedReader(manner("aphp", "visit")).times(column("X timestamp"), sent)
    assert cells.read.to_list() == [datetime(2020, 5, 1, 12, tzinfo=UTC)]


SURGERY = "GR_CHIRURGIE_20220301_001.csv.gz"
HEAD = "ID_ACTE;ID_PATIENT;ID_TUMEUR;DATE_ACTE;CODE_CCAM;ACTIVITE;LIBELLE;RESECTION;REPONSE_NEOADJ;DATE_MAJ;TOP_SUPPR\n"


def staged(root: Path, name: str, domain: str, head: str, *rows: str) -> tuple[StagedFile, pl.DataFrame]:
    judgement = judged(root, name, domain, head + "".join(f"{row}\n" for row in rows), rows=len(rows))
    assert judgement.reason_codes == []
    file = next(judgement.staged(domain))
    return file, pl.read_parquet(file.parquet)


def reasons(file: StagedFile, frame: pl.DataFrame) -> list[str | None]:
    return [file.late_reasons.get(number, reason) for number, reason in frame.select("_source_row_no", "_reason").iter_rows()]


def test_a_row_gets_the_first_reason_that_applies(tmp_path: Path) -> None:
    table = {
        f"C1;{A};T1;01/02/2020;AAFA002;1;x;R0;;01/02/2020;N": None,
        "C2;;T1;mars;AAFA002;1;x;R0;;01/02/2020;N": "REQUIRED_MISSING",
        f"C3;{A};T1;mars;???;1;x;R0;;01/02/2020;N": "TYPE_INVALID",
        f"C4;{A};T1;01/02/1020;???;9;x;R0;;01/02/2020;N": "CODE_INVALID",
        f"C5;{A};T1;01/02/1020;AAFA002;9;x;R0;;01/02/2020;N": "RANGE_INVALID",
        f"C6;{A};T1;01/02/1020;AAFA002;1;x;R0;;01/02/2020;N": "DATE_IMPOSSIBLE",
        f"C7;{A};T1;01/02/2020;AAFA002;1;x;R9;;01/02/2020;N": None,
        "C8;;;;;;;;;;O": None,
        ";;;;;;;;;;O": "REQUIRED_MISSING",
    }  # fmt: skip
    file, frame = staged(tmp_path, SURGERY, "surgery", HEAD, *table)
    assert reasons(file, frame) == list(table.values())
    assert file.set_aside == {reason: 2 if reason == "REQUIRED_MISSING" else 1 for reason in table.values() if reason}
    assert frame["_flags"].to_list()[6] == ["VALUE_NULLED:RESECTION"]
    assert [(fault.row, fault.column) for fault in file.faults][:3] == [(2, "ID_PATIENT"), (3, "DATE_ACTE"), (4, "CODE_CCAM")]


def test_of_the_same_key_the_newest_version_wins_then_the_last_row(tmp_path: Path) -> None:
    table = {
        f"C1;{A};;01/02/2020;AAFA002;1;;;;02/02/2020;N": None,
        f"C1;{A};;01/02/2020;AAFA002;1;;;;01/02/2020;N": "DUPLICATE_KEY",
        f"C2;{A};;01/02/2020;AAFA002;1;;;;01/02/2020;N": "DUPLICATE_KEY",
        f"C2;{A};;01/02/2020;AAFA002;1;;;;01/02/2020;O": None,
        f"C3;{A};;01/02/2020;AAFA002;1;;;;01/02/2020;N": None,
        f"C3;{A};;01/02/2020;ZZ;1;;;;03/02/2020;N": "CODE_INVALID",
    }  # fmt: skip
    file, frame = staged(tmp_path, SURGERY, "surgery", HEAD, *table)
    assert reasons(file, frame) == list(table.values())
    assert file.set_aside == {"CODE_INVALID": 1, "DUPLICATE_KEY": 2}


def test_bronze_knows_persons_and_keyed_ids_but_no_pseudonym_and_no_token(tmp_path: Path) -> None:
    head = "ID_PATIENT;ID_LIEN;SEXE;DATE_NAISSANCE;DEPT_RESIDENCE;STATUT_VITAL;DATE_DERNIERES_NOUVELLES;DATE_DECES;CAUSE_DECES;DATE_MAJ;TOP_SUPPR\n"
    rows = [f"{A};{B};I;03/05/1950;75;D;;;NSP;01/02/2020;N", f"{A[:-1]}b;;F;15/05/1950;75;D;;14/04/1950;;01/02/2020;N"]
    file, frame = staged(tmp_path, "GR_PATIENT_20220301_001.csv.gz", "patient", head, *rows)
    person = PSEUDONYMS.person_id("gr", A)
    first = frame.row(0, named=True)
    assert first["ID_PATIENT"] == first["_person_id"] == first["_source_key"] == first["_read"]["ID_PATIENT"] == person
    assert first["_row_id"] == row_id("gr", "patient", person)
    assert (first["DATE_NAISSANCE"], first["_birth_month"], first["_sex"], first["_token_key"]) == (
        "15/05/1950",
        "1950-05",
        "UN",
        PSEUDONYMS.token_key(B),
    )
    assert first["_flags"] == ["BIRTH_DAY_REMOVED"]
    assert reasons(file, frame) == [None, "DATE_IMPOSSIBLE"]
    assert A not in str(frame.to_dicts())
    assert "ID_LIEN" not in frame.columns


def test_the_content_hash_tells_what_was_read_not_how_it_was_written(tmp_path: Path) -> None:
    rows = [
        f"C1;{A};;01/02/2020;AAFA002;1;x;;;01/02/2020;N",
        f" C1;{A};NR;01/02/2020;AAFA002;01; x;ND;;01/02/2020;N",
        f"C1;{A};;01/02/2020;AAFA002;2;x;;;01/02/2020;N",
    ]
    _, frame = staged(tmp_path, SURGERY, "surgery", HEAD, *rows)
    first, second, third = frame["_content_hash"]
    assert second != third != first
    assert len({first, second}) == 2, "NR in an id is a value"
    assert frame["_parents"].to_list() == [[], [row_id("gr", "tumour", "NR")], []]


def test_only_validated_results_count_and_the_others_are_versions(tmp_path: Path) -> None:
    head = "ID_RES;ID_PATIENT;DATE_PRELEV;CODE_ANALYSE_LOCAL;CODE_LOINC;LIBELLE;VALEUR;UNITE;BORNE_INF;BORNE_SUP;STATUT;DATE_MAJ;TOP_SUPPR\n"
    table = {
        f"R1;{A};01/02/2020 10:00;HB;;;12;g/dL;;;VALIDE;01/02/2020;N": "DUPLICATE_KEY",
        f"R1;{A};01/02/2020 10:00;HB;;;12;g/dL;;;ANNULE;02/02/2020;N": "NOT_VALIDATED",
        f"R2;{A};01/02/2020 10:00;HB;;;12;g/dL;;;;02/02/2020;N": "REQUIRED_MISSING",
        "R3;;;;;;;;;;;02/02/2020;O": None,
    }  # fmt: skip
    file, frame = staged(tmp_path, "GR_BIOLOGIE_20220301_001.csv.gz", "lab", head, *table)
    assert reasons(file, frame) == list(table.values())


def stay(
    nadl: str = "N" * 20,
    *,
    entry: str = "01022020",
    end: str = "03022020",
    finess: str = "940000664",
    version: str = "022",
    acts: str = "",
) -> str:
    fixed = f"{finess}{version}{'S1':20}{nadl:20}{'1':10}{'03051950':8}1{'':4}{'':2}{entry}8 {end}8 {'':5}{'':4}{'':2}{'':8}000100{len(acts) // 29:03}{'C719':8}{'':8}{'':3}{'':33}"
    return fixed + f"{'C50':8}" + acts


def test_stays_are_read_by_position_and_asked_what_only_stays_are_asked(tmp_path: Path) -> None:
    act = f"{'02022020':8}{'AAFA002':7}{'':3}01 {'':4}{'':2}01"
    name = "940000664.2020.2.rss.txt.gz"
    table = {
        stay("A" * 20, acts=act): None,
        stay("B" * 20, finess="940000665"): "CODE_INVALID",
        stay("C" * 20, version="021"): "CODE_INVALID",
        stay("D" * 20, entry="01022019"): "DATE_IMPOSSIBLE",
        stay("E" * 20, end="01012020"): "DATE_IMPOSSIBLE",
        stay("", acts=act): "REQUIRED_MISSING",
        stay("F" * 20, acts=act.replace("02022020", "02021820")): "DATE_IMPOSSIBLE",
    }  # fmt: skip
    file, frame = staged(tmp_path, name, "stay", "", *table)
    assert reasons(file, frame) == list(table.values())
    found = frame["_read"][0]
    assert (found["DP"], found["DAS"], found["DAD"], found["YEAR"]) == ("C719", ["C50"], [], 2020)
    assert found["ACTES"] == [{"DATE": date(2020, 2, 2), "CCAM": "AAFA002", "PHASE": "0", "ACTIVITE": "1", "NB_EXEC": 1}]
    assert (frame["DATE_NAISSANCE"][0], frame["_group_id"][0], file.group_id) == ("15051950", "2020", "2020")
    assert judged(tmp_path / "short", name, "stay", stay()[:-1] + "\n", rows=1).reason_codes == ["FORMAT_INVALID"]


def test_a_change_event_of_another_time_is_a_version_not_a_duplicate() -> None:
    from jobs.landing.keys import KeyHashes

    hashes = KeyHashes()
    hashes.add(pl.Series(["a", "b", None]))
    hashes.add(pl.Series(["b", None, "c"]))
    assert len(hashes.repeated()) == 1
