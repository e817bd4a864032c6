"""Pieces of a bubblewrap command, from which every sandbox of the academy is put together. Standard library only."""

import sys
from pathlib import Path


def parents(path: Path) -> list[str]:
    """The folders above a path, such that everybody may pass through: those that bubblewrap makes by itself could be entered by root only."""
    above = [parent for parent in reversed(path.parents) if parent != Path("/")]
    return [word for parent in above for word in ("--perms", "0755", "--dir", str(parent))]


def read_only(path: Path) -> list[str]:
    """The path where it is, read-only, and its parents."""
    return [*parents(path), "--ro-bind", str(path), str(path)]


def system() -> list[str]:
    """/usr, and what stands for parts of it at the root: links on most machines, folders on others."""
    words = read_only(Path("/usr"))
    for place in map(Path, ("/bin", "/sbin", "/lib", "/lib32", "/lib64")):
        if place.is_symlink():
            words += ["--symlink", str(place.readlink()), str(place)]
        elif place.exists():
            words += read_only(place)
    return words


def interpreter() -> list[Path]:
    """Where Python and its packages lie, beside /usr."""
    prefixes = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent}
    return sorted(prefix for prefix in prefixes if Path("/usr") not in (prefix, *prefix.parents))


def become(uid: int) -> list[str]:
    """What stands before a command for it to run as this user, without any privilege and without a way to get one."""
    return [
        "setpriv",
        f"--reuid={uid}",
        f"--regid={uid}",
        "--clear-groups",
        "--no-new-privs",
        "--inh-caps=-all",
        "--bounding-set=-all",
    ]
