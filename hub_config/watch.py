"""What one trainee's server uses, all its processes together, and why it has to stop."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
FRESH_FOR = 1.0


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    memory: int


_seen: tuple[float, dict[int, list[Process]]] = (0.0, {})


def children() -> dict[int, list[Process]]:
    """Every process of the machine, by parent; read once a second for all servers together."""
    global _seen
    if time.monotonic() - _seen[0] > FRESH_FOR:
        found: dict[int, list[Process]] = {}
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError, IndexError):
                process = _process(int(entry.name))
                found.setdefault(process.parent, []).append(process)
        _seen = (time.monotonic(), found)
    return _seen[1]


def _process(pid: int) -> Process:
    # The name stands in brackets and may hold anything, so everything is counted from the last bracket.
    rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[1:3]
    # Shared memory of one's own counts, mapped program files would count many times over.
    return Process(pid, int(rest[1]), (int(resident) - int(shared)) * PAGE + _shmem(pid))


def _shmem(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssShmem:"):
            return int(line.split()[1]) * 1024
    return 0


def below(pid: int) -> list[Process]:
    """All processes that descend from this one."""
    tree, found, waiting = children(), [], [pid]
    while waiting:
        mine = tree.get(waiting.pop(), [])
        found += mine
        waiting += [process.pid for process in mine]
    return found


def memory_of(pid: int) -> int:
    """Bytes of memory that the processes below this one hold."""
    return sum(process.memory for process in below(pid))
