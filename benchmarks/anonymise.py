"""What anonymity costs: simulated patients with eight quasi-identifiers, made k-anonymous; CPU-seconds, memory and information lost.

python -m benchmarks.anonymise --patients 1000000 --k 11
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.measure import Step, alone
from jobs.privacy.anonymise import Bounds
from jobs.privacy.spec import Spec
from jobs.privacy.table import anonymised, proven
from jobs.simulate.calendar import day_of
from jobs.simulate.clinic import clinic
from jobs.simulate.facts import strata
from jobs.simulate.people import Luck, people, records

CHUNK = 2_000
QUASI = {
    "age": {},
    "sex": {},
    "diagnosed": {"periods": ["year", "quarter"]},
    "topography": {"prefixes": [3]},
    "morphology": {"prefixes": [2, 3]},
    "side": {},
    "stage": {},
    "performance": {},
}


def patients(number: int) -> pl.DataFrame:
    """The first tumour of so many simulated patients, or a few more."""
    luck, chunks, found = Luck(len(strata()), np.random.default_rng(98)), -(-number // CHUNK), 0
    made = []
    for chunk in range(chunks):
        rng = np.random.default_rng([7, chunk])
        persons = people(CHUNK, rng, luck)
        own = records(persons, 6, rng)
        tumours = clinic(persons, own, rng).tumour.filter(pl.col("rank") == 1).unique("record", keep="first", maintain_order=True)
        who = own.person[tumours["record"].to_numpy()]
        made.append(_seen(tumours, persons.birth[who], persons.woman[who]))
        found += tumours.height
    return pl.concat(made).head(number)


def _seen(tumours: pl.DataFrame, birth: np.ndarray, woman: np.ndarray) -> pl.DataFrame:
    quarters = [day_of(int(day)).replace(day=1) for day in tumours["diagnosis"]]
    return tumours.select(
        age=((pl.col("diagnosis") - pl.Series(birth)) / 365.25).floor().cast(pl.Int64),
        sex=pl.when(pl.Series(woman.astype(bool))).then(pl.lit("F")).otherwise(pl.lit("M")),
        diagnosed=pl.Series(quarters),
        topography="topography",
        morphology="morphology",
        side="side",
        stage="stage",
        performance=pl.col("performance").cast(pl.Int64),
    )


def anonymous(table: str, to: str, k: int, mode: str) -> tuple[float, int, int, int]:
    """GCP, classes, the smallest of them, and rows left out, of what was written."""
    spec = Spec(Bounds(k), mode, quasi_identifiers=QUASI)
    made = anonymised(pl.read_parquet(table), spec)
    made.rows.write_parquet(to)
    proof = proven(Path(to), spec)
    return made.loss, proof.classes, proof.smallest, made.suppressed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=1_000_000)
    parser.add_argument("--k", type=int, default=11)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pscc-benchmark-") as folder:
        table = f"{folder}/patients.parquet"
        patients(asked.patients).write_parquet(table)
        for mode in ("local", "global"):
            step: Step
            step, (lost, classes, smallest, left_out) = alone(
                f"{asked.patients:,} patients, k = {asked.k}, {mode}", anonymous, table, f"{folder}/{mode}.parquet", asked.k, mode
            )
            print(
                f"  GCP {lost:.4f}, {classes:,} classes, smallest {smallest}, rows left out {left_out}, {step.cpu / asked.patients * 1e6:.1f} CPU-s a million"
            )


if __name__ == "__main__":
    main()
