"""What anonymity costs: Adult beside other anonymisers, and simulated patients with eight quasi-identifiers; CPU-seconds, memory, information lost.

python -m benchmarks.anonymise --patients 1000000 --k 11

Every table is judged by the same function, which sees only what was written. Other tools are fetched by uv into environments of their own;
`--no-peers` leaves them out.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import adult
from benchmarks.measure import Step, alone, measured
from jobs.privacy.anonymise import Bounds
from jobs.privacy.hierarchy import Hierarchy
from jobs.privacy.spec import Spec
from jobs.privacy.table import anonymised, loss_told, proven, written_in
from jobs.simulate.calendar import day_of
from jobs.simulate.clinic import clinic
from jobs.simulate.facts import strata
from jobs.simulate.people import Luck, people, records

CHUNK = 2_000
STAGES = ["I", "IA", "IB", "IIA", "IIB", "IIIA", "IIIB", "IIIC", "IV", "IVA"]
QUASI = {
    "age": {},
    "sex": {},
    "diagnosed": {"periods": ["year", "quarter"]},
    "topography": {"prefixes": [3]},
    "morphology": {"prefixes": [2, 3]},
    "side": {},
    "stage": {"order": STAGES},
    "performance": {},
}
# What each tool needs; anjana with no row left out, and with at most one of ten.
PEERS = {
    "anjana 0": ["anjana==1.2.3"],
    "anjana 10": ["anjana==1.2.3"],
    "anonypy": ["anonypy==0.2.1", "pandas==2.3.3"],
    "lighthouse": ["project-lighthouse-anonymize==1.0.0"],
}
JUDGE = ["anjana==1.2.3"]
PATIENCE_SECONDS = 900


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


class WithLists(Hierarchy):
    """A hierarchy that also knows cells which list values, as other tools write them: two of four values lose a half."""

    def loss_of(self, told: str) -> float:
        return len(told.split("|")) / len(self.values) if "|" in told else super().loss_of(told)


def judged(written: pl.LazyFrame, spec: Spec, before: pl.DataFrame) -> str:
    """What any tool's table is worth, in a line: GCP, classes and the smallest of them, rows left out (which have lost everything)."""
    hierarchies = [WithLists(each.column, each.values, each.labels, each.points) for each in spec.hierarchies(before)]
    sizes = written.group_by(list(spec.quasi_identifiers)).len().collect()["len"]
    left_out = before.height - int(sizes.sum())
    return f"GCP {loss_told(written, hierarchies, left_out):.4f}, {len(sizes):,} classes, smallest {sizes.min()}, rows left out {left_out:,}"


def anonymous(table: str, to: str, spec: Spec) -> None:
    """Ours: read, made anonymous, written and proven."""
    made = anonymised(pl.read_parquet(table), spec)
    made.rows.write_parquet(to)
    proven(Path(to), spec)


def with_spark(table: str, to: str, k: int, most: int, folder: Path) -> None:
    """Ours group by group, on an engine that is started for it."""
    from jobs.privacy.groups import anonymise_with_spark
    from jobs.session import open_session
    from jobs.settings import Settings

    said = "\n".join(
        f"[quasi_identifiers.{name}]\n" + "".join(f"{kind} = {value}\n" for kind, value in each.items())
        for name, each in QUASI.items()
    )
    (folder / "spec.toml").write_text(f"k = {k}\n{said}", encoding="utf-8")
    session = open_session(Settings(lake=str(folder / "lake")))
    try:
        anonymise_with_spark(session, Path(table), Path(to), folder / "spec.toml", most)
    finally:
        session.stop()


def on_patients(asked: argparse.Namespace, folder: Path) -> None:
    table = Path(asked.table) if asked.table else folder / "patients.parquet"
    if not table.exists():
        patients(asked.patients).write_parquet(table)
    before = pl.read_parquet(table)
    for mode in ("local", "global"):
        spec, to = Spec(Bounds(asked.k), mode, quasi_identifiers=QUASI), folder / f"{mode}.parquet"
        step: Step
        step, _ = alone(f"{before.height:,} patients, k = {asked.k}, {mode}", anonymous, str(table), str(to), spec)
        print(f"  {judged(pl.scan_parquet(to), spec, before)}, {step.cpu / before.height * 1e6:.1f} CPU-s a million")
    if asked.spark:
        spec, to = Spec(Bounds(asked.k), quasi_identifiers=QUASI), folder / "spark.parquet"
        with measured(f"{before.height:,} patients, k = {asked.k}, Spark, groups of {asked.spark:,}"):
            with_spark(str(table), str(to), asked.k, asked.spark, folder)
        print(f"  {judged(written_in(to), spec, before)}")


def on_adult(ks: list[int], with_peers: bool, folder: Path) -> None:
    rows = adult.adult()
    if rows is None:
        print(adult.MISSING)
        return
    rows.write_parquet(folder / "adult.parquet")
    spec = adult.spec(ks[0], "local", folder)
    _for_peers(rows, spec.hierarchies(rows), folder)
    for k in ks:
        for mode in ("local", "global"):
            spec, to = adult.spec(k, mode, folder), folder / f"{mode}.parquet"
            alone(f"Adult, {rows.height:,} rows, k = {k}, {mode}", anonymous, str(folder / "adult.parquet"), str(to), spec)
            written = pl.read_parquet(to)
            written.write_csv(folder / f"told ours {mode} {k}.csv")
            print(f"  {judged(written.lazy(), spec, rows)}")
        for tool, needs in PEERS.items() if with_peers else ():
            to = folder / f"told {tool} {k}.csv"
            said = _peer(needs, tool, str(folder), str(k), str(to))
            print(
                f"Adult, k = {k}, {tool}: {said['cpu']:.1f} CPU-s"
                if "cpu" in said
                else f"Adult, k = {k}, {tool}: {said['failed']}"
            )
            if to.exists() and "cpu" in said:
                print(f"  {judged(pl.scan_csv(to, infer_schema=False), spec, rows)}")
    if with_peers:
        print("What pycanon finds as k:", _peer(JUDGE, "pycanon", str(folder), "0", ""))


def _for_peers(rows: pl.DataFrame, hierarchies: list[Hierarchy], folder: Path) -> None:
    """The rows with ordered words as numbers, and what each column is."""
    columns = {}
    for each in hierarchies:
        named = dict(zip(each.values, each.labels[-1], strict=True))
        if each.points is not None and rows[each.column].dtype == pl.String:
            rows = rows.with_columns(pl.Series(each.column, each.codes(rows[each.column])))
            named = dict(enumerate(each.labels[-1]))
        columns[each.column] = {
            "ordered": each.points is not None,
            "labels": each.labels,
            "told": {str(value): name for value, name in named.items()},
        }
    rows.write_csv(folder / "rows.csv")
    (folder / "columns.json").write_text(json.dumps(columns), encoding="utf-8")


def _peer(needs: list[str], *arguments: str) -> dict:
    """What another tool said of its run, or why it has not run."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        return {"failed": "left out, expected uv, found none: run `make setup`"}
    more = [part for need in needs for part in ("--with", need)]
    command = [
        uv,
        "run",
        "--quiet",
        "--no-project",
        "--isolated",
        "--python",
        "3.11",
        *more,
        "python",
        str(Path(__file__).parent / "peers.py"),
    ]
    try:
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {PATIENCE_SECONDS} s"}
    if done.returncode:
        return {"failed": f"left out, it ended with: {(done.stderr.strip().splitlines() or ['nothing'])[-1]}"}
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=1_000_000)
    parser.add_argument("--k", type=int, default=11)
    parser.add_argument("--table", help="where the simulated patients are kept for a next run")
    parser.add_argument("--adult-k", type=int, nargs="*", default=[5, 10])
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--spark", type=int, metavar="ROWS", help="the patients with Spark too, in groups of at most so many")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pscc-benchmark-") as folder:
        if asked.adult_k:
            on_adult(asked.adult_k, asked.peers, Path(folder))
        if asked.patients:
            on_patients(asked, Path(folder))


if __name__ == "__main__":
    main()
