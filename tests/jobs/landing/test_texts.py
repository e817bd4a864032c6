"""What stands in a file that somebody left is found, however it is packed."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from jobs.landing import texts
from jobs.landing.pseudonyms import Pseudonyms

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


def test_what_only_begins_like_parquet_is_searched_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(f"PAR1 {WHO}")
    assert is_named(tmp_path / "file")
