"""A control group a trainee, where this machine lets us make one: memory and processes of a server bounded together, and its share of the processor.

Limits of single processes hold everywhere; this bounds their sum, shared memory included, without waiting for the watch.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
# The first generation has a tree for each thing that is bounded, the second one tree for all: how each calls a bound, and
# what stands for one share of the processor.
FIRST = {"memory": "memory.limit_in_bytes", "pids": "pids.max", "cpu": "cpu.shares"}
SECOND = {"memory": "memory.max", "pids": "pids.max", "cpu": "cpu.weight"}
ONE_SHARE = {"cpu.shares": 1024, "cpu.weight": 100}
# Shares of the processor of those whom everybody waits for, where a trainee has one. They bound nobody while it is idle.
SHARES = {"hub": 8, "engine": 4}
JOIN = 'for group in $PSCC_GROUPS; do echo $$ > "$group" || exit 70; done; unset PSCC_GROUPS; exec "$@"'


def make_groups(academy: Path, name: str, memory: int, processes: int) -> list[Path]:
    """The files by which a trainee's server joins its bounded groups; none where this account may not make any."""
    return _made(academy, name, {"memory": memory, "pids": processes, "cpu": 1})


def make_weighty(academy: Path, name: str) -> list[Path]:
    """Likewise for a part of the academy, which gets more of the processor than a trainee and is bounded in nothing."""
    # No trainee's name begins like this.
    return _made(academy, f"_{name}", {"cpu": SHARES[name]})


def _made(academy: Path, name: str, bounds: dict[str, int]) -> list[Path]:
    joined: list[Path] = []
    for what, (parent, file) in _places(bounds).items():
        group = parent / f"{_prefix(academy)}{name}"
        try:
            group.mkdir(exist_ok=True)
            (group / file).write_text(str(bounds[what] * ONE_SHARE.get(file, 1)))
        except OSError:
            continue
        if group / "cgroup.procs" not in joined:
            joined.append(group / "cgroup.procs")
    return joined


def bound_memory(groups: list[Path]) -> bool:
    """Whether one of these groups bounds memory: only then the watch need not."""
    return any((group.parent / file["memory"]).exists() for group in groups for file in (FIRST, SECOND))


def _prefix(academy: Path) -> str:
    # Several academies may stand on one machine, each with an "ana".
    return f"pscc-{hashlib.sha256(str(academy).encode()).hexdigest()[:8]}-"


def _places(wanted: dict[str, int]) -> dict[str, tuple[Path, str]]:
    """Where groups may be made for what is wanted, and the file that holds the bound."""
    if not (ROOT / "cgroup.controllers").exists():
        return {what: (ROOT / what, FIRST[what]) for what in wanted if os.access(ROOT / what, os.W_OK)}
    for what in wanted:
        with suppress(OSError):
            (ROOT / "cgroup.subtree_control").write_text(f"+{what}")
    return {what: (ROOT, SECOND[what]) for what in wanted} if os.access(ROOT, os.W_OK) else {}


def joining(groups: list[Path], command: list[str]) -> tuple[list[str], dict[str, str]]:
    """`command` as a member of the groups, and what that needs in its environment."""
    if not groups:
        return command, {}
    return ["sh", "-c", JOIN, "sh", *command], {"PSCC_GROUPS": " ".join(map(str, groups))}


def drop_all(academy: Path) -> None:
    """Remove every group of this academy, after everything of it was stopped."""
    for parent in {parent for parent, _ in _places(dict.fromkeys(FIRST, 0)).values()}:
        drop_groups([group / "cgroup.procs" for group in parent.glob(f"{_prefix(academy)}*")])


def drop_groups(groups: list[Path]) -> None:
    """Remove groups whose processes have ended; one that still has some stays for the next start."""
    for group in groups:
        with suppress(OSError):
            group.parent.rmdir()
