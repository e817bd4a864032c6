"""Which rows count: winning versions, deletions, parents, orphans and cycles, among the people a pass touches.

Everything is decided from `bronze.record`, one narrow row per delivered record, so the wide feeds are read only for rows that count.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from jobs.hospitals.feed import Feed, Hospital
from jobs.lake import Lake
from jobs.silver import tables

# Domains that say who somebody is or what may be used; they are never hidden and never wait for a patient.
WITHOUT_PATIENT_TEST = frozenset({"rights"})
LEFT_TO_LANDING = frozenset({"identity_merge"})
WAITING = ("ORPHAN_PATIENT", "ORPHAN_PARENT", "PARENT_CYCLE")
PROVENANCE = ("delivery_id", "source_file", "source_row_no")


def is_shared(feed: Feed) -> bool:
    """True for a feed that belongs to no patient (panels, sites, concepts) or is read whatever its patient is (rights)."""
    return feed.domain in WITHOUT_PATIENT_TEST or (feed.patient is None and not feed.strict_parents)


@dataclass(frozen=True)
class Bronze:
    """What landing wrote about one hospital, as Spark reads it."""

    spark: SparkSession
    lake: Lake
    hospital: Hospital

    def _load(self, table: str) -> DataFrame:
        return tables.rows_of(self.spark, self.lake, "bronze", table)

    @cached_property
    def record(self) -> DataFrame:
        """Every delivered record of the hospital that has a key: the skeleton of its data."""
        left_out = ", ".join(f"'{domain}'" for domain in LEFT_TO_LANDING)
        return self._load("record").where(
            f"center = '{self.hospital.center}' and row_id is not null and domain not in ({left_out})"
        )

    @cached_property
    def identity(self) -> DataFrame:
        """person_id, kept (after merges) of everybody of the hospital who was merged; the others keep their id."""
        if not self.lake.exists("bronze", "identity"):
            return self.spark.createDataFrame([], "person_id string, kept string")
        mine = self._load("identity").where(f"center = '{self.hospital.center}' and kept_person_id <> person_id")
        return mine.select("person_id", F.col("kept_person_id").alias("kept"))

    @cached_property
    def replacement(self) -> DataFrame:
        """domain, group_id, replaced_at: the place in the chain of the last delivery that replaced a group of rows."""
        mine = self._load("replacement").where(f"center = '{self.hospital.center}'")
        return mine.groupBy("domain", "group_id").agg(F.max("chain_position").alias("replaced_at"))

    def touched(self, deliveries: Iterable[str]) -> DataFrame:
        """person_id of everybody of the hospital whom these deliveries concern."""
        return (
            self._load("touched")
            .where(F.col("delivery_id").isin(list(deliveries)) & (F.col("center") == self.hospital.center))
            .select("person_id")
        )

    def feed(self, domain: str) -> DataFrame:
        """All rows of a feed ever landed."""
        return self._load(f"{self.hospital.center}_{domain}")

    def has_feed(self, domain: str) -> bool:
        """True once a file of the domain was landed."""
        return self.lake.exists("bronze", f"{self.hospital.center}_{domain}")

    @cached_property
    def shared_domains(self) -> list[str]:
        return [feed.domain for feed in self.hospital.feeds if is_shared(feed)]


def kept(people: DataFrame, identity: DataFrame) -> DataFrame:
    """`people` with `kept`: the id that stands for a person after all merges."""
    return people.join(F.broadcast(identity), on="person_id", how="left").withColumn("kept", F.coalesce("kept", "person_id"))


def people_of_pass(bronze: Bronze, deliveries: list[str], waiting: list[str]) -> DataFrame:
    """person_id, kept: everybody whose rows are worked again, all their ids included.

    Those are the people that landing saw touched, those with rows that wait, the owners of every earlier version of a
    delivered key (a deletion names no patient) and the owners of parents on which rows without a patient depend.
    """
    record = bronze.record
    named = bronze.touched(deliveries)
    if waiting:
        named = named.union(bronze.spark.createDataFrame([(person,) for person in waiting], "person_id string"))
    unowned = record.where("person_id is null and inherits and not is_deleted").select(F.explode("parents").alias("row_id"))
    keys = unowned
    if bronze.hospital.mode != "snapshot":
        # A snapshot resends every key; there landing has compared it with the one before.
        keys = keys.union(record.where(F.col("delivery_id").isin(deliveries)).select("row_id"))
    owners = record.where("person_id is not null").join(keys.distinct(), on="row_id", how="left_semi").select("person_id")
    roots = kept(named.union(owners).distinct(), bronze.identity).select("kept").distinct()
    merged = bronze.identity.join(roots, on="kept", how="left_semi").select("person_id", "kept")
    return roots.select(F.col("kept").alias("person_id"), "kept").union(merged).distinct()


def versions(bronze: Bronze, people: DataFrame) -> DataFrame:
    """Every version of every key that one of these people ever had, and of the shared feeds."""
    record = bronze.record
    shared = F.col("domain").isin(bronze.shared_domains)
    theirs = record.join(people.select("person_id"), on="person_id", how="left_semi").select("row_id")
    unowned = record.where((F.col("person_id").isNull() & F.col("inherits") & ~F.col("is_deleted")) | shared).select("row_id")
    return record.join(theirs.union(unowned).distinct(), on="row_id", how="left_semi")


def winners(bronze: Bronze, delivered: DataFrame) -> DataFrame:
    """The version of each key that counts, and whether the key is deleted.

    A version that only repeats the one before is the same version: its first appearance is kept, so that provenance does
    not depend on how many deliveries a pass works. A key that is absent from the last file that replaced its group is deleted.
    """
    by_key = Window.partitionBy("row_id")
    order = ["chain_position", "source_row_no", "source_file"]
    if bronze.hospital.newest_event_wins:
        order = ["version_at", *order]
    valid = delivered.withColumn("last_seen", F.max("chain_position").over(by_key)).where(
        "reason is null or reason = 'NOT_VALIDATED'"
    )
    runs = valid.withColumn("before", F.lag("content_hash").over(by_key.orderBy(*order))).where(
        "before is null or before <> content_hash"
    )
    newest = runs.withColumn("place", F.row_number().over(by_key.orderBy(*(F.desc(name) for name in order)))).where("place = 1")
    judged = newest.join(F.broadcast(bronze.replacement), on=["domain", "group_id"], how="left")
    ended = "is_deleted or reason is not null or coalesce(last_seen < replaced_at, false)"
    named = judged.withColumnRenamed("person_id", "own_person_id").join(
        F.broadcast(bronze.identity).withColumnRenamed("person_id", "own_person_id"), on="own_person_id", how="left"
    )
    return named.selectExpr(
        "domain",
        "row_id",
        "own_person_id",
        "coalesce(kept, own_person_id) as person_id",
        "inherits",
        "parents",
        f"({ended}) as ended",
        *PROVENANCE,
    )


def states(bronze: Bronze, winning: DataFrame) -> DataFrame:
    """`winning` with `state`: current, ended (by its hospital), gone (with its patient or a parent), or why it waits.

    `person_id` is that of the kept person; rows without a patient take it from their first strict parent.
    """
    patients = winning.where("domain = 'patient'")
    known = patients.where("own_person_id = person_id").select("person_id", F.col("ended").alias("person_ended"))
    shared = ", ".join(f"'{domain}'" for domain in bronze.shared_domains) or "''"
    first = winning.join(known, on="person_id", how="left").selectExpr(
        *winning.columns,
        "inherits or person_ended is not null as person_known",
        f"""case when ended then 'ended'
                 when domain in ({shared}) then 'current'
                 when domain = 'patient' then if(own_person_id = person_id, 'current', 'gone')
                 when person_ended then 'gone'
                 when size(parents) > 0 then null
                 when person_ended is null then 'ORPHAN_PATIENT'
                 else 'current' end as state""",
    )
    return _settle(first.localCheckpoint())


def _settle(rows: DataFrame) -> DataFrame:
    """Pass states from parents to children, one level a round, until nothing is open; what stays open is a cycle.

    Each round is cut off from the plan of the one before: nested plans double at every level.
    """
    settled = rows.where("state is not null")
    pending = rows.where("state is null")
    unsettled = pending.count()
    while unsettled:
        judged = _round(settled, pending).localCheckpoint()
        settled = settled.union(judged.where("state is not null").select(*settled.columns))
        pending = judged.where("state is null")
        remaining = pending.count()
        if remaining == unsettled:
            return settled.union(_cycles(pending))
        unsettled = remaining
    return settled


def _round(settled: DataFrame, pending: DataFrame) -> DataFrame:
    parents = settled.selectExpr("row_id as parent", "state as parent_state", "person_id as parent_person").union(
        pending.selectExpr("row_id", "'pending'", "cast(null as string)")
    )
    asked = pending.select("row_id", F.posexplode("parents").alias("place", "parent"))
    found = (
        asked.join(parents, on="parent", how="left")
        .groupBy("row_id")
        .agg(
            F.expr("bool_or(parent_state in ('gone', 'ended'))").alias("lost"),
            F.expr("bool_or(parent_state is null or parent_state in ('ORPHAN_PATIENT', 'ORPHAN_PARENT', 'PARENT_CYCLE'))").alias(
                "missing"
            ),
            F.expr("bool_or(parent_state = 'pending')").alias("open"),
            F.expr("bool_or(parent_state = 'ORPHAN_PATIENT')").alias("orphaned"),
            F.expr("min_by(parent_person, place) filter (where parent_person is not null)").alias("heir_of"),
        )
    )
    names = [name for name in pending.columns if name not in ("state", "person_id")]
    return (
        pending.join(found, on="row_id", how="inner")
        .selectExpr(
            *names,
            "if(inherits, heir_of, person_id) as person_id",
            """case when lost then 'gone'
                when open then null
                when not person_known or (inherits and orphaned) then 'ORPHAN_PATIENT'
                when missing then 'ORPHAN_PARENT'
                else 'current' end as state""",
        )
        .select(*pending.columns)
    )


def _cycles(pending: DataFrame) -> DataFrame:
    """Rows that wait for each other are in a cycle; rows that wait for those are orphans of a parent that waits."""
    edges = {row.row_id: list(row.parents) for row in pending.select("row_id", "parents").toLocalIterator()}
    looping = sorted(row for row in edges if _reaches(edges, row))
    in_cycle = F.col("row_id").isin(looping)
    why = F.when(~F.col("person_known"), "ORPHAN_PATIENT").when(in_cycle, "PARENT_CYCLE").otherwise("ORPHAN_PARENT")
    return pending.withColumn("state", why)


def _reaches(edges: dict[str, list[str]], start: str) -> bool:
    seen: set[str] = set()
    ahead = list(edges[start])
    while ahead:
        row = ahead.pop()
        if row == start:
            return True
        if row not in seen:
            seen.add(row)
            ahead += edges.get(row, [])
    return False
