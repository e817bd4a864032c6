"""`pscc academy up`: a lake of simulated patients and their release for teaching, made once; then the academy is started on it."""

import getpass
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from jobs.demo import platform_key
from jobs.errors import LakehouseError
from jobs.landing.signature import load_keys
from jobs.releases import approve, listed, make
from jobs.releases.store import APPROVED, Watch
from jobs.settings import Settings
from jobs.silver.engine import Engine
from jobs.simulate import simulate

PATIENTS, DELIVERIES, SEED = 20_000, 6, 7
PROJECT = Path(__file__).parent.parent
Opening = Callable[[Settings], AbstractContextManager[Engine]]


def lake_of(to: Path) -> Settings:
    """The academy's own lake, with a key of its own."""
    to.mkdir(parents=True, exist_ok=True)
    return replace(Settings.from_environment(to / "lake"), platform_key_file=platform_key(to / "platform.key"))


def release_for_class(to: Path, settings: Settings, opening: Opening, watch: Watch, patients: int = PATIENTS) -> str:
    """The newest approved release of the lake; where there is none, that of simulated patients, which whoever starts the academy approves."""
    for release in reversed(listed(settings)):
        if release.state == APPROVED:
            return release.name
    if not (Path(settings.lake) / "gold" / "patient_summary").exists():
        _curate(to / "hospitals", settings, opening, watch, patients)
    release, _ = make(settings, "large" if patients > 5_000 else "small", watch=watch)
    return approve(settings, release.name, f"{getpass.getuser()} (simulated patients)").name


def _curate(hospitals: Path, settings: Settings, opening: Opening, watch: Watch, patients: int) -> None:
    """Simulated hospitals deliver, and their deliveries go the way of all others."""
    from jobs.ingest import build, ingest

    if not (hospitals / "keys.json").exists():
        watch(f"three hospitals simulate {patients:,} patients")
        simulate(patients, DELIVERIES, SEED, hospitals)
    with opening(settings) as engine:
        for _ in ingest(settings, str(hospitals / "landing"), load_keys(hospitals / "keys.json"), engine, watch):
            pass
        watch("building gold")
        build(settings, engine)


def build_lessons(to: Path, watch: Watch) -> None:
    """The notebooks of every course, as trainees get them."""
    watch("building the notebooks of the courses")
    built = run("courses.authoring", ["build", "--to", str((to / "built").resolve())], quiet=True)
    if built:
        raise LakehouseError("Expected the courses to build, found that one does not: see `pscc course check`.")


def run(module: str, arguments: Sequence[str], *, quiet: bool = False) -> int:
    """The exit code of a part of the academy: a program of its own, which knows nothing of the clinical side."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.DEVNULL if quiet else None, check=False
    ).returncode
