"""Users of their own, where root starts the services: what is handed over to them, what they must reach, and what root's commands leave."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import cli
from jobs.errors import WrongUse
from jobs.ledger import Ledger
from jobs.services import confine, users
from jobs.services.place import Place, prepared
from jobs.services.programs import PROGRAMS
from jobs.services.updown import check_reach, hand_over, make_folders, make_own
from jobs.settings import Part, Settings
from jobs.settings.kinds import FILE
from jobs.settings.table import SETTINGS

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not confine.is_possible(), reason="users of their own: root and bubblewrap")
ROOT = Path(__file__).parents[3]
OWNED = (users.CLINICAL_UID, users.CLINICAL_UID)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may pass through."""
    made = Path(tempfile.mkdtemp(prefix="users-"))
    made.chmod(0o755)
    before = os.umask(0o077)
    yield made
    os.umask(before)
    shutil.rmtree(made)


@pytest.fixture
def place(folder: Path) -> Place:
    """Services that root prepared, with keys that root made."""
    made = prepared(folder / "s", {})
    for path in (Path(made.keys), Path(made.platform_key_file)):
        path.touch()
        os.chown(path, 0, users.CLINICAL_UID)
        path.chmod(0o640)
    make_folders(made)
    return made


def owner(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid


def foreign(lake: Path) -> list[Path]:
    """What in a lake is not the clinical user's."""
    return [path for path in (lake, *lake.rglob("*")) if path.lstat().st_uid != users.CLINICAL_UID]


def test_a_lake_of_root_s_is_handed_over_once_and_nothing_that_it_points_to(place: Place, folder: Path) -> None:
    lake, outside = Path(place.lake), folder / "outside"
    outside.mkdir()
    (outside / "file").touch()
    (lake / "gold" / "endpoint").mkdir(parents=True)
    os.chown(lake / "gold", 0, users.CURATED_GID)
    (lake / "link").symlink_to(outside)
    lake.chmod(0o755)
    told = (
        f"{lake} was root's: its 3 files and folders are the clinical user's now ({users.CLINICAL_UID}), and closed to others.\n"
    )
    assert hand_over(place) == told
    assert oct(lake.stat().st_mode & 0o777) == "0o750"
    assert foreign(lake) == []
    assert owner(lake / "gold") == (users.CLINICAL_UID, users.CURATED_GID)
    assert [owner(path) for path in (outside, outside / "file")] == [(0, 0), (0, 0)]
    (lake / "late").touch()
    lake.chmod(0o751)
    assert hand_over(place) == ""
    assert foreign(lake) == [lake / "late"]
    assert oct(lake.stat().st_mode & 0o777) == "0o751", "what its owner decides later stays"


def test_a_room_of_the_engine_hides_what_a_new_lake_has_not_yet_and_folders_beside_it(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = folder / "backup"
    backup.mkdir()
    monkeypatch.setenv("PSCC_BACKUP", str(backup))
    hand_over(place)
    make_own(place)
    lake = Path(place.lake)
    script = " && ".join(
        f'! ls "{path}"/* 2>/dev/null' for path in (lake / "vault", lake / "restricted", lake / "ops/access", backup)
    )
    # What comes once the room is built is hidden too.
    script += (
        f" && ! cat {lake}/ledger.sqlite-wal 2>/dev/null && ! touch {lake}/mine 2>/dev/null && grep -q row {lake}/silver/kept"
    )
    command = [*confine.clinical_engine(place), "/bin/sh", "-c", f"sleep 2; {script}"]
    room = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # What SQLite writes first, and takes away when nobody has the ledger open.
    (lake / "ledger.sqlite-wal").write_text("secret\n")
    (lake / "silver" / "kept").write_text("row\n")
    os.chown(lake / "silver" / "kept", *OWNED)
    for name in (lake / "vault", lake / "restricted", lake / "ops/access", backup):
        (name / "kept").write_text("secret\n")
        (name / "kept").chmod(0o644)
    said, wrong = room.communicate(timeout=30)
    assert (room.returncode, said) == (0, b""), wrong


def test_folders_that_settings_name_are_made_before_a_room_is(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {name: folder / name.lower() / "deep" for name in confine.BESIDE}
    for name, path in named.items():
        monkeypatch.setenv(name, str(path))
    make_folders(place)
    assert {(owner(path), path.stat().st_mode & 0o777) for path in named.values()} == {(OWNED, 0o700)}
    (folder / "file").touch()
    monkeypatch.setenv("PSCC_BACKUP", str(folder / "file" / "backup"))
    with pytest.raises(
        WrongUse, match=r"^Expected to make .*/file/backup, which a setting names, found: Not a directory\. Make it, or"
    ):
        make_folders(place)


def test_a_secret_in_a_file_is_read_by_those_programs_alone_that_need_it(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: folder / name for name in ("AWS_SECRET_ACCESS_KEY_FILE", "PSCC_ALERT_WEBHOOK_FILE", "PSCC_SMTP_PASSWORD_FILE")}
    for name, path in files.items():
        path.write_text("secret\n")
        os.chown(path, *OWNED)
        path.chmod(0o600)
        monkeypatch.setenv(name, str(path))
    hand_over(place)
    make_own(place)

    def read(front: list[str]) -> set[str]:
        script = "for file; do cat $file 2>/dev/null | grep -q secret && echo ${file##*/}; done; true"
        command = [*front, "/bin/sh", "-c", script, "sh", *map(str, files.values())]
        return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())

    rooms = (confine.tasks, confine.triggerer, confine.airflow_alone, confine.clinical_engine)
    assert [read(room(place)) for room in rooms] == [set(files), {"AWS_SECRET_ACCESS_KEY_FILE"}, set(), set()]


def test_a_lake_of_somebody_else_s_is_left_alone(place: Place) -> None:
    lake = Path(place.lake)
    (lake / "gold").mkdir(parents=True)
    os.chown(lake, 4711, 4711)
    with pytest.raises(
        WrongUse, match=f"found user 4711's: start the services as that user, or run `chown -R {OWNED[0]}:{OWNED[1]} {lake}`"
    ):
        hand_over(place)
    assert owner(lake / "gold") == (0, 0)


def test_what_programs_write_to_is_theirs_and_what_root_writes_to_is_root_s(place: Place) -> None:
    hand_over(place)
    make_own(place)
    homes = [place.state / each.name for each in PROGRAMS if each.user == users.CLINICAL_UID]
    theirs = [*homes, place.state / "airflow", place.state / "airflow" / "passwords.json", place.logs / "tasks"]
    assert {owner(path) for path in theirs} == {OWNED}
    assert {owner(path)[0] for path in (place.state, place.state / "services.json", place.logs, place.run)} == {0}
    assert foreign(Path(place.lake)) == []
    assert {each.name for each in PROGRAMS if each.umask != "077"} == {"scheduler"}


def test_gold_is_given_to_the_group_of_those_who_read_it_whatever_is_written_there(place: Place) -> None:
    before = Path(place.lake, "gold", "endpoint", "part.parquet")
    before.parent.mkdir(parents=True)
    before.touch()
    hand_over(place)
    make_own(place)
    later = before.with_name("later.parquet")
    subprocess.run([*confine.tasks(place), "touch", str(later)], check=True)
    for path in (before, later, before.parent, before.parent.parent):
        assert owner(path) == (users.CLINICAL_UID, users.CURATED_GID)
    assert {oct(path.stat().st_mode & 0o7777) for path in (before, before.parent)} == {"0o640", "0o2750"}


@pytest.mark.parametrize("closed", ["landing", "keys", "platform_key_file"])
def test_what_the_clinical_user_cannot_read_is_told_with_what_to_type(place: Place, closed: str) -> None:
    check_reach(place)
    path = Path(getattr(place, closed))
    os.chown(path, 0, 0)
    with pytest.raises(WrongUse, match=r"Expected the clinical user .* to be able to read") as refused:
        check_reach(place)
    assert owner(path) == (0, 0)
    for command in str(refused.value).split("`")[1].split(" && "):
        subprocess.run(shlex.split(command), check=True)
    check_reach(place)


def test_a_file_with_a_secret_of_a_setting_is_one_that_tasks_have_to_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    file = place.state.parent / "webhook"
    file.touch()
    monkeypatch.setenv("PSCC_ALERT_WEBHOOK_FILE", str(file))
    with pytest.raises(WrongUse, match=f"be able to read {file}"):
        check_reach(place)
    os.chown(file, 0, users.CLINICAL_UID)
    file.chmod(0o640)
    check_reach(place)


def test_certificates_behind_a_closed_folder_reach_every_program_of_airflow(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = place.state.parent / "closed" / "trusted.pem"
    file.parent.mkdir(0o700)
    file.write_text("trusted")
    file.chmod(0o600)
    (trusted,) = (each.name for each in SETTINGS.values() if each.kind is FILE and Part.EVERY in each.used_by)
    monkeypatch.setenv(trusted, str(file))
    with pytest.raises(WrongUse, match=f"be able to read {file}"):
        check_reach(place)
    file.chmod(0o644)
    check_reach(place)
    for room in (confine.tasks, confine.airflow_alone, confine.triggerer):
        assert subprocess.run([*room(place), "cat", str(file)], capture_output=True, text=True, check=True).stdout == "trusted"


def test_a_command_in_a_closed_folder_is_begun_again_as_the_owner_of_the_lake(place: Place) -> None:
    hand_over(place)
    make_own(place)
    here = place.state.parent / "closed"
    here.mkdir(0o700)
    words = [sys.executable, "-m", "jobs.cli", "alerts", "--lake", place.lake]
    done = subprocess.run(
        words, cwd=here, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "No alert is open.", "")


def test_behind_a_closed_folder_a_user_sees_what_is_shown_and_nothing_else(folder: Path) -> None:
    for name in ("shown", "other"):
        (folder / "closed" / name).mkdir(parents=True)
    (folder / "closed" / "shown").chmod(0o755)
    tried = [*users.machine([folder / "closed" / "shown"]), *users.clinical(), "ls", str(folder / "closed")]
    assert subprocess.run(tried, capture_output=True, text=True, check=True).stdout.split() == ["shown"]


def pscc(here: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", *words],
        cwd=here,
        env={name: value for name, value in os.environ.items() if name != "LAKE_ROOT"} | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_command_that_root_types_leaves_nothing_of_root_s_in_a_lake_of_the_clinical_user(folder: Path) -> None:
    # Closed, as root's home is: relative names are found all the same.
    here = folder / "closed"
    lake = here / "lake"
    Ledger(Settings(lake=str(lake))).close()
    pscc(here, "rights", "list")
    assert owner(lake / "vault") == (0, 0), "a lake of root's stays root's"
    shutil.rmtree(lake / "vault")
    users.hand_over(lake)
    assert "0 alerts are open" in pscc(here, "alerts", "send")
    pscc(here, "rights", "list", "--lake", "lake")
    assert str(lake) in pscc(here, "status")
    assert (lake / "vault").is_dir()
    assert foreign(lake) == []


def test_what_is_closed_to_the_owner_of_the_lake_is_told_as_that(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, backup = folder / "closed", folder / "backup"
    Ledger(Settings(lake=str(here / "lake"))).close()
    users.hand_over(here / "lake")
    backup.mkdir()
    monkeypatch.setenv("PSCC_BACKUP", str(backup))
    with pytest.raises(
        AssertionError, match=f"user {users.CLINICAL_UID} may write to, found it closed: chown -R {OWNED[0]}:{OWNED[1]} {backup}"
    ):
        pscc(here, "maintain", "--only", "backup")
    os.chown(backup, *OWNED)
    assert "is in" in pscc(here, "maintain", "--only", "backup")
    assert foreign(here / "lake") == []


def test_any_other_closed_file_is_told_with_the_user_as_whom_root_works(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = PermissionError(13, "Permission denied", "somewhere")
    assert cli._unusable(closed) == "Permission denied"
    monkeypatch.setattr(os, "getuid", lambda: users.CLINICAL_UID)
    assert cli._unusable(closed) == f"Permission denied to user {users.CLINICAL_UID}, as whom root works on this lake"
