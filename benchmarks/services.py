"""The services of one machine: how long a warm start takes, what they hold in memory, and how soon a delivery is in gold.

python -m benchmarks.services [--deliveries 20] [--patients 300] [--beside 3] [--in FOLDER]

Simulated deliveries are dropped one by one, the next when gold has taken in all of the one before. A figure of CPU counts every process of the
services, children that ended included: on a machine with other work it says more than the time on the wall. Beside them, after the services are
down, the first deliveries once more into a lake of their own: the same tasks in the same order, each a process with a JVM of its own.
"""

import argparse
import ast
import ctypes
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.pipeline import in_order
from jobs.delivering import deliver
from jobs.ingest import gold_is_fresh
from jobs.ledger import Ledger
from jobs.services.guard import PR_SET_CHILD_SUBREAPER
from jobs.services.place import Place, prepared
from jobs.services.programs import basic
from jobs.services.updown import down, up
from jobs.services.users import CLINICAL_UID
from jobs.settings import Settings
from jobs.silver.engine import Engine
from jobs.simulate import simulate
from quality.contracts import contracts

PATIENCE_SECONDS = 900
SETTLED_SECONDS = 30
# To see whether gold is fresh takes half a CPU-second: looked at more often, it would measure itself. When it became so its tables tell.
LOOK_SECONDS = 4


def family(place: Place) -> list[psutil.Process]:
    """The supervisor and everything below it."""
    head = psutil.Process(int((place.run / "supervisord.pid").read_text()))
    return [head, *head.children(recursive=True)]


def cpu_seconds(place: Place) -> float:
    """CPU time of the services so far, children that ended included."""
    total = 0.0
    for each in family(place):
        with suppress(psutil.NoSuchProcess):
            total += sum(each.cpu_times()[:4])
    return total


def memory(place: Place) -> dict[str, float]:
    """MiB that each program holds, shared pages counted once (proportional set size)."""
    held: dict[str, float] = {}
    head, *_ = family(place)
    for program in head.children():
        with suppress(psutil.NoSuchProcess):
            # `… -m jobs.services.guard NAME STATE`, or the watch.
            name = program.cmdline()[-2].rpartition(".")[2]
            held[name] = sum(_pss(each) for each in [program, *program.children(recursive=True)])
    return held | {"supervisor": _pss(head)}


def _pss(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return float(process.memory_full_info().pss) / 2**20
    return 0.0


@contextmanager
def running(place: Place, what: str) -> Iterator[None]:
    """The services, up; how long that took is printed, and what they hold once they have come to rest."""
    started = time.monotonic()
    up(place, lambda _: None)
    print(f"{what} start: healthy after {time.monotonic() - started:.0f} s, {cpu_seconds(place):.0f} CPU-s", flush=True)
    try:
        yield
    finally:
        down(place)


def told(held: dict[str, float]) -> str:
    """Memory on one line, the largest first."""
    parts = ", ".join(f"{name} {mib:.0f}" for name, mib in sorted(held.items(), key=lambda each: -each[1]))
    return f"{sum(held.values()) / 1024:.2f} GiB ({parts} MiB)"


def into_gold(place: Place, settings: Settings, delivery: Path) -> dict[str, float]:
    """Drop a delivery; seconds from its manifest until it is loaded and until no product of gold lacks it, and CPU-seconds."""
    engine, before = Engine(settings), cpu_seconds(place)
    where = deliver(delivery, Path(place.landing))
    since = (where / "manifest.json").stat().st_mtime

    def wait(done: Callable[[], object], seconds: float) -> float:
        while not done():
            if time.time() - since > PATIENCE_SECONDS:
                raise SystemExit(f"{where.name} is not in gold after {PATIENCE_SECONDS} s: see {place.logs}")
            time.sleep(seconds)
        return time.time() - since

    silver = wait(lambda: _outcome(settings, where.name), 0.5)
    seen = wait(lambda: gold_is_fresh(settings, engine), LOOK_SECONDS)
    written = _last_of_gold(place) - since
    return {"silver": silver, "gold": written if written > silver else seen, "cpu": cpu_seconds(place) - before}


def _last_of_gold(place: Place) -> float:
    """When a product of gold was last written."""
    return max(file.stat().st_mtime for file in Path(place.lake, "gold").glob("*/_delta_log/*.json"))


def _outcome(settings: Settings, name: str) -> str | None:
    ledger = Ledger(settings)
    try:
        return next((each.outcome for each in ledger.deliveries() if each.delivery_id == name), None)
    finally:
        ledger.close()


def one_jvm_a_task(folder: Path, place: Place, deliveries: list[Path]) -> list[dict[str, float]]:
    """The tasks of the DAGs for each delivery, each in a process that starts its own JVM where it needs one; seconds until gold, and CPU-seconds."""
    environment = basic(place) | {
        "LAKE_ROOT": str(folder / "beside" / "lake"),
        "PSCC_LANDING": str(folder / "beside" / "landing"),
        "PSCC_KEYS": place.keys,
        "PSCC_PLATFORM_KEY_FILE": place.platform_key_file,
    }
    Path(environment["PSCC_LANDING"]).mkdir(parents=True)
    Ledger(Settings(lake=environment["LAKE_ROOT"])).close()

    def task(call: str) -> str:
        command = [sys.executable, "-c", f"from jobs import tasks; print(tasks.{call})"]
        done = subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
        _wait_for_orphans()
        return done.stdout.strip().splitlines()[-1]

    # A JVM outlives the process that started it by a moment; its seconds count too.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    taken = []
    for delivery in deliveries:
        before = _cpu_of_children()
        since = (deliver(delivery, Path(environment["PSCC_LANDING"])) / "manifest.json").stat().st_mtime
        key = ast.literal_eval(task("find()"))[0]
        for call in ("verify", "land", "publish", "verdict"):
            task(f"{call}({key!r})")
        silver = time.time() - since
        for name in contracts("gold"):
            task(f"build({name!r})")
        task("all_built([])")
        found = {"silver": silver, "gold": time.time() - since, "cpu": _cpu_of_children() - before}
        print(f"{delivery.name}, one JVM a task: in gold {found['gold']:.1f} s, {found['cpu']:.1f} CPU-s", flush=True)
        taken.append(found)
    return taken


def _wait_for_orphans() -> None:
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=20)
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--beside", type=int, default=3, help="how many of them once more with one JVM a task")
    parser.add_argument("--in", dest="folder", type=Path)
    asked = parser.parse_args()
    folder = (asked.folder or Path(tempfile.mkdtemp(prefix="pscc-services-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        measure(folder, asked.deliveries, asked.patients, asked.beside)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, number: int, patients: int, beside: int) -> None:
    """Start cold and warm, weigh, drop deliveries one by one; then the first of them with one JVM a task."""
    made = simulate(patients, -(-number // 3), 7, folder / "hospitals")
    key = folder / "platform.key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    _hand_over(folder)
    place = prepared(folder / "services", {"keys": str(made.keys), "platform_key_file": str(key)})
    settings = replace(Settings(lake=place.lake), platform_key_file=key)
    with running(place, "first"):
        pass
    with running(place, "warm"):
        time.sleep(SETTLED_SECONDS)
        print(f"idle: {told(memory(place))}", flush=True)
        taken = [_dropped(place, settings, each) for each in in_order(made.landing)[:number]]
        print(f"after {len(taken)} deliveries: {told(memory(place))}")
    tell("services", taken)
    if beside:
        tell("services, the same deliveries", taken[:beside])
        tell("one JVM a task", one_jvm_a_task(folder, place, in_order(made.landing)[:beside]))


def _hand_over(folder: Path) -> None:
    """Services that root starts are not root: what they read is theirs, and the way to it open."""
    folder.chmod(0o711)
    if os.geteuid() == 0:
        for each in (folder, *folder.rglob("*")):
            os.chown(each, CLINICAL_UID, CLINICAL_UID)


def tell(who: str, taken: list[dict[str, float]]) -> None:
    """Medians and maxima, a line each."""
    for what in ("silver", "gold", "cpu"):
        values = [each[what] for each in taken]
        print(
            f"{who}: {what} median {statistics.median(values):.1f} s, maximum {max(values):.1f} s, of {len(values)} deliveries",
            flush=True,
        )


def _dropped(place: Place, settings: Settings, delivery: Path) -> dict[str, float]:
    found = into_gold(place, settings, delivery)
    rows = sum(each["rows"] for each in json.loads((delivery / "manifest.json").read_text())["files"])
    print(
        f"{delivery.name}: {rows} rows, in silver {found['silver']:.1f} s, in gold {found['gold']:.1f} s, {found['cpu']:.1f} CPU-s",
        flush=True,
    )
    return found


if __name__ == "__main__":
    main()
