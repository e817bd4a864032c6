"""The services of one machine: how long a warm start takes, what they hold in memory, and how soon a delivery is in gold.

python -m benchmarks.services [--deliveries 20] [--patients 300] [--in FOLDER]

Simulated deliveries are dropped one by one, the next when gold has taken in all of the one before. A figure of CPU counts every process of the
services, children that ended included: on a machine with other work it says more than the time on the wall.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.pipeline import in_order
from jobs.delivering import deliver
from jobs.ingest import gold_is_fresh
from jobs.ledger import Ledger
from jobs.services.place import Place, prepared
from jobs.services.updown import down, up
from jobs.settings import Settings
from jobs.silver.engine import Engine
from jobs.simulate import simulate

PATIENCE_SECONDS = 900
SETTLED_SECONDS = 30


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
    found: dict[str, float] = {}
    while "gold" not in found:
        if time.time() - since > PATIENCE_SECONDS:
            raise SystemExit(f"{where.name} is not in gold after {PATIENCE_SECONDS} s: see {place.logs}")
        time.sleep(0.5)
        if "silver" not in found and _outcome(settings, where.name):
            found["silver"] = time.time() - since
        if "silver" in found and gold_is_fresh(settings, engine):
            found["gold"] = time.time() - since
    return found | {"cpu": cpu_seconds(place) - before}


def _outcome(settings: Settings, name: str) -> str | None:
    ledger = Ledger(settings)
    try:
        return next((each.outcome for each in ledger.deliveries() if each.delivery_id == name), None)
    finally:
        ledger.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=20)
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--in", dest="folder", type=Path)
    asked = parser.parse_args()
    folder = (asked.folder or Path(tempfile.mkdtemp(prefix="pscc-services-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        measure(folder, asked.deliveries, asked.patients)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, number: int, patients: int) -> None:
    """Start cold and warm, weigh, drop deliveries one by one."""
    made = simulate(patients, -(-number // 3), 7, folder / "hospitals")
    key = folder / "platform.key"
    key.write_text("ab" * 32)
    place = prepared(folder / "services", {"keys": str(made.keys), "platform_key_file": str(key)})
    settings = replace(Settings(lake=place.lake), platform_key_file=key)
    with running(place, "first"):
        pass
    with running(place, "warm"):
        time.sleep(SETTLED_SECONDS)
        print(f"idle: {told(memory(place))}", flush=True)
        taken = [_dropped(place, settings, each) for each in in_order(made.landing)[:number]]
        print(f"after {len(taken)} deliveries: {told(memory(place))}")
    for what in ("silver", "gold", "cpu"):
        values = [each[what] for each in taken]
        print(f"{what}: median {statistics.median(values):.1f} s, maximum {max(values):.1f} s, of {len(values)} deliveries")


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
