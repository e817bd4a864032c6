"""The users of a machine that root runs, one a trust domain: what stands before a program for it to be one of them, and what is handed over to them.

No account of the machine has these numbers, and none is made: docs/decisions/0017.
"""

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from jobs.errors import WrongUse
from jobs.settings.values import places, value
from quality.address import is_remote

# The group of the curated engine, and its user, are hub_config's.
POSTGRES_UID, CURATED_GID, CLINICAL_UID = 64601, 64602, 64603
# A JVM refuses a user without a name.
NAMES = Path(__file__).with_name("etc")
PROJECT = Path(__file__).parents[2]


def become(uid: int, *groups: int) -> list[str]:
    """What stands before a command for it to run as this user, without any privilege and without a way to get one."""
    others = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
    words = ["setpriv", f"--reuid={uid}", f"--regid={uid}", others, "--no-new-privs"]
    return [*words, "--inh-caps=-all", "--bounding-set=-all"]


def clinical() -> list[str]:
    """The end of a bubblewrap command: what follows is the clinical user's where root starts it. Gold is given to its readers' group."""
    if os.geteuid() != 0:
        return ["--"]
    # setpriv needs these three, and gives them up with everything else.
    kept = [word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")]
    return ["--cap-drop", "ALL", *kept, "--", *become(CLINICAL_UID, CURATED_GID)]


def machine(shown: Iterable[Path], *, to_write: bool = True) -> list[str]:
    """The beginning of a bubblewrap command: the machine as it is. Where root starts it, with names for its users, and with what of
    `shown` and of Python lies behind folders that only root may enter: there, and nothing else of them.
    """
    how = "--bind" if to_write else "--ro-bind"
    words = ["bwrap", "--dev-bind" if to_write else "--ro-bind", "/", "/"]
    if os.geteuid() != 0:
        return words
    names = [word for name in ("passwd", "group") for word in ("--ro-bind", str(NAMES / name), f"/etc/{name}")]
    return [*words, *_ways(dict.fromkeys(_code(), "--ro-bind") | dict.fromkeys(shown, how)), *names]


def _code() -> list[Path]:
    """Where Python, its packages, this project and the jars lie."""
    java = [Path(home) for name in ("JAVA_HOME", "PSCC_JARS") if (home := os.environ.get(name))]
    found = [PROJECT, Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent, *java]
    return [path.resolve() if path.is_symlink() else path for path in found]


def _ways(shown: dict[Path, str]) -> list[str]:
    barred = {path: barrier for path in sorted(shown) if path.exists() and (barrier := _barrier(path))}
    words = [word for barrier in sorted(set(barred.values())) for word in ("--perms", "0755", "--tmpfs", str(barrier))]
    for path, barrier in barred.items():
        between = [parent for parent in reversed(path.parents) if parent.is_relative_to(barrier) and parent != barrier]
        words += [word for parent in between for word in ("--perms", "0755", "--dir", str(parent))]
        words += [shown[path], str(path), str(path)]
    return words


def _barrier(path: Path) -> Path | None:
    """The outermost folder above a path that the clinical user may not pass through."""
    return next((parent for parent in reversed(path.parents) if not _is_open(parent)), None)


def _is_open(folder: Path) -> bool:
    found = folder.stat()
    if found.st_uid == CLINICAL_UID:
        return bool(found.st_mode & stat.S_IXUSR)
    return bool(found.st_mode & (stat.S_IXGRP if found.st_gid in (CLINICAL_UID, CURATED_GID) else stat.S_IXOTH))


def hand_over(folder: Path) -> int:
    """Give the clinical user what root owns in a folder of root's, once; how many files and folders that were. WrongUse where it is somebody else's.

    The folder itself comes last: until then all of it is done again. After that nothing of root's walks through what is another user's.
    """
    found = folder.stat()
    if found.st_uid == CLINICAL_UID:
        return 0
    if found.st_uid != 0:
        raise WrongUse(
            f"Expected {folder} to be root's or the clinical user's ({CLINICAL_UID}), found user {found.st_uid}'s: start the services as that "
            f"user, or run `chown -R {CLINICAL_UID}:{CLINICAL_UID} {folder}`."
        )
    given = 0
    for _, folders, files, here in os.fwalk(folder, topdown=False):
        for name in (*folders, *files):
            given += _give(name, here)
    os.chown(folder, CLINICAL_UID, _group(found))
    return given


def _give(name: str, here: int) -> bool:
    found = os.stat(name, dir_fd=here, follow_symlinks=False)
    if found.st_uid != 0:
        return False
    os.chown(name, CLINICAL_UID, _group(found), dir_fd=here, follow_symlinks=False)
    return True


def _group(found: os.stat_result) -> int:
    """Root's group becomes the clinical user's; another one stays: gold's."""
    return CLINICAL_UID if found.st_gid == 0 else -1


def work_as_owner(lake: str, words: list[str]) -> None:
    """Of a command that root typed: begin again as the clinical user where the lake, or the staging of one in a store, is that user's.

    What root made there would be closed to the services. Does not come back then. WrongUse where bubblewrap, without which root started no services, is gone.
    """
    its_own = value("PSCC_STAGING") if is_remote(lake) else lake
    if os.geteuid() != 0 or not its_own or not Path(its_own).is_dir() or Path(its_own).stat().st_uid != CLINICAL_UID:
        return
    os.umask(0o027)
    here = Path.cwd()
    shown = [Path(its_own), *_named(words), *_named(places())]
    command = [*machine(shown), *_made(here), "--chdir", str(here), *clinical(), "--pdeathsig", "TERM"]
    known = {"HOME": "/nonexistent", "USER": "pscc-clinical", "LOGNAME": "pscc-clinical", "LAKE_ROOT": lake}
    path = f"{PROJECT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    try:
        os.execvpe(
            command[0],
            [*command, sys.executable, "-m", "jobs.cli", *words],
            os.environ | known | {"PYTHONPATH": path},
        )
    except FileNotFoundError:
        raise WrongUse(
            f"Expected bubblewrap, with which root works as the owner of {lake} (user {CLINICAL_UID}), found none: install Debian's `bubblewrap`."
        ) from None


def _named(words: Iterable[str]) -> Iterator[Path]:
    """What there is of files and folders that somebody named."""
    for word in words:
        path = Path(word.partition("=")[2] if word.startswith("--") else word)
        try:
            if str(path) != "." and path.exists():
                yield path.resolve()
        except (OSError, ValueError):
            continue  # A query or a reason, not a path.


def _made(here: Path) -> list[str]:
    """The folder in which a command was typed, for relative names: empty, where it lies behind one that only root may enter."""
    barrier = _barrier(here)
    between = [each for each in (*reversed(here.parents), here) if barrier and each.is_relative_to(barrier) and each != barrier]
    return [word for each in between for word in ("--perms", "0755", "--dir", str(each))]
