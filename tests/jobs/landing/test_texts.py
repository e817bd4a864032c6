"""What stands in a file that somebody left is found, however it is packed."""

import gzip
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.landing import texts
from jobs.landing.pseudonyms import Pseudonyms
from jobs.rights.traces import Traces

WHO = "0123456789abcdef" * 4
PSEUDONYMS = Pseudonyms(bytes(32))


def cut(text: str, size: int) -> list[bytes]:
    return [text[start : start + size].encode() for start in range(0, len(text), size)]


def is_named(file: Path) -> bool:
    person = ("gr", PSEUDONYMS.person_id("gr", WHO))
    return any(person in texts.persons_in(each, PSEUDONYMS, ["gr"]) for each in texts.texts_in(file))


@pytest.mark.parametrize("said", [WHO, WHO.upper()], ids=["small", "capitals"])
@pytest.mark.parametrize(
    "content",
    [
        lambda said: f"about {said}.".encode(),
        lambda said: gzip.compress(f"about {said}.".encode()),
        lambda said: b"".join(gzip.compress(each) for each in cut(f"about {said}.", 20)),
        lambda said: gzip.compress(f"about {said}.".encode()) + b"no gzip",
    ],
    ids=["as it is", "gzip", "gzip in small parts", "gzip and more"],
)
def test_a_pseudonym_is_found(tmp_path: Path, content: object, said: str) -> None:
    (tmp_path / "file").write_bytes(content(said))  # type: ignore[operator]
    assert is_named(tmp_path / "file")


def test_a_pseudonym_is_found_where_pieces_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "PIECE", 24)
    (tmp_path / "file").write_text(f"about {WHO}.")
    assert is_named(tmp_path / "file")


def test_a_pseudonym_deep_in_a_column_is_found(tmp_path: Path) -> None:
    rows = pl.DataFrame({"number": [1, 2], "told": [[{"who": WHO}], None]})
    rows.write_parquet(tmp_path / "file", compression="zstd")
    assert is_named(tmp_path / "file")
    rows.head(0).write_parquet(tmp_path / "file")
    assert not is_named(tmp_path / "file")


RAW = bytes.fromhex(WHO)
TEXT, BINARY = pa.string(), pa.binary()
COLUMNS = {
    "text": pa.array([None, WHO]),
    "text of a few values": pa.array([None, WHO]).dictionary_encode(),
    "text that is no UTF-8": pa.array([b"\xe9", f"\xe9 {WHO}".encode("latin-1")]).cast(TEXT, safe=False),
    "bytes": pa.array([None, WHO.encode()], BINARY),
    "bytes that are no text": pa.array([b"\xff", b"\xff" + WHO.encode()], BINARY),
    "many bytes": pa.array([None, WHO.encode()], pa.large_binary()),
    "bytes in view": pa.array([None, WHO.encode()], pa.binary_view()),
    "bytes of one length": pa.array([None, WHO.encode()], pa.binary(64)),
    "a digest": pa.array([None, RAW], pa.binary(32)),
    "a digest among other bytes": pa.array([b"x", RAW, b"y" * 40], BINARY),
    "key of a map": pa.array([None, [(WHO, "x")]], pa.map_(TEXT, TEXT)),
    "value of a map": pa.array([[("x", None)], [("y", WHO)]], pa.map_(TEXT, TEXT)),
    "bytes in a map of lists": pa.array([[("x", [])], [("y", [b"z", WHO.encode()])]], pa.map_(TEXT, pa.list_(BINARY))),
    "list of maps": pa.array([None, [[("y", WHO)]]], pa.list_(pa.map_(TEXT, TEXT))),
    "bytes in a struct": pa.array([None, {"who": WHO.encode()}], pa.struct([("who", BINARY)])),
    "pair": pa.array([None, ["x", WHO]], pa.list_(TEXT, 2)),
    "list in view": pa.array([["x"], ["y", WHO]], pa.list_view(TEXT)),
    "bytes of a few values": pa.array([WHO.encode(), WHO.encode()], BINARY).dictionary_encode(),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_pseudonym_in_a_column_of_any_kind_is_found_in_its_row(tmp_path: Path, name: str) -> None:
    rows = pa.table({"number": range(len(COLUMNS[name])), "told": COLUMNS[name]})
    pq.write_table(rows, tmp_path / "file", compression="zstd", write_statistics=False)
    # It is found for its column: the bytes of the file do not show it.
    assert WHO.encode() not in (tmp_path / "file").read_bytes()
    assert RAW not in (tmp_path / "file").read_bytes() or "digest" in name
    assert is_named(tmp_path / "file")
    hit = Traces(frozenset({WHO})).rows(pq.read_table(tmp_path / "file"))
    assert hit[1], hit
    pq.write_table(rows.slice(0, 0), tmp_path / "file")
    assert not is_named(tmp_path / "file")


def test_an_id_of_ours_is_found_in_sixteen_bytes() -> None:
    ids = pa.array([b"x" * 16, RAW[:16]], pa.uuid())
    assert Traces(frozenset({WHO[:32]})).rows(pa.table({"told": ids})).to_list() == [False, True]


def test_rows_of_a_piece_of_a_table_are_counted_from_its_beginning() -> None:
    maps = pa.array([[("x", WHO)], None, [("x", "a"), ("y", WHO)], []], pa.map_(TEXT, TEXT))
    assert Traces(frozenset({WHO})).rows(pa.table({"told": maps}).slice(1)).to_list() == [False, True, False]


def test_what_only_begins_like_parquet_is_searched_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(f"PAR1 {WHO}")
    assert is_named(tmp_path / "file")
