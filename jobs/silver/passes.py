"""One pass over a hospital's loaded deliveries: compute, stage, validate everything, then publish every silver table."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import lineage
from jobs.errors import GateFailed, LakehouseError
from jobs.failpoint import failpoint
from jobs.hospitals import fed_as_named, hospitals, transforms
from jobs.hospitals.feed import Hospital
from jobs.lake import Lake
from jobs.landing.among import among
from jobs.session import tune
from jobs.silver import shared, state, tables
from jobs.silver.difference import about, completed, held_of, known, schema
from jobs.silver.feeds import Feeds, counting
from jobs.silver.flags import NEIGHBOURS, flagged
from jobs.silver.staging import Staged, Staging, parts
from jobs.silver.waiting import people_who_wait, replace_waiting
from quality import gate
from quality.contract import Table
from quality.contracts import contracts

WRITER = "pscc/silver"
IDENTITY = pl.Schema(
    {"center": pl.String(), "person_id": pl.String(), "master_person_id": pl.String(), "opposed": pl.List(pl.String())}
)
# A single JVM plans and computes; further threads keep it busy while one compares and writes.
THREADS = 4
# Up to here a pass is worked in one piece; the rows of more people are spread over all cores and go by way of files.
MANY_PEOPLE = 3_000
# The feeds that each transform (centre, table) reads: learnt when it first runs.
READS: dict[tuple[str, str], set[str]] = {}


@dataclass(frozen=True)
class PassResult:
    """What a pass did: per delivery the rows of silver it changed, the rows that wait, the rows gone with a patient or parent."""

    number: int
    rows: dict[str, dict[str, int]]
    waiting: dict[str, dict[str, int]]
    gone: dict[str, int]
    tables: dict[str, dict[str, int]]


@dataclass
class SilverPass:
    """The work of one pass: `deliveries` of `hospital` are in bronze, silver does not know them yet."""

    # Opened only when something has to be computed.
    open_spark: Callable[[], SparkSession]
    lake: Lake
    hospital: Hospital
    deliveries: list[str]
    number: int
    # Deliveries in bronze whose rows stay out of silver: the quality gate holds them.
    without: frozenset[str] = frozenset()
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    # The feeds that each table of this pass was made from.
    read: dict[str, set[str]] = field(default_factory=dict)

    @property
    def spark(self) -> SparkSession:
        return self.open_spark()

    @property
    def _folder(self) -> str:
        return self.lake.staging(f"pass-{self.number}")

    @cached_property
    def bronze(self) -> state.Bronze:
        return state.Bronze(self.lake, self.hospital, self.spark, not self.is_large, self.without)

    @cached_property
    def made(self) -> dict[str, Callable[..., Any]]:
        return transforms(self.hospital.center)

    @cached_property
    def identity(self) -> pl.DataFrame:
        """center, person_id, master_person_id, opposed of everybody merged, linked or opposed, in all hospitals."""
        return self.lake.frame("bronze", "identity", IDENTITY.names()).cast(IDENTITY)

    @property
    def masters(self) -> DataFrame:
        """`identity` as Spark reads it."""
        return self.spark.createDataFrame(
            self.identity.select("person_id", "master_person_id").to_arrow(), "person_id string, master_person_id string"
        )

    @cached_property
    def touched(self) -> list[str]:
        """The people, in any hospital, whom these deliveries concern."""
        rows = self.lake.frame("bronze", "touched", ["person_id"], among("delivery_id", self.deliveries))
        return rows["person_id"].unique().to_list()

    @cached_property
    def people(self) -> pl.DataFrame:
        """person_id, kept of everybody of the hospital whose rows are worked again."""
        return state.people_of_pass(self.bronze, self.deliveries, people_who_wait(self.lake, self.hospital))

    @cached_property
    def people_ids(self) -> list[str]:
        """The ids of everybody whose rows are worked again."""
        return self.people["person_id"].to_list()

    @cached_property
    def states(self) -> pl.DataFrame:
        """What becomes of each row of these people: `state.STATES`."""
        return state.states(self.bronze, state.winners(self.bronze, state.versions(self.bronze, self.people)))

    @cached_property
    def domains(self) -> set[str]:
        """The domains of which these people have rows, whatever becomes of them."""
        return set(self.states["domain"].unique())

    @cached_property
    def hidden(self) -> pl.DataFrame:
        """person_id, opposed of the people touched who may not be shown everywhere: their rows may stand in any table."""
        opposed = self.identity.filter(pl.col("opposed").list.len() > 0)
        return opposed.filter(pl.col("person_id").is_in(self.touched)).select("person_id", "opposed")

    @property
    def is_large(self) -> bool:
        """True where the rows of the pass are too many to be worked in one piece."""
        return len(self.touched) > MANY_PEOPLE

    @cached_property
    def feeds(self) -> Feeds:
        rows = counting(self.bronze, self.states, f"{self._folder}/counting.parquet")
        at = None if self.is_large else self.states.filter(pl.col("state") == "current")
        return Feeds(self.bronze, rows, at, self._folder)

    @cached_property
    def audit(self) -> gate.Audit:
        """The gate of this pass; it is told of each table when that is staged."""
        return gate.Audit(self.lake.root, {}, {table.address: table for table in contracts("silver").values()}, self.spark)

    @cached_property
    def neighbours(self) -> dict[str, DataFrame]:
        """What rules of other tables may look at: the persons and tumours of this pass."""
        made = {name: self.transformed(name) for name in NEIGHBOURS}
        return {name: (rows if self.is_large else rows.coalesce(1)).localCheckpoint() for name, rows in made.items()}

    def transformed(self, table: str) -> DataFrame:
        """What the hospital's own function makes of its feeds; which of them it asked for is remembered."""
        feeds = self.feeds.recording()
        rows: DataFrame = self.made[table](feeds)
        self.read[table] = feeds.asked
        return rows

    def run(self, *, accept_failed: bool = False, fence: Callable[[], None] = lambda: None) -> PassResult:
        """Stage and validate every table, then publish; GateFailed when a table breaks its contract: nothing is published then.

        `fence` is asked before every commit and raises when the worker may not write any more.
        """
        self._clear_staging(fence)
        try:
            self._prepare()
            staged = self._stage_all()
            failpoint("after_staging_silver")
            self._hold_to_contracts(staged, accept_failed)
            self._publish([each for each in staged if each.is_change], fence)
            fence()
            replace_waiting(self.lake, self.hospital, self.states)
            return self._result(staged)
        finally:
            self._forget()

    def hide(self, fence: Callable[[], None] = lambda: None) -> PassResult:
        """Purge the people whom these deliveries oppose from every table, and change nothing else: no gate stands before that."""
        self._clear_staging(fence)
        try:
            staged = [self._purged(table) for table in contracts("silver").values() if self._hidden_from(table)]
            self._publish([each for each in staged if each.is_change], fence)
            return PassResult(self.number, {}, {}, {}, _by_table(staged))
        finally:
            self._forget()

    def _hold_to_contracts(self, staged: list[Staged], accept_failed: bool) -> None:
        verdicts = [self.audit.check(each.table) for each in staged]
        gate.record(self.lake.root, self.number, verdicts)
        if not accept_failed and not gate.publishable(verdicts, [each.table for each in staged]):
            failed = ", ".join(sorted(verdict.table for verdict in verdicts if not verdict.passed))
            raise GateFailed(
                f"Expected the staged rows of {failed} to keep their contract, found broken rules: see ops.quality_result, pass {self.number}."
            )

    def _prepare(self) -> None:
        """Compute what all tables need before threads ask for it."""
        tune(self.spark, large=self.is_large)
        for name in ("identity", "touched", "hidden", "people", "states", "domains", "feeds", "neighbours", "audit"):
            getattr(self, name)

    def _stage_all(self) -> list[Staged]:
        with ThreadPoolExecutor(THREADS) as pool:
            return [each for each in pool.map(self._staged_and_seen, contracts("silver").values()) if each is not None]

    def _staged_and_seen(self, table: Table) -> Staged | None:
        """The staged changes of a table, held to its suite while Spark computes the next."""
        staged = self._stage(table)
        if staged is not None:
            self.audit.staged[table.address] = staged.folder
            self.audit.look(table)
        return staged

    def _stage(self, table: Table) -> Staged | None:
        """The staged changes of a table; None where these deliveries cannot have changed it."""
        if table.name not in self.made and table.name not in shared.TABLES:
            # What this hospital never sends may hold rows of a person of another one who is hidden by it.
            return self._purged(table) if self._hidden_from(table) else None
        work = shared.TABLES[table.name](self) if table.name in shared.TABLES else self._own(table)
        if work is None:
            return None
        rows, scope = work
        computed, hidden = self._computed(rows, table), self._hidden_from(table)
        if not hidden:
            return self._staging(table).stage(computed, known(scope, table))
        # Their rows are purged, all versions of them; closing the current one as well would touch it twice.
        shown = known(scope.filter(~about(hidden, table)), table)
        return self._staging(table).stage(computed, shown, held_of(self.held(table.name), hidden, table))

    def _purged(self, table: Table) -> Staged:
        """The purge of hidden people from a table."""
        nothing = pl.DataFrame(schema=schema(table))
        return self._staging(table).stage(
            [], nothing.select(table.key), held_of(self.held(table.name), self._hidden_from(table), table)
        )

    def _staging(self, table: Table) -> Staging:
        return Staging(table, f"{self._folder}/{table.name}", self.at)

    def held(self, table: str) -> pl.LazyFrame:
        """Everything that a table of silver holds."""
        return self.lake.scan("silver", table)

    def held_here(self, table: str) -> pl.LazyFrame:
        """The current rows of the hospital in a table of silver."""
        return self.held(table).filter(pl.col("is_current") & (pl.col("center") == self.hospital.center))

    def _own(self, table: Table) -> shared.Work:
        """The rows of this hospital's people, and the current rows that they stand for."""
        reads = READS.get((self.hospital.center, table.name))
        if self.hidden.is_empty() and reads is not None and not reads & self.domains:
            return None
        rows = self.transformed(table.name).withColumn("center", F.lit(self.hospital.center))
        asked = self.read[table.name]
        READS[self.hospital.center, table.name] = asked
        fed_as_named(self.hospital.center, table.name, asked)
        if self.hidden.is_empty() and not asked & self.domains:
            return None
        mine = self.held_here(table.name)
        if "person_id" in table.names and table.name != "rights_register":
            return rows, mine.filter(pl.col("person_id").is_in(self.people_ids))
        return rows, mine

    def _computed(self, rows: DataFrame | pl.DataFrame, table: Table) -> Iterator[pl.DataFrame]:
        """The rows of a table, completed, part by part."""
        if isinstance(rows, pl.DataFrame):
            yield completed(rows, table, self.number, self.at)
            return
        rows = flagged(rows, table, self.neighbours)
        for part in parts(rows, f"{self._folder}/{table.name}.computed", many=self.is_large):
            yield completed(part, table, self.number, self.at)

    def _hidden_from(self, table: Table) -> list[str]:
        """People touched by these deliveries who may not stand in the table."""
        if not table.hidden_by or "person_id" not in table.names:
            return []
        hides = pl.col("opposed").list.set_intersection(list(table.hidden_by)).list.len() > 0
        return self.hidden.filter(hides)["person_id"].to_list()

    def _publish(self, changed: list[Staged], fence: Callable[[], None]) -> None:
        """Commit table by table; a worker that lost its right to write stops at the `fence` before the next commit."""
        for each in changed[:1]:
            fence()
            self._commit(each)
            failpoint("between_silver")
        for each in changed[1:]:
            fence()
            self._commit(each)

    def _commit(self, staged: Staged) -> None:
        table, once = staged.table, (WRITER, self.number)
        if self.lake.has_committed("silver", table.name, once):
            raise LakehouseError(
                f"Expected pass {self.number} to be newer than the last commit of {table.address}, found a later one: check the machine's clock."
            )
        across = "purge" in staged.actions or table.name in shared.TABLES
        tables.change(self.lake, staged, list(hospitals()) if across else [self.hospital.center], once)
        self._tell(staged)

    @lineage.aside
    def _tell(self, staged: Staged) -> None:
        """The lineage of a table that got rows; one from which rows were only taken has none."""
        table = staged.table
        if not staged.inserted:
            return
        tags = {"pass": [str(self.number)], "delivery": self.deliveries}
        work = lineage.Work(f"silver.{self.hospital.center}", self.at, tags)
        feeds = [f"{self.hospital.center}_{domain}" for domain in sorted(self.read.get(table.name, ()))]
        names = [*feeds, *shared.READS.get(table.name, ())]
        sources = lineage.tables(self.lake, {f"bronze.{name}": self.lake.version("bronze", name) for name in names})
        lineage.wrote(self.lake, table.address, self.lake.table("silver", table.name), work, sources, staged.inserted)

    def _result(self, staged: list[Staged]) -> PassResult:
        rows = {delivery: dict.fromkeys(("new", "changed", "unchanged", "deleted"), 0) for delivery in self.deliveries}
        for each in staged:
            for (kind, delivery), count in each.counts.items():
                if kind != "purged" and rows:
                    rows[delivery if delivery in rows else self.deliveries[-1]][kind] += count
        waiting, gone = self._odd_rows()
        return PassResult(self.number, rows, waiting, gone, _by_table(staged))

    def _odd_rows(self) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
        """Per delivery of the pass: rows that wait, by reason, and rows gone with their patient or a parent."""
        counted = [feed.domain for feed in self.hospital.feeds if feed.counted]
        odd = self.states.filter(
            pl.col("delivery_id").is_in(self.deliveries)
            & ~pl.col("state").is_in(["current", "ended"])
            & pl.col("domain").is_in(counted)
        )
        waiting: dict[str, dict[str, int]] = {delivery: {} for delivery in self.deliveries}
        gone = dict.fromkeys(self.deliveries, 0)
        for delivery, why, count in odd.group_by("delivery_id", "state").len().iter_rows():
            if why == "gone":
                gone[delivery] = count
            else:
                waiting[delivery][why] = count
        return waiting, gone

    def _forget(self) -> None:
        if "feeds" in self.__dict__:
            self.feeds.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _clear_staging(self, fence: Callable[[], None]) -> None:
        """Delete what passes that died have staged: silver has one writer at a time."""
        fence()
        for folder in Path(self.lake.staging()).glob("pass-*"):
            shutil.rmtree(folder, ignore_errors=True)
        for table in contracts("silver").values():
            tables.ensure_table(self.lake, table)


def _by_table(staged: list[Staged]) -> dict[str, dict[str, int]]:
    """The rows of each kind by table, whatever delivery they came from."""
    found: dict[str, dict[str, int]] = {}
    for each in staged:
        kinds = found.setdefault(each.table.name, {})
        for (kind, _), count in each.counts.items():
            kinds[kind] = kinds.get(kind, 0) + count
    return found
