"""Who may do what with which bytes: every program, zone and verb of a machine that root runs, each cell tried behind what that program stands behind.

Each denial stands beside the same act, on the same file, allowed to who has the right: who works there, or root, who drops deliveries and makes keys.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from courses.checking.bubblewrap import become
from hub_config import engine
from jobs.services import confine, users
from jobs.services.place import Place, prepared
from jobs.services.updown import hand_over, make_folders

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not confine.is_possible(), reason="users of their own: root and bubblewrap")

# l: its name is seen, r: its bytes are read, w: bytes are added, d: it is deleted. Of what is a file itself no name is asked for.
EXPECTED = """
              root | tasks | api-server | triggerer | clinical-engine | curated-engine | curated, no room | teaching-engine | postgresql | anybody
landing       lrwd | lr    |            | lr        |                 |                |                  |                 |            |
restricted    lrwd | lrwd  |            |           |                 |                |                  |                 |            |
vault         lrwd | lrwd  |            |           |                 |                |                  |                 |            |
bronze        lrwd | lrwd  |            |           | lr              |                |                  |                 |            |
quarantine    lrwd | lrwd  |            |           | lr              |                |                  |                 |            |
silver        lrwd | lrwd  |            |           | lr              |                |                  |                 |            |
ops           lrwd | lrwd  |            |           | lr              |                |                  |                 |            |
staging       lrwd | lrwd  |            |           | lrwd            |                |                  |                 |            |
gold          lrwd | lrwd  |            |           | lr              | lr             | lr               |                 |            |
teaching      lrwd | lrwd  |            |           | lr              |                | lr               | lr              |            | lr
database      lrwd |       |            |           |                 |                |                  |                 | lrwd       |
ledger        rwd  | rwd   |            |           |                 |                |                  |                 |            |
keys          rwd  | r     |            |           |                 |                |                  |                 |            |
platform key  rwd  | r     |            |           |                 |                |                  |                 |            |
passwords     rwd  |       |            |           |                 |                |                  |                 |            |
"""
# An account of the machine that has nothing to do with any of this.
NOBODY = 64699
IN_LAKE = ("restricted", "vault", "bronze", "quarantine", "silver", "ops", "staging", "gold")
TOUCH = """
while [ $# -gt 0 ]; do
  ls "${1%/*}" 2>/dev/null | grep -qx "${1##*/}" && echo "$2 l"
  [ "$(cat "$1" 2>/dev/null)" = secret ] && echo "$2 r"
  { echo more >> "$1"; } 2>/dev/null
  shift 2
done
"""
DELETE = 'while [ $# -gt 0 ]; do rm -f "$1" 2>/dev/null; shift 2; done'


@pytest.fixture
def place() -> Iterator[Place]:
    """A place below folders that everybody may pass through: what is closed is closed by itself."""
    folder = Path(tempfile.mkdtemp(prefix="rights-"))
    folder.chmod(0o755)
    before = os.umask(0o027)
    try:
        made = prepared(folder / "s", {"lake": str(folder / "lake"), "landing": str(folder / "landing")})
        make_folders(made)
        hand_over(made)
        Path(made.lake).chmod(0o755)
        yield made
    finally:
        os.umask(before)
        shutil.rmtree(folder)


def fresh(place: Place) -> dict[str, Path]:
    """A file in every zone, made as those who write there make it."""
    lake = Path(place.lake)
    found = {zone: lake / zone / "table" / "kept" for zone in IN_LAKE}
    found |= {"landing": Path(place.landing, "kept"), "teaching": lake / "teaching" / "small" / "kept"}
    found |= {"database": confine.data(place) / "kept", "ledger": lake / "ledger.sqlite", "keys": Path(place.keys)}
    found |= {"platform key": Path(place.platform_key_file), "passwords": place.state / "services.json"}
    (lake / "gold").mkdir(exist_ok=True)
    os.chown(lake / "gold", users.CLINICAL_UID, users.CURATED_GID)
    (lake / "gold").chmod(0o2750)
    for path in found.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text("secret\n")
    for path in lake.rglob("*"):
        os.chown(path, users.CLINICAL_UID, -1)
    # A release is closed to nobody: docs/release.md.
    for path in (lake / "teaching", lake / "teaching" / "small", found["teaching"]):
        path.chmod(0o755)
    found["passwords"].chmod(0o600)
    for path in (found["keys"], found["platform key"], found["landing"]):
        os.chown(path, 0, users.CLINICAL_UID)
    for path in (confine.data(place), found["database"]):
        os.chown(path, users.POSTGRES_UID, users.POSTGRES_UID)
    return found


def room_of(place: Place, *, curated: bool) -> list[str]:
    """What stands before the curated or the teaching engine."""
    sees = Path(place.lake, "gold") if curated else Path(place.lake, "teaching", "small")
    state = place.state / ("curated-engine" if curated else "academy") / "engine"
    state.mkdir(exist_ok=True)
    made = engine.Engine(sees, 0, state, "/usr", sys.prefix, curated=curated)
    engine._make_door(made)
    return engine.sandbox(made)


def fronts(place: Place) -> dict[str, tuple[list[str], dict[str, str]]]:
    """What stands before each program, and where it sees what it sees elsewhere."""
    lake = Path(place.lake)
    return {
        "root": ([], {}),
        "tasks": (confine.tasks(place), {}),
        "api-server": (confine.airflow_alone(place), {}),
        "triggerer": (confine.triggerer(place), {}),
        "clinical-engine": (confine.clinical_engine(place), {}),
        "curated-engine": (room_of(place, curated=True), {str(lake / "gold"): "/release"}),
        "curated, no room": (become(engine.CURATED_UID), {}),
        "teaching-engine": (room_of(place, curated=False), {str(lake / "teaching" / "small"): "/release"}),
        "postgresql": (confine.postgresql(place), {str(confine.data(place)): "/data"}),
        "anybody": (become(NOBODY), {}),
    }


def seen(path: Path, elsewhere: dict[str, str]) -> str:
    """The path as the program sees it."""
    for real, shown in elsewhere.items():
        if path.is_relative_to(real):
            return f"{shown}/{path.relative_to(real)}"
    return str(path)


def tried(place: Place, role: str) -> dict[str, str]:
    """What the program could do in each zone: told by itself what it saw, found afterwards what it changed."""
    files = fresh(place)
    front, elsewhere = fronts(place)[role]
    words = [word for zone, path in files.items() for word in (seen(path, elsewhere), zone)]

    def run(script: str) -> list[str]:
        done = subprocess.run([*front, "/bin/sh", "-c", script, "sh", *words], capture_output=True, text=True, check=False)
        assert "bwrap" not in done.stderr, done.stderr
        return done.stdout.splitlines()

    said = run(TOUCH)
    written = {zone for zone, path in files.items() if path.read_text().endswith("more\n")}
    run(DELETE)
    could = {zone: {verb for verb in "lr" if f"{zone} {verb}" in said} for zone in files}
    for zone, path in files.items():
        could[zone] |= {"w"} if zone in written else set()
        could[zone] |= set() if path.exists() else {"d"}
        could[zone] -= {"l"} if zone in ("ledger", "keys", "platform key", "passwords") else set()
    return {zone: "".join(verb for verb in "lrwd" if verb in verbs) for zone, verbs in could.items()}


def expected(role: str) -> dict[str, str]:
    """The column of a program."""
    head, *lines = EXPECTED.strip("\n").splitlines()
    at = [each.strip() for each in head.split("|")].index(role)
    return {line[:14].strip(): line[14:].split("|")[at].strip() for line in lines}


@pytest.mark.parametrize("role", [each.strip() for each in EXPECTED.strip("\n").splitlines()[0].split("|")])
def test_a_program_can_do_in_each_zone_what_it_has_to_and_no_more(place: Place, role: str) -> None:
    # A room is made of what is there.
    fresh(place)
    assert tried(place, role) == expected(role)
