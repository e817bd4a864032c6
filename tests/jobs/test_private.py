"""Private files are closed to others from their first moment, whatever the umask."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from courses.checking.private import made_once
from jobs import private
from jobs.services import confine, users


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


def test_a_log_is_appended_to_and_closed_to_others(tmp_path: Path) -> None:
    for line in (b"a", b"b"):
        with os.fdopen(private.log_in(tmp_path / "ops" / "access", "day"), "wb") as log:
            log.write(line)
    file = tmp_path / "ops" / "access" / "day"
    assert file.read_bytes() == b"ab"
    assert [stat.S_IMODE(each.stat().st_mode) for each in (file, file.parent)] == [0o600, 0o700]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_logs_in_somebody_s_lake_is_theirs_and_nothing_that_they_point_to(tmp_path: Path) -> None:
    lake, secret = tmp_path / "lake", tmp_path / "secret"
    lake.mkdir()
    secret.write_text("root's")
    os.chown(lake, 4711, 4712)
    # What root left there before is given too.
    os.close(private.log_in(lake / "ops" / "access", "day"))
    os.chown(lake / "ops" / "access" / "day", 0, 0)
    os.close(private.log_in(lake / "ops" / "access", "day"))
    made = [lake / "ops", lake / "ops" / "access", lake / "ops" / "access" / "day"]
    assert {(each.stat().st_uid, each.stat().st_gid) for each in made} == {(4711, 4712)}
    os.chown(made[-1], 64604, 64604)
    os.close(private.log_in(lake / "ops" / "access", "day"))
    assert made[-1].stat().st_uid == 64604
    (made[1] / "link").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic link"):
        private.log_in(made[1], "link")
    os.link(secret, made[1] / "hard")
    os.close(private.log_in(made[1], "hard"))
    assert (secret.read_text(), secret.stat().st_uid) == ("root's", 0)


@pytest.mark.skipif(os.geteuid() != 0 or not confine.is_possible(), reason="users of their own: root and bubblewrap")
def test_lineage_and_access_log_that_root_began_are_open_to_the_lake_s_owner(tmp_path: Path) -> None:
    """Root writes the first lines of the month and the day, then the user whose lake it is the next."""
    lake = tmp_path / "lake"
    lake.mkdir()
    os.chown(lake, 64603, 64603)
    append = (
        "import sys\nfrom jobs import access\nfrom jobs.lineage import sending\nfrom jobs.settings import Settings\n"
        "access.note(Settings(lake=sys.argv[1]), 'pscc sql', [access.Read('silver.person', 1, ())])\n"
        "sending.send(f'{sys.argv[1]}/lineage', [], lambda *said: sys.exit(str(said)))\n"
    )
    shown = [Path(sys.prefix), Path(sys.base_prefix), users.PROJECT, lake]
    for before in ([], [*users.machine(shown), *users.clinical()]):
        done = subprocess.run([*before, sys.executable, "-c", append, str(lake)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert {each.stat().st_uid for each in lake.rglob("*")} == {64603}
