"""Private files are closed to others from their first moment, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from courses.checking.private import made_once
from jobs import private


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize("mode", ["x", "xb", "w", "wb", "a+"])
def test_a_file_that_is_made_is_its_owners(tmp_path: Path, mode: str) -> None:
    with private.opened(tmp_path / "file", mode) as file:
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
        file.write(b"a" if "b" in mode else "é")


def test_a_file_that_is_there_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("first")
    with pytest.raises(FileExistsError):
        private.opened(tmp_path / "file", "x")
    with private.opened(tmp_path / "file", "a+") as file:
        file.seek(0)
        assert file.read() == "first"


def test_a_key_that_many_make_at_once_is_the_same_for_all(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda number: made_once(tmp_path / "key", str(number).encode() * 1000), range(64)))
    assert found == {(tmp_path / "key").read_bytes()}
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
