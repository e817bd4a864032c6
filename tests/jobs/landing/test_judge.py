"""Gates 4 to 9: files, containers, text, identifiers, schema and rights, each on a small delivery."""

import gzip
import io
import json
import tarfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.hospitals import hospitals
from jobs.landing.decode import Text
from jobs.landing.delimited import Delimited
from jobs.landing.files import RawFile, read_archive
from jobs.landing.identifiers import is_identifier
from jobs.landing.model import DeclaredFile
from jobs.landing.parquet import as_text, open_parquet
from tests.jobs.landing.sending import EMPTY_RIGHTS, A, archive, body, entry, gz, judge_folder, judged, send

RIGHTS = "GR_OPPOSITION_20220301_001.csv.gz"
PANEL, EVENT, SURGERY = (f"GR_{name}_20220301_001.csv.gz" for name in ("PANEL", "EVENEMENT", "CHIRURGIE"))
HEAD = "CODE_PANEL;VERSION;GENE\r\n"
SURGERY_HEAD = "ID_ACTE;ID_PATIENT;ID_TUMEUR;DATE_ACTE;CODE_CCAM;ACTIVITE;LIBELLE;RESECTION;REPONSE_NEOADJ;DATE_MAJ;TOP_SUPPR\n"


@pytest.mark.parametrize(
    ("text", "rows", "codes"),
    [
        (HEAD + "P;1;TP53\r\n", 1, []),
        (HEAD + "P;1;TP53\n", 1, []),
        (HEAD + "P;1;TP53", 1, []),
        (HEAD + "P;1;TP53\r\n\r\n\n\r\n", 1, []),
        (HEAD, 0, []),
        (HEAD + 'P;"a\r\nb;""c""";TP53\r\n', 1, []),
        (HEAD + 'P;"a\rb";TP53\r\n', 1, []),
        (HEAD + "P;1;TP53\r\n", 2, ["ROW_COUNT_MISMATCH"]),
        ("", 0, ["FORMAT_INVALID"]),
        ("CODE_PANEL;VERSION;" + "x" * 2**17 + "y\n", 0, ["FORMAT_INVALID"]),
        ('CODE_PANEL;x"y\rz;b"c\n', 0, ["FORMAT_INVALID"]),
        ("CODE_PANEL,VERSION,GENE\n", 0, ["FORMAT_INVALID"]),
        ("CODE_PANEL;GENE;GENE\n", 0, ["FORMAT_INVALID"]),
        (HEAD + "P;1\r\n", 1, ["FORMAT_INVALID"]),
        (HEAD + "P;1;2;3\r\n", 1, ["FORMAT_INVALID"]),
        (HEAD + "P;1;TP53\r\n\r\nP;1;KRAS\r\n", 3, ["FORMAT_INVALID"]),
        (HEAD + 'P;"1;TP53\r\n', 1, ["FORMAT_INVALID"]),
        (HEAD + "P;1;TP\0\r\n", 1, ["FORMAT_INVALID"]),
        (HEAD + "P;1;TP53\rP;1;KRAS\r", 2, ["FORMAT_INVALID"]),
        (HEAD + "P;" + "x" * 2**20 + ";TP53\r\n", 1, []),
        (HEAD + "P;" + "x" * (2**20 + 1) + ";TP53\r\n", 1, ["FORMAT_INVALID"]),
        (HEAD + "P;" + "".join(sha256(str(at).encode()).hexdigest() for at in range(9 * 2**14)) + ";TP53\r\n", 1, ["FORMAT_INVALID"]),
        ((HEAD + "P;1;é\r\n").encode(), 1, ["ENCODING_INVALID"]),
        ((HEAD + "P;1;é\r\n").encode() + b"P;1;\xe9\r\n", 2, []),
        (HEAD.encode() + b"P;1;\x81\r\n", 1, ["ENCODING_INVALID"]),
        (b"\xef\xbb\xbf" + HEAD.encode() + b"P;1;TP53\r\n", 1, []),
    ],
    ids=[
        "CRLF", "LF", "no last line end", "blank lines at the end", "header only", "break and quotes in quotes", "CR in quotes", "count off",
        "empty", "header cell over 128 KiB", "CR in the header", "other delimiter", "column twice", "field missing", "field too many", "blank line among others", "open quote", "NUL", "bare CR",
        "field of 1 MiB", "field over 1 MiB", "field of 9 MiB", "whole file is UTF-8", "only partly UTF-8", "byte that cp1252 lacks", "BOM",
    ],
)  # fmt: skip
def test_what_gate_6_says_of_a_text(tmp_path: Path, text: str | bytes, rows: int, codes: list[str]) -> None:
    assert judged(tmp_path, PANEL, "panel", text, rows=rows).reason_codes == codes


def test_a_header_that_breaks_off_inside_a_character_is_not_utf_8(tmp_path: Path) -> None:
    found = judged(tmp_path, PANEL, "panel", b"CODE_PANEL;VERSION;GEN\xc3", rows=0, encoding="utf-8")
    assert found.reason_codes == ["ENCODING_INVALID"]


def test_a_file_in_many_chunks_has_the_same_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.landing.delimited.CHUNK", 64)
    monkeypatch.setattr("jobs.landing.files.PIECE", 7)
    text = HEAD + "".join(f'P;"line\r\n{number};""é""";G{number}\r\n' for number in range(300))
    judgement = judged(tmp_path, PANEL, "panel", text, rows=300)
    assert judgement.reason_codes == []
    panel = next(judgement.staged("panel"))
    staged = pq.read_table(panel.parquet)
    assert staged["VERSION"].to_pylist() == [f'line\r\n{number};"é"' for number in range(300)]
    assert staged["_source_row_no"].to_pylist() == list(range(1, 301))


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"bytes": 1}, ["FILE_SIZE_MISMATCH"]),
        ({"sha256": "0" * 64}, ["FILE_HASH_MISMATCH"]),
        ({"uncompressed_bytes": 10}, ["DECOMPRESSION_LIMIT"]),
        ({"uncompressed_bytes": 10_000}, ["FILE_SIZE_MISMATCH"]),
        ({"schema_id": "gr.panel/2"}, ["SCHEMA_UNKNOWN"]),
        ({"schema_id": "curie.panel/1"}, ["SCHEMA_UNKNOWN"]),
    ],
)
def test_what_a_false_entry_leads_to(tmp_path: Path, change: dict[str, Any], codes: list[str]) -> None:
    assert judged(tmp_path, PANEL, "panel", HEAD + "P;1;TP53\r\n", rows=1, **change).reason_codes == codes


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (gz(HEAD)[:-4], ["FILE_CORRUPT"]),
        (gz(HEAD) + b"garbage", ["FILE_CORRUPT"]),
        (b"no gzip", ["FILE_CORRUPT"]),
        (gz(HEAD) + b"\0" * 512, []),
        (gz(HEAD) + gz("P;1;TP53\n"), []),
    ],
    ids=["cut", "something behind", "no gzip", "padded", "two members"],
)
def test_what_gate_5_says_of_gzip(tmp_path: Path, data: bytes, codes: list[str]) -> None:
    whole = {"uncompressed_bytes": len(HEAD) + (9 if data.endswith(gz("P;1;TP53\n")) else 0)}
    files = [
        entry(RIGHTS, "rights", gz(EMPTY_RIGHTS), rows=0),
        entry(PANEL, "panel", data, rows=int(whole["uncompressed_bytes"] > len(HEAD))) | whole,
    ]
    folder = send(tmp_path, body(files), {RIGHTS: gz(EMPTY_RIGHTS), PANEL: data})
    assert judge_folder(folder, tmp_path / "staging").reason_codes == codes


def test_a_bomb_is_not_inflated_further_than_declared(tmp_path: Path) -> None:
    bomb = gzip.compress(HEAD.encode() + b"P;1;TP53\r\n" * 5_000_000)
    declared = DeclaredFile(PANEL, "panel", 1, len(bomb), "0" * 64, "gr.panel/1", "csv", "cp1252", "gzip", 4000)
    (tmp_path / PANEL).write_bytes(bomb)
    found: list[str] = []
    raw = RawFile(tmp_path / PANEL, declared, lambda gate, code, sentence: found.append(code))
    from jobs.landing.files import Inflated

    inflated = Inflated(raw, 4000)
    assert sum(len(piece) for piece in inflated.pieces()) == 0
    assert inflated.count <= 2**20
    raw.finish()
    assert found == ["DECOMPRESSION_LIMIT", "FILE_HASH_MISMATCH"]


def test_the_lowest_gate_decides_and_nothing_stays_staged(tmp_path: Path) -> None:
    files = [entry(RIGHTS, "rights", gz(EMPTY_RIGHTS), rows=7), entry(PANEL, "panel", gz(HEAD), rows=0, sha256="0" * 64)]
    folder = send(tmp_path, body(files), {RIGHTS: gz(EMPTY_RIGHTS), PANEL: gz(HEAD)})
    judgement = judge_folder(folder, tmp_path / "staging")
    assert (judgement.outcome, judgement.reason_codes, judgement.files) == ("rejected", ["FILE_HASH_MISMATCH"], [])
    assert list((tmp_path / "staging").iterdir()) == []


def test_folder_and_manifest_must_agree_but_hidden_and_unfinished_names_are_ignored(tmp_path: Path) -> None:
    files = [entry(RIGHTS, "rights", gz(EMPTY_RIGHTS), rows=0), entry(PANEL, "panel", gz(HEAD), rows=0)]
    folder = send(tmp_path, body(files), {RIGHTS: gz(EMPTY_RIGHTS), "x/.hidden": b"", "y.part": b"", "extra\nname.csv": b""})
    found = judge_folder(folder, tmp_path / "staging").findings
    assert [(each.code, each.file) for each in found] == [("FILE_MISSING", PANEL), ("FILE_UNDECLARED", "extra\\x0aname.csv")]


def test_what_is_not_listed_is_counted(tmp_path: Path) -> None:
    head = "CODE_PANEL;VERSION;GENE;NOTE\n"
    found = judged(tmp_path / "identifiers", PANEL, "panel", head + "P;1;TP53;x@y.fr\n" * 250, rows=250)
    assert (found.reason_codes, len(found.findings), found.more_findings) == (["IDENTIFIER_FOUND"], 100, 150)
    text = "".join(f"P;1;\nP;1;=G{at}\n" for at in range(1400))
    found = judged(tmp_path / "faults", PANEL, "panel", HEAD + text, rows=2800)
    [panel] = found.staged("panel")
    assert (panel.set_aside, len(panel.faults), panel.more_faults) == ({"REQUIRED_MISSING": 1400}, 1000, 400)
    assert (len(found.warnings["FORMULA_TEXT"]), found.more_warnings) == (100, {"FORMULA_TEXT": 1300})


def test_rights_must_be_declared_and_be_what_rights_path_names(tmp_path: Path) -> None:
    told = {"rights": {"path": PANEL, "as_of": "2022-02-28", "n_opposed": 0}}
    assert judged(tmp_path, PANEL, "panel", HEAD, rows=0, told=told).reason_codes == ["RIGHTS_MISSING"]


@pytest.mark.parametrize(
    ("value", "is_identifier"),
    [
        ("né(e) 1 85 05 78 006 084 91 ici", True),
        ("185057800608491", True),
        ("185057800608492", False),
        ("x185057800608491", False),
        ("write to jean.dupont@hopital.fr", True),
        ("06 12 34 56 78", True),
        ("0612345678", True),
        ("+33 6 12 34 56 78", True),
        ("1.2.250.1.213.1.4.8", True),
        ("1.2.250.1.213.1.4.7", False),
        ("Exérèse 2020-01-01 12/34", False),
    ],
)
def test_what_is_an_identifier_in_a_text(tmp_path: Path, value: str, is_identifier: bool) -> None:
    row = f"C1;{A};;01/02/2020;AAFA002;1;{value};;;01/02/2020;N\n"
    judgement = judged(tmp_path, SURGERY, "surgery", SURGERY_HEAD + row, rows=1)
    assert judgement.outcome == ("quarantined" if is_identifier else "accepted")
    if is_identifier:
        assert [(each.file, each.row, each.column) for each in judgement.findings] == [(SURGERY, 1, "LIBELLE")]
        assert value not in repr(judgement)


def seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize(
    "search",
    [
        lambda: is_identifier("x" * 2**16 + " @", is_code=False),
        lambda: Text([b'"' + b"\ra" * 2**18 + b'"'], "utf-8", is_quoted=True).drain(),
        lambda: list(
            Delimited(Text([b'a;b\nx;\n;"' + b"\n" * 2**18 + b'"\n'], "utf-8", is_quoted=True), ";", is_quoted=True).tables()
        ),
    ],
    ids=["an address", "carriage returns in quotes", "blank lines in quotes"],
)
def test_a_search_takes_time_in_proportion_to_the_text(search: Callable[[], Any]) -> None:
    # Each takes milliseconds; asked anew at every place they took a minute.
    assert seconds(search) < 5


@pytest.mark.parametrize(
    ("text", "is_fault"),
    [
        ('a"b\rc"\r\n', False),
        ('"a"\r"b"', True),
        ('"\r""\r"\r\n', False),
        ('"\r"\r', True),
        ("a\rb", True),
        ("a\r\nb\r\n", False),
    ],
)
def test_a_bare_carriage_return_ends_a_line_outside_quotes_only(text: str, is_fault: bool) -> None:
    for size in (1, 2, len(text)):
        data = text.encode()
        read = Text([data[at : at + size] for at in range(0, len(data), size)], "utf-8", is_quoted=True)
        read.drain()
        assert bool(read.faults) is is_fault


@pytest.mark.parametrize(
    ("key", "patient", "codes"),
    [
        ("0612345678", A, []),
        ("C1", "12345", ["IDENTIFIER_FOUND"]),
        ("C1", A.upper(), ["IDENTIFIER_FOUND"]),
        ("06.12.34.56.78", A, ["IDENTIFIER_FOUND"]),
    ],
)
def test_ten_digits_are_an_id_and_a_patient_only_a_pseudonym(tmp_path: Path, key: str, patient: str, codes: list[str]) -> None:
    row = f"{key};{patient};;01/02/2020;AAFA002;1;;;;01/02/2020;N\n"
    assert judged(tmp_path, SURGERY, "surgery", SURGERY_HEAD + row, rows=1).reason_codes == codes


@pytest.mark.parametrize(
    ("head", "codes", "warnings"),
    [
        ("CODE_PANEL;GENE;VERSION", [], {"SCHEMA_COLUMN_ORDER"}),
        ("CODE_PANEL;VERSION;EXTRA;GENE", [], {"SCHEMA_COLUMN_ADDED"}),
        ("CODE_PANEL;VERSION;SYMBOL", ["SCHEMA_COLUMN_MISSING"], {"SCHEMA_COLUMN_ADDED"}),
        ("CODE_PANEL;VERSION;Nom;GENE", ["IDENTIFIER_FOUND"], {"SCHEMA_COLUMN_ADDED"}),
    ],
)
def test_what_the_names_of_columns_lead_to(tmp_path: Path, head: str, codes: list[str], warnings: set[str]) -> None:
    judgement = judged(tmp_path, PANEL, "panel", f"{head}\n{';'.join('x' * len(head.split(';')))}\n", rows=1)
    assert (judgement.reason_codes, set(judgement.warnings)) == (codes, warnings)


def test_an_added_column_is_kept_without_the_pseudonyms_in_it(tmp_path: Path) -> None:
    judgement = judged(tmp_path, PANEL, "panel", f"CODE_PANEL;VERSION;GENE;SEEN\nP;1;TP53;by {A}\nP;1;KRAS;\n", rows=2)
    added = pq.read_table(next(judgement.staged("panel")).parquet)["_added"].to_pylist()
    assert added[0].startswith('{"SEEN":"by ')
    assert A not in added[0]
    assert added[1] is None


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (f"{HEAD.strip()};SEEN_ON", ["SEEN_ON"]),
        (f"{HEAD.strip()};Marie Dupont", ["no. 4"]),
        (f"{HEAD.strip()};{A}", ["no. 4"]),
        (f"{HEAD.strip()};P0012345", ["no. 4"]),
        (f"{HEAD.strip()};", ["no. 4"]),
        ("P0;1;TP53", ["no. 1", "no. 2", "no. 3"]),
    ],
    ids=["a name", "a value", "a pseudonym", "a number", "no name", "no header"],
)
def test_the_name_of_an_added_column_is_told_only_when_it_can_be_no_value(tmp_path: Path, head: str, told: list[str]) -> None:
    judgement = judged(tmp_path, PANEL, "panel", f"{head}\n{';'.join('x' * len(head.split(';')))}\n", rows=1)
    assert [each.column for each in judgement.warnings["SCHEMA_COLUMN_ADDED"]] == told
    assert not any(name in repr(judgement.findings) for name in ("Marie Dupont", A, "P0012345", "TP53"))


@pytest.mark.parametrize("name", ["jean.dupont@hopital.fr", "06 12 34 56 78", "185057800608491"])
def test_an_identifier_among_the_names_of_columns_is_one(tmp_path: Path, name: str) -> None:
    judgement = judged(tmp_path, PANEL, "panel", f"{HEAD.strip()};{name}\nP;1;TP53;x\n", rows=1)
    assert (judgement.outcome, [each.column for each in judgement.findings]) == ("quarantined", ["no. 4"])
    assert name not in repr(judgement)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("", "column no. 4"),
        (A, "column no. 4"),
        ("*", "*"),
        ("^x$", "^x$"),
        ('"a ""b"""', 'a "b"'),
        ("DAS", "DAS"),
        ("été", "été"),
    ],
)
def test_an_added_column_is_kept_whatever_its_name(tmp_path: Path, name: str, kept: str) -> None:
    judgement = judged(tmp_path, PANEL, "panel", f"{HEAD.strip()};{name}\nP;1;TP53;x\nP;1;KRAS;\n", rows=2)
    added = pq.read_table(next(judgement.staged("panel")).parquet)["_added"].to_pylist()
    assert [each and json.loads(each) for each in added] == [{kept: "x"}, None]


@pytest.mark.parametrize("name", ["DAS", "DAD", "ACTES", "", "[/b]"])
def test_an_added_column_is_searched_for_identifiers_whatever_its_name(tmp_path: Path, name: str) -> None:
    judgement = judged(tmp_path, PANEL, "panel", f"{HEAD.strip()};{name}\nP;1;TP53;jean.dupont@hopital.fr\n", rows=1)
    assert judgement.reason_codes == ["IDENTIFIER_FOUND"]


def test_a_required_column_that_is_mostly_unreadable_has_another_type(tmp_path: Path) -> None:
    rows = "".join(f"C{number};{A};;2020-02-01;AAFA002;1;;;;01/02/2020;N\n" for number in range(20))
    found = judged(tmp_path, SURGERY, "surgery", SURGERY_HEAD + rows, rows=20).findings
    assert [(each.code, each.column) for each in found] == [("SCHEMA_TYPE", "DATE_ACTE")]
    few = "".join(f"C{number};{A};;2020-02-01;AAFA002;1;;;;01/02/2020;N\n" for number in range(19))
    assert judged(tmp_path / "few", SURGERY, "surgery", SURGERY_HEAD + few, rows=19).reason_codes == []


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("../evil.csv", tarfile.REGTYPE, "PATH_UNSAFE"),
        ("/evil.csv", tarfile.REGTYPE, "PATH_UNSAFE"),
        ("evil.csv", tarfile.SYMTYPE, "PATH_UNSAFE"),
        ("evil.csv", tarfile.LNKTYPE, "PATH_UNSAFE"),
        ("evil.csv", tarfile.CHRTYPE, "PATH_UNSAFE"),
        ("evil.csv", tarfile.REGTYPE, "FILE_UNDECLARED"),
    ],
)
def test_what_an_archive_must_not_hold(tmp_path: Path, name: str, kind: bytes, code: str) -> None:
    data = archive((name, b"x", kind))
    (tmp_path / "a.tar.gz").write_bytes(data)
    found: list[str] = []
    declared = DeclaredFile("a.tar.gz", "osiris", 0, len(data), "", "", "tar", "utf-8", "gzip", 1)
    raw = RawFile(tmp_path / "a.tar.gz", declared, lambda gate, code, sentence: found.append(code))
    read_archive(raw, lambda member, content: None, lambda path: lambda gate, code, sentence: found.append(code))
    assert found == [code]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz"]


def test_an_archive_of_names_without_end_is_a_broken_one(tmp_path: Path) -> None:
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 2
    data = gzip.compress((long_name.tobuf(tarfile.GNU_FORMAT) + b"a\0".ljust(512, b"\0")) * 1500)
    (tmp_path / "a.tar.gz").write_bytes(data)
    found: list[str] = []
    declared = DeclaredFile("a.tar.gz", "osiris", 0, len(data), "", "", "tar", "utf-8", "gzip", 2**21)
    raw = RawFile(tmp_path / "a.tar.gz", declared, lambda gate, code, sentence: found.append(code))
    read_archive(raw, lambda member, content: None, lambda path: lambda gate, code, sentence: found.append(code))
    assert found == ["FILE_CORRUPT"]


def test_a_parquet_footer_that_promises_too_much_is_not_followed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"x": pa.array([0] * 3_000_000, pa.int64())}), buffer, use_dictionary=False, compression="gzip")
    path = tmp_path / "x.parquet"
    path.write_bytes(buffer.getvalue())
    found: list[str] = []
    declared = DeclaredFile("x.parquet", "visit", 0, path.stat().st_size, "", "", "parquet")
    assert open_parquet(RawFile(path, declared, lambda gate, code, sentence: found.append(code))) is None
    assert found == ["DECOMPRESSION_LIMIT"]


def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, store_schema=False)
    return buffer.getvalue()


MOMENTS = pa.array([2**62, 0, None], pa.int64()).cast(pa.timestamp("us"))
BROKEN_TEXT = pa.array([b"\xff jean.dupont@hopital.fr", b"x", None], pa.binary())


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (BROKEN_TEXT, ["� jean.dupont@hopital.fr", "x", None]),
        (BROKEN_TEXT.cast(pa.large_string(), safe=False), ["� jean.dupont@hopital.fr", "x", None]),
        (BROKEN_TEXT.cast(pa.string(), safe=False).dictionary_encode(), ["� jean.dupont@hopital.fr", "x", None]),
        (pa.ListArray.from_arrays([0, 1, 2], BROKEN_TEXT.cast(pa.string(), safe=False)), ["� jean.dupont@hopital.fr", "['x']"]),
        (
            pa.StructArray.from_arrays([MOMENTS, pa.array(["a@b.fr", "c", None])], ["at", "who"]),
            ["a@b.fr", "{'at': datetime.datetime(1970, 1, 1, 0, 0), 'who': 'c'}", "{'at': None, 'who': None}"],
        ),
        (pa.StructArray.from_arrays([pa.array([1]), pa.array(["a@b.fr"])], ["x", "x"]), ["1 a@b.fr"]),
    ],
    ids=["bytes", "large string", "dictionary", "list", "time that no calendar has", "field twice"],
)
def test_any_column_can_be_searched_as_text(values: pa.Array, texts: list[str | None]) -> None:
    assert as_text(values).to_pylist() == texts


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (parquet(pa.table([["x"], ["y"]], ["person_id", "person_id"])), "FORMAT_INVALID"),
        (parquet(pa.table({"EXTRA": ["x"]})).replace(b"EXTRA", b"\xff\xfeTRA"), "FILE_CORRUPT"),
        (parquet(pa.table({"EXTRA": BROKEN_TEXT})), "IDENTIFIER_FOUND"),
    ],
    ids=["column twice", "name that is not UTF-8", "bytes that are not UTF-8"],
)
def test_what_is_said_of_a_strange_parquet_file(tmp_path: Path, data: bytes, code: str) -> None:
    hospital = hospitals()["aphp"]
    path = "opposition/extract_date=2022-03-01/part-00000.snappy.parquet"
    file = entry(path, "rights", data, rows=3, feed=hospital.feed("rights"), schema_id="aphp.rights/1")
    told = {
        "delivery_id": "APHP-20220301-001",
        "center": "aphp",
        "finess": hospital.finess,
        "mode": hospital.mode,
        "content": "rights_only",
        "model": {"name": hospital.model, "version": "1.0"},
        "rights": {"path": path, "as_of": "2022-02-28", "n_opposed": 0},
    }
    judgement = judge_folder(send(tmp_path, body([file], **told), {path: data}), tmp_path / "staging")
    assert judgement.reason_codes == [code]


def test_a_full_disk_is_not_the_hospitals_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jobs.landing.stage.Stage.write", full)
    with pytest.raises(OSError, match="No space left"):
        judged(tmp_path, PANEL, "panel", HEAD + "P;1;TP53\r\n", rows=1)
