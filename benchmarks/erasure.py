"""Erasure of some people, in one request, from a lake of simulated patients: what it takes, and every trace before and after.

python -m benchmarks.erasure --patients 20000 --people 5
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import polars as pl

from benchmarks.measure import measured
from benchmarks.pipeline import house
from jobs import rights
from jobs.ingest import ingest
from jobs.lake import Lake
from jobs.landing.signature import load_keys
from jobs.silver.engine import Engine
from jobs.simulate import simulate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--deliveries", type=int, default=4)
    parser.add_argument("--people", type=int, default=5)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pscc-benchmark-"))
    try:
        run(folder, asked.patients, asked.deliveries, asked.people)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, patients: int, deliveries: int, people: int) -> None:
    settings = house(folder)
    with measured(f"simulate {patients} patients"):
        answer = simulate(patients, deliveries, 7, folder / "hospitals")
    engine = Engine(settings)
    with measured("empty lake to gold"):
        list(ingest(settings, answer.landing, load_keys(answer.keys), engine))
        engine.build()
    known = Lake.of(settings).frame("silver", "person", ["center", "person_id", "is_current"]).filter("is_current")
    chosen = known.filter(pl.col("center") == "gr").sort("person_id")["person_id"].head(people).to_list()
    request = rights.received(settings, "erase", "gr", chosen, "all", "benchmark", "benchmark")
    with measured(f"erase {people} people") as step:
        done = rights.carry_out(settings, engine, request.id)
        outcome = json.loads(done.outcome or "{}")
        step.more |= {"traces": outcome["traces"], "rows": outcome["rows"], "tables": outcome["tables"]}
    engine.close()
    for zone, before in outcome["before"].items():
        after = outcome["after"].get(zone, {})
        print(f"  {zone:24s} {before['bytes'] / 1e6:9.1f} MB   traces {before['hits']:8,} before {after.get('hits', 0):4,} after")


if __name__ == "__main__":
    main()
