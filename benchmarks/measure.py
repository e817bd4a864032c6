"""Wall time, CPU-seconds and peak memory of a step: with the JVM and every other child counted in, or of a process of its own."""

import multiprocessing
import resource
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil


@dataclass
class Step:
    """What one step cost; filled when it ends. Memory is the proportional set of the process and its children, or what one process held."""

    name: str
    wall: float = 0.0
    cpu: float = 0.0
    peak_mib: float = 0.0
    more: dict[str, object] = field(default_factory=dict)

    def line(self) -> str:
        """One line of a report."""
        rest = " ".join(f"{name}={value}" for name, value in self.more.items())
        return f"{self.name:44s} wall {self.wall:8.2f} s   cpu {self.cpu:8.2f} s   peak {self.peak_mib:7.0f} MiB   {rest}"


def family() -> list[psutil.Process]:
    """This process and all its descendants."""
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def cpu_seconds() -> float:
    """User and system time of the family so far, children that ended included."""
    total = 0.0
    for each in family():
        try:
            spent = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += spent.user + spent.system
    ended = psutil.Process().cpu_times()
    return total + ended.children_user + ended.children_system


def memory_mib() -> float:
    """Memory that the family holds now."""
    total = 0
    for each in family():
        try:
            total += each.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 2**20


@contextmanager
def measured(name: str, steps: list[Step] | None = None, every: float = 0.5) -> Iterator[Step]:
    """Measure what is done inside; the step is printed and kept when it ends."""
    step, stop = Step(name), threading.Event()

    def watch() -> None:
        while not stop.wait(every):
            step.peak_mib = max(step.peak_mib, memory_mib())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    started, before = time.perf_counter(), cpu_seconds()
    try:
        yield step
    finally:
        step.wall, step.cpu = time.perf_counter() - started, cpu_seconds() - before
        stop.set()
        step.peak_mib = max(step.peak_mib, memory_mib())
        if steps is not None:
            steps.append(step)
        print(step.line(), flush=True)


def alone(name: str, work: Callable[..., Any], *arguments: Any) -> tuple[Step, Any]:
    """Do a step in a fresh process of its own: what it cost without the imports, its peak memory with them, and what it gave."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as process:
        step, given = process.submit(_spent, name, work, arguments).result()
    print(step.line(), flush=True)
    return step, given


def _spent(name: str, work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Step, Any]:
    started, before = time.perf_counter(), time.process_time()
    given = work(*arguments)
    return Step(name, time.perf_counter() - started, time.process_time() - before, _peak_mib()), given


def _peak_mib() -> float:
    """The most that this process ever held. Linux lets `ru_maxrss` begin with what the parent held, so the kernel's own line is read."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    held = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), None)
    return (held or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024
