"""What each level keeps out, tried with the command that servers are started with."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_config import groups, watch
from hub_config.academy import main, refuse_open, show_release
from hub_config.errors import WrongUse
from hub_config.lessons import make_home, put_lessons, size_of
from hub_config.place import PROJECT, Academy
from hub_config.probe import Verdict, choose, probe
from hub_config.sandbox import LEVELS, Room, command, write_etc
from tests.hub_config.academy_up import free_port
from tests.hub_config.attacks import attack_in_sandbox, table
from tests.hub_config.lake import make_lake, make_lessons

SHARE_FILES = ("cpu.shares", "cpu.weight")
# What a level is not made to stop.
OPEN = {
    "uid": {
        "read the hub's code",
        "see a process of the hub",
        "reach another service of the machine",
        "see a network card",
        "be root in a name space",
        "fill /tmp",
        "fill memory by way of /dev/shm",
    },
    "bwrap": {"reach another service of the machine", "see a network card"},
    "airgap": set(),
}


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Verdict]:
    if shutil.which("bwrap") is None and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "--quiet", "--yes", "bubblewrap"], check=False, capture_output=True)
    return {level: probe(level) for level in LEVELS}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An academy's folder with things to steal, and its lake."""
    to = tmp_path_factory.mktemp("academy")
    make_lessons(to / "built")
    for name in (
        "state/jupyterhub.sqlite",
        "state/roster.toml",
        "state/cookie_secret",
        "log/hub.log",
        "homes/neighbour/notes.txt",
    ):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_text("secret")
    return to, make_lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def unprotected(place) -> dict[str, str]:
    return attack_in_sandbox("none", *place)


@pytest.mark.skipif(os.geteuid() != 0, reason="An ordinary user may not do everything that root may, isolation or not.")
def test_without_isolation_every_attempt_succeeds(unprotected):
    failed = {attempt: said for attempt, said in unprotected.items() if said != "succeeded"}
    assert failed == {}


@pytest.mark.parametrize("level", ["bwrap", "airgap"])
def test_a_sandbox_denies_every_attempt_that_it_is_made_to_stop(level, place, verdicts, unprotected):
    if not verdicts[level].works:
        pytest.skip(f"This machine does not offer {level}: {verdicts[level].why}.")
    found = attack_in_sandbox(level, *place)
    print(table({"none": unprotected, level: found}))
    assert {attempt for attempt, said in found.items() if said == "succeeded"} == OPEN[level]


@pytest.fixture
def walked() -> Iterator[Path]:
    """A folder to which everybody may walk, as no folder of pytest's is."""
    folder = Path(tempfile.mkdtemp(prefix="pscc-walked-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def make_project(folder: Path) -> Path:
    """A checkout with the answers of a course."""
    for name in ("courses/survival/course.toml", "courses/survival/checks.py", "hub_config/spawner.py", ".git/objects/pack"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("the answers")
    return folder


def close_to_others(academy: Academy, project: Path) -> None:
    """What `up` asks for before it starts, done as it says."""
    with pytest.raises(WrongUse, match="closed to others") as refused:
        refuse_open(academy, project)
    places = re.search(r"chmod o-rwx (.*?)`", str(refused.value))[1].split()
    assert places == [str(academy.lake), str(project / "courses" / "survival"), str(project / ".git")]
    subprocess.run(["chmod", "o-rwx", *places], check=True)
    refuse_open(academy, project)


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/bin/python3").exists(), reason="Only root gives user ids.")
def test_a_user_id_of_one_s_own_denies_what_the_documentation_says(walked, unprotected):
    lake, project = make_lake(walked / "lake"), make_project(walked / "project")
    academy = Academy(walked / "academy", lake, "small", "uid")
    close_to_others(academy, project)
    academy.make_folders()
    show_release(academy)
    make_lessons(academy.built)
    for name in ("state/jupyterhub.sqlite", "state/roster.toml", "state/cookie_secret", "log/hub.log"):
        (academy.to / name).write_text("secret")
    make_home(academy.homes / "neighbour", 200_001)
    (academy.homes / "neighbour" / "notes.txt").write_text("secret")
    # The interpreter of the tests may lie where nobody else goes.
    found = attack_in_sandbox("uid", academy.to, lake, project, academy.shown, "/usr/bin/python3")
    print(table({"none": unprotected, "uid": found}))
    assert (academy.shown / "edu_patient" / "part-0.parquet").read_text() == "the release"
    # Whether anybody may have a name space is the machine's own setting.
    succeeded = {attempt for attempt, said in found.items() if said == "succeeded"} | {"be root in a name space"}
    assert succeeded == OPEN["uid"]


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root gives user ids.")
def test_up_starts_nothing_where_trainees_would_walk_into_the_lake(walked, monkeypatch, capsys):
    # Whatever this machine's interpreter allows.
    monkeypatch.setattr("hub_config.academy.choose", lambda *_: ("uid", []))
    lake, free = make_lake(walked / "lake"), str(free_port())
    assert main(["up", "--to", str(walked / "academy"), "--lake", str(lake), "--port", free]) == 2
    assert f"folders open: run `chmod o-rwx {lake}" in capsys.readouterr().err
    assert not (walked / "academy").exists()


AS_ORDINARY = """
import json, sys, tempfile
from pathlib import Path
from tests.hub_config.attacks import attack_in_sandbox
from tests.hub_config.lake import make_lake
to = Path(tempfile.mkdtemp())
print(json.dumps(attack_in_sandbox("airgap", to, make_lake(to / "lake"))))
"""


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/bin/python3").exists(), reason="Only root can become an ordinary user.")
def test_the_sandbox_of_an_ordinary_user_denies_as_much(verdicts):
    if not verdicts["airgap"].works:
        pytest.skip(f"This machine does not offer airgap: {verdicts['airgap'].why}.")
    become = ["setpriv", "--reuid=64050", "--regid=64050", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    environment = {"PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    run = [*become, "/usr/bin/python3", "-c", AS_ORDINARY]
    done = subprocess.run(run, env=environment, cwd="/", capture_output=True, text=True, timeout=120, check=False)
    if "Permission denied" in done.stderr or "No module named" in done.stderr:
        pytest.skip("Another user may not read this checkout.")
    found = json.loads(done.stdout.splitlines()[-1])
    assert {attempt for attempt, said in found.items() if said == "succeeded"} == set()


def test_a_level_that_does_not_work_says_why(verdicts):
    assert all(verdict.works or verdict.why for verdict in verdicts.values())


INSIDE = """
import glob, importlib.util, json, os
import hub_config.bridge
if importlib.util.find_spec("courses.kit"):
    import courses.kit
code = os.environ["PYTHONPATH"]
print(json.dumps(sorted(os.path.relpath(path, code) for path in glob.glob(code + "/**/*.py", recursive=True))))
"""


@pytest.mark.parametrize("prefix", ["/opt/pscc", "/opt/pscc/.venv", "/opt", "/home/pscc/venv", "/srv/academy"])
def test_a_sandbox_makes_no_folder_inside_what_it_mounts_read_only(prefix, tmp_path, monkeypatch):
    monkeypatch.setattr("hub_config.sandbox.interpreter", lambda: [Path(prefix)])
    words = command("airgap", Room("reader", 8, tmp_path, PROJECT, tmp_path, tmp_path, tmp_path), ["true"])
    after = words[words.index(prefix, words.index("--ro-bind")) + 1 :]
    made = [Path(after[place + 1]) for place, word in enumerate(after) if word == "--dir"]
    assert [each for each in made if Path(prefix) in (each, *each.parents)] == []


def test_what_notebooks_import_is_there_and_no_check_of_a_course_is(verdicts, tmp_path):
    if not verdicts["bwrap"].works:
        pytest.skip(f"This machine does not offer bwrap: {verdicts['bwrap'].why}.")
    (tmp_path / "home").mkdir()
    room = Room("reader", 8, tmp_path / "home", PROJECT, tmp_path / "etc")
    os.chown(room.home, room.uid, room.uid)
    write_etc(room)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": room.code_at("bwrap"), "HOME": room.home_at("bwrap")}
    run = command("bwrap", room, [sys.executable, "-c", INSIDE])
    done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = set(json.loads(done.stdout))
    assert (PROJECT / "courses" / "kit").exists() == ("courses/kit/__init__.py" in seen)
    allowed = ("quality/", "courses/__init__.py", "courses/kit/", "courses/checking/", "hub_config/")
    assert [name for name in seen if not name.startswith(allowed)] == []
    assert not {"courses/checking/service.py", "hub_config/spawner.py", "hub_config/roster.py"} & seen


def test_an_ordinary_user_gets_no_user_ids_but_may_have_a_sandbox(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "only root" in probe("uid").why


def test_an_academy_without_isolation_starts_only_when_told_so_in_as_many_words():
    with pytest.raises(WrongUse, match="--let-trainees-read-each-other"):
        choose("none")
    assert choose("none", unprotected=True)[0] == "none"


def test_without_bubblewrap_the_refusal_names_what_to_install(monkeypatch):
    monkeypatch.setattr("hub_config.sandbox.shutil.which", lambda name: None)
    with pytest.raises(WrongUse, match="install bubblewrap"):
        choose(None)


def test_lessons_that_are_missing_come_and_work_stays(tmp_path):
    make_lessons(tmp_path / "built")
    home = tmp_path / "home"
    make_home(home, None)
    assert put_lessons(tmp_path / "built", home, (), None) == ["survival/01-first-curves.ipynb"]
    (home / "survival" / "01-first-curves.ipynb").write_text("my work")
    assert put_lessons(tmp_path / "built", home, ("survival",), None) == []
    assert (home / "survival" / "01-first-curves.ipynb").read_text() == "my work"
    assert put_lessons(tmp_path / "built", home, ("privacy-lab",), None) == []


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_link_in_a_home_leads_no_lesson_elsewhere(tmp_path, kind):
    make_lessons(tmp_path / "built")
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    make_home(home, None)
    elsewhere.mkdir()
    if kind == "folder":
        (home / "survival").symlink_to(elsewhere)
    else:
        (home / "survival").mkdir()
        (home / "survival" / "01-first-curves.ipynb").symlink_to(elsewhere / "made-by-root")
    assert put_lessons(tmp_path / "built", home, (), None) == []
    assert list(elsewhere.iterdir()) == []


def test_memory_of_children_and_of_shared_pages_counts(tmp_path):
    hold = "import mmap, sys; m = mmap.mmap(-1, 60 << 20); m.write(bytes(60 << 20)); b = bytes(b'x') * (40 << 20); print('held', flush=True); sys.stdin.read()"
    shell = f'{sys.executable} -c "{hold}"; true'
    process = subprocess.Popen(["/bin/sh", "-c", shell], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        watch._seen = (0.0, {})
        assert 95 < watch.memory_of(process.pid) >> 20 < 130
    finally:
        process.communicate()


def test_the_size_of_a_home_follows_no_link(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "big").write_bytes(bytes(1 << 20))
    (tmp_path / "home" / "big").symlink_to(tmp_path / "big")
    (tmp_path / "home" / "all").symlink_to(tmp_path)
    assert size_of(tmp_path / "home") < 64 << 10


def test_parts_of_the_academy_weigh_more_than_a_trainee_and_only_a_trainee_is_bounded(tmp_path):
    parts = [groups.make_weighty(tmp_path, name) for name in groups.SHARES]
    ana = groups.make_groups(tmp_path, "ana", 64 << 20, 16)
    try:
        if not ana:
            pytest.skip("Nobody may make control groups on this machine.")
        shares = [
            int((made[0].parent / file).read_text()) for made in parts for file in SHARE_FILES if (made[0].parent / file).exists()
        ]
        own = [int((made.parent / file).read_text()) for made in ana for file in SHARE_FILES if (made.parent / file).exists()]
        assert shares == [8 * own[0], 4 * own[0]]
        assert groups.bound_memory(ana)
        joined, environment = groups.joining(ana, ["sh", "-c", "echo ${PSCC_GROUPS:-none}; cat /proc/self/cgroup"])
        said = subprocess.run(joined, env=os.environ | environment, capture_output=True, text=True, check=True).stdout
        assert said.startswith("none\n")
        assert said.count(ana[0].parent.name) == len({made.parent for made in ana})
    finally:
        groups.drop_all(tmp_path)
    assert [made for made in (*ana, *(made for part in parts for made in part)) if made.exists()] == []
