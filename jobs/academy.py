"""`pscc academy up`: a lake of simulated patients and their release for teaching, made once; then the academy is started on it."""

import argparse
import getpass
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from jobs.demo import ELSEWHERE, platform_key
from jobs.errors import LakehouseError, WrongUse
from jobs.landing.signature import load_keys
from jobs.ledger import Ledger
from jobs.privacy.attacks import environment
from jobs.releases import approve, listed, make
from jobs.releases.store import APPROVED, Watch
from jobs.services import supervisor
from jobs.services.place import FILE, opened
from jobs.services.programs import programs
from jobs.settings import Settings, forget
from jobs.silver.engine import Engine
from jobs.simulate import simulate

PATIENTS, DELIVERIES, SEED = 20_000, 6, 7
PROJECT = Path(__file__).parent.parent
Opening = Callable[[Settings], AbstractContextManager[Engine]]


@dataclass(frozen=True)
class OwnLake:
    """What `up` without a lake was asked for: the academy's folder, and the release if one was named."""

    to: Path
    release: str | None


def own_lake(arguments: Sequence[str]) -> OwnLake | None:
    """What these words of `pscc academy` ask for, where they ask for a lake of the academy's own; None for all others."""
    parser = argparse.ArgumentParser(prog="pscc academy up", add_help=False, allow_abbrev=False)
    parser.add_argument("--to", type=Path, default=Path("academy"))
    parser.add_argument("--lake")
    parser.add_argument("--release")
    parser.add_argument("-h", "--help", "--dry-run", dest="is_for_hub", action="store_true")
    if arguments[:1] != ["up"]:
        return None
    asked, _ = parser.parse_known_args(arguments[1:])
    return None if asked.is_for_hub or asked.lake is not None else OwnLake(asked.to, asked.release)


def check_not_supervised(arguments: Sequence[str]) -> None:
    """WrongUse for `up` or `down` of the class of services that run: their supervisor would undo it."""
    if arguments[:1] not in (["up"], ["down"]) or {"-h", "--help", "--dry-run"}.intersection(arguments):
        return
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--to", type=Path, default=Path("academy"))
    to = parser.parse_known_args(arguments[1:])[0].to.resolve()
    if not (to.parent / FILE).is_file():
        return
    place = opened(to.parent)
    if to == place.academy and supervisor.is_running(place) and "hub" in {each.name for each in programs(place)}:
        instead = {
            "up": f"`pscc up --services {place.state}` starts it",
            "down": f"`pscc up --services {place.state} --without academy` stops the class alone, `pscc down --services {place.state}` everything",
        }
        raise WrongUse(
            f"Expected an academy of its own, found the class of the services in {place.state}, which run: {instead[arguments[0]]}."
        )


def lake_of(to: Path) -> Settings:
    """The academy's own lake, made where there is none: with a key, a ledger and an engine of its own, whatever this shell works with."""
    forget(*ELSEWHERE)
    to.mkdir(parents=True, exist_ok=True)
    settings = replace(Settings.from_environment(to / "lake"), platform_key_file=platform_key(to / "platform.key"))
    Ledger(settings).close()
    return settings


def release_for_class(to: Path, settings: Settings, opening: Opening, watch: Watch, patients: int = PATIENTS) -> str:
    """The newest approved release of the lake; where there is none, that of simulated patients, which whoever starts the academy approves."""
    for release in reversed(listed(settings)):
        if release.state == APPROVED:
            return release.name
    watch("looking for the attacks that a release has to withstand")
    environment.python()
    # Goes on where an earlier start was stopped, and finds nothing to do where it was not.
    _curate(to / "hospitals", settings, opening, watch, patients)
    release, _ = make(settings, "large" if patients > 5_000 else "small", watch=watch)
    return approve(settings, release.name, f"{getpass.getuser()} (simulated patients)").name


def simulated(hospitals: Path, watch: Watch, patients: int) -> None:
    """The simulated hospitals, all of them or nothing: half of them, which a stopped start leaves, are made again."""
    if not (hospitals / "keys.json").exists():
        if hospitals.exists() and (not hospitals.is_dir() or any(hospitals.iterdir())):
            raise WrongUse(f"Expected simulated hospitals in {hospitals}, found something else: remove it, or name another --to.")
        watch(f"three hospitals simulate {patients:,} patients")
        half = hospitals.with_name(f"{hospitals.name}.part")
        shutil.rmtree(half, ignore_errors=True)
        simulate(patients, DELIVERIES, SEED, half)
        half.rename(hospitals)


def _curate(hospitals: Path, settings: Settings, opening: Opening, watch: Watch, patients: int) -> None:
    """Simulated hospitals deliver, and their deliveries go the way of all others."""
    from jobs.ingest import build, ingest

    # Java is asked for before anything is simulated.
    with opening(settings) as engine:
        simulated(hospitals, watch, patients)
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
