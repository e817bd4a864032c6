"""A build of gold: every product whose inputs or rules changed is made again, held to its contract, and replaced in one commit."""

import hashlib
import inspect
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import gold, lineage
from jobs.builds import WRITER
from jobs.errors import GateFailed
from jobs.failpoint import failpoint
from jobs.gold.cohort import OWN, cohort
from jobs.lake import Lake
from jobs.landing.pseudonyms import Pseudonyms
from jobs.session import tune
from jobs.silver import tables
from jobs.silver.passes import IDENTITY
from jobs.silver.person import mastered
from jobs.silver.staging import parts
from quality import gate
from quality.contract import Table
from quality.contracts import contracts
from quality.dictionary import without

# The version of every table that a product is made from, which tables these are, and its recipe.
Inputs = dict[str, int | str]
# The JVM plans one product while it computes another.
THREADS = 3
# Up to here a build works every table in one piece.
MANY_ROWS = 500_000
PATIENT_KEY, KEYS = "patient_key", ("master_person_id", "patient_id", "industry_use_opposed")
BUILT = pa.schema(
    [
        ("build", pa.int64()),
        ("table", pa.string()),
        ("inputs", pa.string()),
        ("rows", pa.int64()),
        ("published_at", pa.timestamp("us", "UTC")),
    ]
)


def write_patient_keys(lake: Lake, platform_key: bytes) -> None:
    """Give every master person the id that gold knows them by. Done beside the engine: the key never enters Spark."""
    if patient_keys_are_fresh(lake):
        return
    masters = _masters(lake)
    keyed = Pseudonyms(platform_key)
    ids = [keyed.patient_id(person) for person in masters["master_person_id"]]
    rows = masters.with_columns(pl.Series("patient_id", ids, pl.String)).select(KEYS)
    since, columns = datetime.now(UTC), rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    # The log of a table outlives its rows: no id of a person or patient may stand in it.
    lake.write("bronze", PATIENT_KEY, columns, mode="overwrite", anew=True, counted="industry_use_opposed")
    _tell_keys(lake, since, rows.height)


@lineage.aside
def _tell_keys(lake: Lake, since: datetime, rows: int) -> None:
    sources = lineage.tables(lake, {name: lake.version(*name.split(".")) for name in ("silver.person", "bronze.identity")})
    lineage.wrote(lake, f"bronze.{PATIENT_KEY}", lake.table("bronze", PATIENT_KEY), lineage.Work("gold", since), sources, rows)


def patient_keys_are_fresh(lake: Lake) -> bool:
    """True where every master person has an id, and whether they oppose the use by companies is as the vault says."""
    known = lake.frame("bronze", PATIENT_KEY)
    masters = _masters(lake)
    return sorted(known.columns) == sorted(KEYS) and known.select(masters.columns).sort("master_person_id").equals(masters)


def _masters(lake: Lake) -> pl.DataFrame:
    """master_person_id, industry_use_opposed of every current master person, in order.

    Oppositions come from landing, which also knows those that are gone from the newest list and those of deliveries that wait.
    """
    people = lake.frame("silver", "person", ["person_id", "master_person_id", "is_current"]).filter("is_current")
    identity = _identity(lake)
    groups = identity.filter(pl.col("opposed").list.contains("industry"))["master_person_id"]
    opposed = mastered(people.select("person_id"), identity)["master_person_id"].is_in(groups.implode())
    of_each = people.with_columns(industry_use_opposed=opposed).group_by("master_person_id")
    return of_each.agg(pl.col("industry_use_opposed").any()).sort("master_person_id")


def _identity(lake: Lake) -> pl.DataFrame:
    return lake.frame("bronze", "identity", IDENTITY.names()).cast(IDENTITY)


def recipe(table: Table) -> str:
    """A digest of how a product is made: its code, its contract, and the contracts of what it reads.

    A change of words alone makes it again too: a version that somebody must remember to raise would be forgotten one day.
    """
    read = (contracts(zone)[name] for zone, name in _addresses(table))
    return hashlib.sha256("\n".join([gold.source(table.name), repr(table), *map(repr, read)]).encode()).hexdigest()[:16]


def _addresses(table: Table) -> list[tuple[str, str]]:
    """Zone and name of every table that a product reads."""
    return [(zone, name) for zone, _, name in (read.partition(".") for read in sorted(table.reads))]


def waves() -> list[list[str]]:
    """The products, those that read each other one after the other, the others beside each other."""
    found: list[list[str]] = []
    for name, table in contracts("gold").items():
        reads = {read.removeprefix("gold.") for read in table.reads if read.startswith("gold.")}
        place = max((number + 1 for number, wave in enumerate(found) if reads & set(wave)), default=0)
        found += [[]] if place == len(found) else []
        found[place].append(name)
    return found


@dataclass
class GoldBuild:
    """One build; tables are made in the order of what they read."""

    # Opened only when something has to be made: a build with nothing to do needs no JVM.
    open_spark: Callable[[], SparkSession]
    lake: Lake
    number: int
    # Asked before every commit; raises when the caller lost the right to write.
    fence: Callable[[], None] = lambda: None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    built: dict[str, int] = field(default_factory=dict)

    @property
    def spark(self) -> SparkSession:
        return self.open_spark()

    def run(self) -> dict[str, int]:
        """Rows of every product that was made again; no row for those whose inputs and rules did not change."""
        if self.is_fresh():
            return self.built
        # Before threads ask for it: this opens the engine, and makes the table in which all of them note what they made.
        _ = self.is_large
        if not self.lake.exists("ops", "build"):
            self.lake.write("ops", "build", BUILT.empty_table())
        with ThreadPoolExecutor(THREADS) as pool:
            for wave in waves():
                list(pool.map(self.make, wave))
        return {name: self.built[name] for name in contracts("gold") if name in self.built}

    def is_fresh(self) -> bool:
        """True where nothing that any product reads, and no rule of any, has changed since it was made."""
        return all(self._made_from(name) == self._inputs(table) for name, table in contracts("gold").items())

    def make(self, name: str) -> bool:
        """Make one product; False where neither what it reads nor its rules have changed. GateFailed publishes nothing of it."""
        table = contracts("gold")[name]
        inputs = self._inputs(table)
        if self._made_from(name) == inputs:
            return False
        product = gold.tables()[name]
        parameters = inspect.signature(product).parameters
        if name in parameters:
            # What it held before: nothing, the first time.
            tables.ensure_table(self.lake, table)
        self._replace(table, product(*map(self._read, parameters)), inputs)
        return True

    def save_cohort(self, name: str, members: pa.Table | None) -> None:
        """Replace the members of one cohort, by nobody where None is given; of the others those stay who are patients of gold.

        GateFailed publishes nothing of it.
        """
        table = contracts("gold")["cohort"]
        tables.ensure_table(self.lake, table)
        everybody = self._read("cohort").where(F.col("cohort_definition_id") != name).select(*OWN)
        if members is not None:
            found = self.spark.createDataFrame(members).withColumn("cohort_definition_id", F.lit(name))
            everybody = everybody.unionByName(found)
        self._replace(table, cohort(everybody, self._read("patient_summary")), self._inputs(table))

    def _replace(self, table: Table, made: DataFrame, inputs: Inputs) -> None:
        rows = self._stamped(made, table, inputs)
        folder = self.lake.staging(f"build-{self.number}", table.name)
        try:
            self._stage(tables.shaped(rows, table), folder)
            self._hold_to_contract(table, folder)
            failpoint("gold_build")
            self._publish(table, folder, inputs)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(f"{folder}.computed", ignore_errors=True)

    def forget_hidden(self) -> None:
        """Take out of every product that could not be made again the rows of patients, tumours and samples that are gone since.

        With them go all rows of patients of whom the product may not tell everything, whatever it told: nobody's opposition waits until
        a rule is mended. What a product counts over many people stays until it is made again.
        """
        for name, table in contracts("gold").items():
            if self.lake.exists("gold", name) and self._made_from(name) != self._inputs(table):
                self._forget(table)

    def _forget(self, table: Table) -> None:
        rows = self.lake.frame("gold", table.name)
        kept = rows.filter(pl.col(column).is_in(known.implode()) for column, known in self._still_known(table))
        if kept.height == rows.height:
            return
        self.fence()
        left = kept.to_arrow(compat_level=pl.CompatLevel.oldest())
        self.lake.write("gold", table.name, left, mode="overwrite", transaction=(WRITER, self.number))

    def _still_known(self, table: Table) -> Iterator[tuple[str, pl.Series]]:
        """The columns that say of whom or of what a row of a product is, each with the ids that are current."""
        for column in ("patient_id", "subject_id"):
            if column in table.names:
                yield column, self._told_whole(table)
        for each in table.references:
            if each.column in table.key and each.table in contracts("silver"):
                current = ds.field("is_current") & ~ds.field("is_deleted")
                yield each.column, self.lake.frame("silver", each.table, [each.key], current)[each.key]

    def _told_whole(self, table: Table) -> pl.Series:
        """The patients of whom a product may tell everything that it tells of anybody."""
        scopes = [scope for scope in ("genetics", "samples") if without(table, scope)]
        opposed = _identity(self.lake).filter(pl.col("opposed").list.set_intersection(scopes).list.len() > 0)["master_person_id"]
        known = self.lake.frame("bronze", PATIENT_KEY, ["master_person_id", "patient_id"])
        return known.filter(~pl.col("master_person_id").is_in(opposed.implode()))["patient_id"]

    def _publish(self, table: Table, folder: str, inputs: Inputs) -> None:
        self.fence()
        tables.ensure_table(self.lake, table)
        schema = tables.arrow_schema(table)
        made = ds.dataset(folder).scanner(columns=list(table.names)).to_batches()
        rows = pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in made))
        self.lake.write("gold", table.name, rows, mode="overwrite", transaction=(WRITER, self.number), anew=True)
        self._record(table.name, inputs, folder)
        self._tell(table, inputs)

    @lineage.aside
    def _tell(self, table: Table, inputs: Inputs) -> None:
        work = lineage.Work("gold", self.at, {"build": [str(self.number)]})
        sources = lineage.tables(self.lake, {name: version for name, version in inputs.items() if isinstance(version, int)})
        lineage.wrote(self.lake, table.address, self.lake.table("gold", table.name), work, sources, self.built[table.name])

    def _stage(self, rows: DataFrame, folder: str) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(parts(rows, f"{folder}.computed", many=self.is_large)):
            part.write_parquet(f"{folder}/part-{number:05}.parquet")

    @cached_property
    def is_large(self) -> bool:
        """True where silver has too many rows to be worked in one piece."""
        sizes = [self.lake.scan("silver", name).select(pl.len()).collect().item() for name in self.lake.tables("silver")]
        large = sum(sizes) > MANY_ROWS
        tune(self.spark, large=large)
        return large

    def _rows_of(self, zone: str, name: str) -> DataFrame:
        rows = tables.rows_of(self.spark, self.lake, zone, name)
        return rows if self.is_large else rows.coalesce(1)

    def _hold_to_contract(self, table: Table, folder: str) -> None:
        verdicts = gate.check_pass([table], self.lake.root, {table.address: folder}, self.spark)
        gate.record(self.lake.root, self.number, verdicts)
        if not gate.publishable(verdicts, [table]):
            raise GateFailed(
                f"Expected the new rows of {table.address} to keep their contract, found broken rules: see ops.quality_result, build {self.number}."
            )

    def _read(self, name: str) -> DataFrame:
        if name == PATIENT_KEY:
            return self._rows_of("bronze", PATIENT_KEY)
        if name in contracts("gold"):
            return self._rows_of("gold", name)
        tables.ensure_table(self.lake, contracts("silver")[name])
        return self._rows_of("silver", name).where("is_current and not is_deleted")

    def _inputs(self, table: Table) -> Inputs:
        reads = [*_addresses(table), ("bronze", PATIENT_KEY)]
        ids = "|".join(self.lake.id_of(zone, name) for zone, name in reads)
        which = hashlib.sha256(ids.encode()).hexdigest()[:16]
        return {f"{zone}.{name}": self.lake.content(zone, name) for zone, name in reads} | {
            "tables": which,
            "recipe": recipe(table),
        }

    def _made_from(self, name: str) -> Inputs | None:
        """The versions that the published rows of a product were made from, and its recipe then."""
        if not self.lake.exists("gold", name):
            return None
        past = self.lake.frame("ops", "build", ["build", "table", "inputs"]).filter(pl.col("table") == name).sort("build")
        return json.loads(past["inputs"][-1]) if past.height else None

    def _stamped(self, rows: DataFrame, table: Table, inputs: Inputs) -> DataFrame:
        said = [f"{name}@{version}" for name, version in inputs.items()]
        return rows.withColumns(
            {
                "as_of_date": F.lit(self._as_of(table)),
                "gold_version": F.lit(str(self.number)),
                "inputs": F.array(*(F.lit(each) for each in said)),
            }
        )

    def _as_of(self, table: Table) -> date:
        """The latest day on which a hospital said something that the product was made from."""
        days: list[date] = []
        for zone, name in _addresses(table):
            column = "valid_from" if zone == "silver" else "as_of_date"
            read = contracts(zone)[name]
            if column in read.names and self.lake.exists(zone, name):
                counting = ds.field("is_current") & ~ds.field("is_deleted") if zone == "silver" else None
                latest = self.lake.frame(zone, name, [column], counting)[column].max()
                days += [latest.date() if isinstance(latest, datetime) else latest] if isinstance(latest, date) else []
        return max(days, default=date(1900, 1, 1))

    def _record(self, name: str, inputs: Inputs, folder: str) -> None:
        rows = pl.scan_parquet(f"{folder}/*.parquet").select(pl.len()).collect().item()
        self.built[name] = rows
        line = {
            "build": self.number,
            "table": name,
            "inputs": json.dumps(inputs),
            "rows": rows,
            "published_at": datetime.now(UTC),
        }
        self.lake.write("ops", "build", pa.Table.from_pylist([line], BUILT))
