"""One pass over a hospital's loaded deliveries: compute, stage, validate everything, then publish every silver table."""

import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.errors import GateFailed
from jobs.failpoint import failpoint
from jobs.hospitals import hospitals, transforms
from jobs.hospitals.feed import Hospital
from jobs.lake import Lake
from jobs.silver import shared, state, tables
from jobs.silver.difference import changes, completed, flagged, forgotten
from jobs.silver.feeds import Feeds
from jobs.silver.staging import Staged, stage
from jobs.silver.waiting import people_who_wait, replace_waiting
from quality import gate
from quality.contract import Table
from quality.contracts import contracts

WRITER = "silver"
# A single JVM plans and writes; further threads keep it busy while one waits for the disk.
THREADS = 4


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

    spark: SparkSession
    lake: Lake
    hospital: Hospital
    deliveries: list[str]
    number: int
    at: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"))
    _lock: Lock = field(default_factory=Lock, repr=False)

    @cached_property
    def bronze(self) -> state.Bronze:
        return state.Bronze(self.spark, self.lake, self.hospital)

    @cached_property
    def made(self) -> dict[str, Callable[..., Any]]:
        return transforms(self.hospital.center)

    @cached_property
    def identity(self) -> DataFrame:
        """center, person_id, master_person_id, opposed of everybody merged, linked or opposed, in all hospitals."""
        if not self.lake.exists("bronze", "identity"):
            return self.spark.createDataFrame(
                [], "center string, person_id string, master_person_id string, opposed array<string>"
            )
        return (
            tables.rows_of(self.spark, self.lake, "bronze", "identity")
            .select("center", "person_id", "master_person_id", "opposed")
            .localCheckpoint()
        )

    @cached_property
    def touched(self) -> DataFrame:
        """person_id of everybody, in any hospital, whom these deliveries concern."""
        rows = tables.rows_of(self.spark, self.lake, "bronze", "touched")
        return rows.where(F.col("delivery_id").isin(self.deliveries)).select("person_id").distinct().localCheckpoint()

    @cached_property
    def people(self) -> DataFrame:
        """person_id, kept of everybody of the hospital whose rows are worked again."""
        return state.people_of_pass(self.bronze, self.deliveries, people_who_wait(self.lake, self.hospital)).localCheckpoint()

    @cached_property
    def states(self) -> DataFrame:
        winning = state.winners(self.bronze, state.versions(self.bronze, self.people)).localCheckpoint()
        return state.states(self.bronze, winning).localCheckpoint()

    @cached_property
    def domains(self) -> Counter[tuple[str, str]]:
        """How many rows of each domain are in each state, among the people of the pass."""
        return Counter(
            {(row.domain, row.state): row["count"] for row in self.states.groupBy("domain", "state").count().collect()}
        )

    @cached_property
    def hides_somebody(self) -> bool:
        """True when one of the people touched may not be shown: their rows may stand in any table."""
        return not self.identity.where("size(opposed) > 0").join(self.touched, on="person_id", how="left_semi").isEmpty()

    @cached_property
    def feeds(self) -> Feeds:
        return Feeds(self.bronze, self.states)

    @cached_property
    def neighbours(self) -> dict[str, DataFrame]:
        """What rules of other tables may look at: the persons and tumours of this pass."""
        return {name: self.made[name](self.feeds).localCheckpoint() for name in ("person", "primary_cancer")}

    def run(self, *, accept_failed: bool = False) -> PassResult:
        """Stage and validate every table, then publish; GateFailed when a table breaks its contract: nothing is published then."""
        self._prepare()
        staged = self._stage_all()
        failpoint("after_staging_silver")
        folders = {each.table.address: each.folder for each in staged}
        verdicts = gate.check_pass([each.table for each in staged], self.lake.root, folders, self.spark)
        gate.record(self.lake.root, self.number, verdicts)
        if not accept_failed and not gate.publishable(verdicts, [each.table for each in staged]):
            failed = ", ".join(sorted(verdict.table for verdict in verdicts if not verdict.passed))
            raise GateFailed(
                f"Expected the staged rows of {failed} to keep their contract, found broken rules: see ops.quality_result, pass {self.number}."
            )
        self._publish([each for each in staged if each.is_change])
        result = self._result(staged)
        self._forget()
        return result

    def _prepare(self) -> None:
        """Compute what all tables need before threads ask for it."""
        for table in contracts("silver").values():
            tables.ensure_table(self.lake, table)
        for name in ("identity", "touched", "people", "states", "domains", "hides_somebody", "feeds", "neighbours"):
            getattr(self, name)

    def _stage_all(self) -> list[Staged]:
        wanted = [table for name, table in contracts("silver").items() if name in self.made or name in shared.TABLES]
        with ThreadPoolExecutor(THREADS) as pool:
            return [each for each in pool.map(self._stage, wanted) if each is not None]

    def _stage(self, table: Table) -> Staged | None:
        """The staged changes of a table; None where these deliveries cannot have changed it."""
        held = tables.rows_of(self.spark, self.lake, table.layer, table.name)
        work = shared.TABLES[table.name](self, held) if table.name in shared.TABLES else self._own(table, held)
        if work is None:
            return None
        computed, scope = work
        purging = self.hides_somebody and bool(table.hidden_by) and "person_id" in table.names and "row_hash" in table.names
        if purging:
            # Their rows are purged, all versions of them; closing the current one as well would touch it twice.
            scope = scope.join(F.broadcast(self._opposed(table)), on="person_id", how="left_anti")
        empty = not self.lake.has_rows(table.layer, table.name)
        rows = changes(
            completed(flagged(computed, table, self.neighbours), table, self.number, self.at), None if empty else scope, table
        )
        if not empty and purging:
            rows = rows.union(forgotten(held, self._opposed(table), table).select(*rows.columns))
        if "ingested_at" in table.names:
            rows = rows.withColumn("ingested_at", F.lit(self.at).cast("timestamp"))
        return stage(rows, table, f"{self.lake.root}/staging/pass-{self.number}/{table.name}")

    def _own(self, table: Table, held: DataFrame) -> tuple[DataFrame, DataFrame] | None:
        """The rows of this hospital's people, and the current rows that they stand for."""
        with self._lock:
            self.feeds.asked.clear()
            rows = self.made[table.name](self.feeds).withColumn("center", F.lit(self.hospital.center))
            asked = set(self.feeds.asked)
        if not self.hides_somebody and not any(domain in asked for domain, _ in self.domains):
            return None
        mine = held.where(f"is_current and center = '{self.hospital.center}'")
        by_person = "person_id" in table.names and table.name != "rights_register"
        return rows, mine.join(
            F.broadcast(self.people.select("person_id")), on="person_id", how="left_semi"
        ) if by_person else mine

    def _opposed(self, table: Table) -> DataFrame:
        """People touched by these deliveries who may not stand in the table."""
        hidden = F.arrays_overlap("opposed", F.array(*(F.lit(scope) for scope in table.hidden_by)))
        return self.identity.where(hidden).select("person_id").join(self.touched, on="person_id", how="left_semi")

    def _publish(self, changed: list[Staged]) -> None:
        with tables.transaction(self.spark, WRITER, self.number):
            for each in changed[:1]:
                self._commit(each)
                failpoint("between_silver")
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(self._commit, changed[1:]))
        replace_waiting(self.lake, self.hospital, self.states)

    def _commit(self, staged: Staged) -> None:
        path = self.lake.path("silver", staged.table.name)
        rows = self.spark.read.parquet(staged.folder).where("_action <> 'keep'")
        if staged.actions <= {"insert", "keep"}:
            tables.append(rows.select(*staged.table.names), path)
            return
        across = "purge" in staged.actions or staged.table.name in shared.TABLES
        tables.merge(self.spark, path, staged.table, rows, list(hospitals()) if across else [self.hospital.center])

    def _result(self, staged: list[Staged]) -> PassResult:
        rows = {delivery: dict.fromkeys(("new", "changed", "unchanged", "deleted"), 0) for delivery in self.deliveries}
        for each in staged:
            for (kind, delivery), count in each.counts.items():
                if kind != "purged" and rows:
                    rows[delivery if delivery in rows else self.deliveries[-1]][kind] += count
        waiting, gone = self._odd_rows()
        summary = {
            each.table.name: dict(sum((Counter({kind: count}) for (kind, _), count in each.counts.items()), Counter()))
            for each in staged
        }
        return PassResult(self.number, rows, waiting, gone, summary)

    def _odd_rows(self) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
        """Per delivery of the pass: rows that wait, by reason, and rows gone with their patient or a parent."""
        counted = [feed.domain for feed in self.hospital.feeds if feed.counted]
        odd = self.states.where(
            F.col("delivery_id").isin(self.deliveries) & ~F.col("state").isin("current", "ended") & F.col("domain").isin(counted)
        )
        waiting: dict[str, dict[str, int]] = {delivery: {} for delivery in self.deliveries}
        gone = dict.fromkeys(self.deliveries, 0)
        for row in odd.groupBy("delivery_id", "state").count().collect():
            if row.state == "gone":
                gone[row.delivery_id] = row["count"]
            else:
                waiting[row.delivery_id][row.state] = row["count"]
        return waiting, gone

    def _forget(self) -> None:
        self.feeds.release()
        shutil.rmtree(f"{self.lake.root}/staging/pass-{self.number}", ignore_errors=True)
