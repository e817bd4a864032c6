"""A control group a trainee, where this machine lets us make one: memory and processes of a server bounded together.

Limits of single processes hold everywhere; this bounds their sum, shared memory included, without waiting for the watch.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
# The first generation has a tree for each thing that is bounded, the second one tree for all.
FIRST_GENERATION = ((ROOT / "memory", "memory.limit_in_bytes"), (ROOT / "pids", "pids.max"))
JOIN = 'for group in $PSCC_GROUPS; do echo $$ > "$group" || exit 70; done; unset PSCC_GROUPS; exec "$@"'


def make_groups(academy: Path, name: str, memory: int, processes: int) -> list[Path]:
    """The files by which a process joins its bounded groups; none where this account may not make any."""
    joined: list[Path] = []
    for parent, limit in _parents():
        group = parent / f"{_prefix(academy)}{name}"
        try:
            group.mkdir(exist_ok=True)
            (group / limit).write_text(str(memory if limit.startswith("memory") else processes))
        except OSError:
            continue
        if group / "cgroup.procs" not in joined:
            joined.append(group / "cgroup.procs")
    return joined


def _prefix(academy: Path) -> str:
    # Several academies may stand on one machine, each with an "ana".
    return f"pscc-{hashlib.sha256(str(academy).encode()).hexdigest()[:8]}-"


def _parents() -> list[tuple[Path, str]]:
    if (ROOT / "cgroup.controllers").exists():
        with suppress(OSError):
            (ROOT / "cgroup.subtree_control").write_text("+memory +pids")
        return [(ROOT, "memory.max"), (ROOT, "pids.max")] if os.access(ROOT, os.W_OK) else []
    return [pair for pair in FIRST_GENERATION if os.access(pair[0], os.W_OK)]


def joining(groups: list[Path], command: list[str]) -> tuple[list[str], dict[str, str]]:
    """`command` as a member of the groups, and what that needs in its environment."""
    if not groups:
        return command, {}
    return ["sh", "-c", JOIN, "sh", *command], {"PSCC_GROUPS": " ".join(map(str, groups))}


def drop_all(academy: Path) -> None:
    """Remove every group of this academy, after everything of it was stopped."""
    for parent, _ in _parents():
        drop_groups([group / "cgroup.procs" for group in parent.glob(f"{_prefix(academy)}*")])


def drop_groups(groups: list[Path]) -> None:
    """Remove groups whose processes have ended; one that still has some stays for the next start."""
    for group in groups:
        with suppress(OSError):
            group.parent.rmdir()
