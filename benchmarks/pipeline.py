"""The whole chain: deliveries one after the other, the same as one backlog, and a simulated hospital of any size.

python -m benchmarks.pipeline one-by-one LANDING KEYS.json
python -m benchmarks.pipeline backlog LANDING KEYS.json
python -m benchmarks.pipeline simulated --patients 20000
python -m benchmarks.pipeline warm --patients 4000 --deliveries 6
"""

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.measure import Step, measured
from jobs.ingest import ingest
from jobs.landing.signature import load_keys
from jobs.settings import Settings
from jobs.silver.engine import Engine


def house(folder: Path) -> Settings:
    """Settings of a fresh lake below `folder`."""
    key = folder / "platform.key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    # Nothing from the environment: a ledger that is in use must not hear of a benchmark.
    return Settings(lake=str(folder / "lake"), platform_key_file=key)


def in_order(landing: Path) -> list[Path]:
    """Deliveries in order of their creation."""
    manifests = sorted(landing.rglob("manifest.json"))
    return [each.parent for each in sorted(manifests, key=lambda each: json.loads(each.read_text())["created_at"])]


def one_by_one(landing: Path, keys: Path, folder: Path) -> None:
    """Each delivery published to silver before the next is dropped."""
    settings, register, steps = house(folder), load_keys(keys), list[Step]()
    engine, dropped = Engine(settings), folder / "dropped"
    with measured("all deliveries, one by one"):
        for delivery in in_order(landing):
            drop(delivery, dropped)
            with measured(delivery.name, steps) as step:
                step.more["outcomes"] = [report.outcome for report in ingest(settings, dropped, register, engine)]
    with measured("gold"):
        engine.build()


def drop(delivery: Path, landing: Path) -> None:
    """A copy of `delivery` below `landing`, at the same place and announced now."""
    target = landing / Path(*delivery.parts[-4:])
    shutil.copytree(delivery, target)
    os.utime(target / "manifest.json")


def warm(hospitals: Path, folder: Path) -> None:
    """The last delivery of each hospital, on an engine that has loaded all others: from the manifest to silver."""
    settings, register = house(folder), load_keys(hospitals / "keys.json")
    engine, dropped = Engine(settings), folder / "dropped"
    last = {delivery.parts[-4]: delivery for delivery in in_order(hospitals / "landing")}
    for delivery in in_order(hospitals / "landing"):
        if delivery not in last.values():
            drop(delivery, dropped)
    with measured("all but the last of each hospital") as step:
        step.more["rows"] = sum(report.rows_read for report in ingest(settings, dropped, register, engine))
    for delivery in last.values():
        drop(delivery, dropped)
        with measured(delivery.name) as step:
            step.more["rows"] = sum(report.rows_read for report in ingest(settings, dropped, register, engine))


def backlog(landing: Path, keys: Path, folder: Path) -> None:
    """Everything at once, from an empty lake to gold."""
    settings = house(folder)
    engine = Engine(settings)
    with measured("backlog, empty lake to gold"):
        with measured("  to silver") as step:
            step.more["accepted"] = sum(
                report.outcome == "accepted" for report in ingest(settings, landing, load_keys(keys), engine)
            )
        with measured("  gold"):
            engine.build()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("one-by-one", "backlog", "simulated", "warm"))
    parser.add_argument("landing", nargs="?", type=Path)
    parser.add_argument("keys", nargs="?", type=Path)
    parser.add_argument("--patients", type=int, default=20000)
    parser.add_argument("--deliveries", type=int, default=6)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pscc-benchmark-"))
    try:
        if asked.what == "one-by-one":
            one_by_one(asked.landing, asked.keys, folder)
        elif asked.what == "backlog":
            backlog(asked.landing, asked.keys, folder)
        else:
            from jobs.simulate import simulate

            with measured(f"simulate {asked.patients} patients"):
                simulate(asked.patients, asked.deliveries, 7, folder / "hospitals")
            hospitals = folder / "hospitals"
            if asked.what == "warm":
                warm(hospitals, folder)
            else:
                backlog(hospitals / "landing", hospitals / "keys.json", folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
