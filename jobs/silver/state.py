"""Which rows count: winning versions, deletions, parents, orphans and cycles, among the people a pass touches.

Everything is decided from `bronze.record`, one narrow row per delivered record, so the wide feeds are read only for rows that
count. The decision is a dozen small steps on narrow rows: polars takes them without the cost that Spark has for each:
docs/decisions/0010.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
from pyspark.sql import DataFrame, SparkSession

from jobs.hospitals.feed import Feed, Hospital
from jobs.lake import Lake
from jobs.landing.among import among
from jobs.silver import tables

# Domains that say who somebody is or what may be used; they are never hidden and never wait for a patient.
WITHOUT_PATIENT_TEST = frozenset({"rights"})
LEFT_TO_LANDING = frozenset({"identity_merge"})
WAITING = ("ORPHAN_PATIENT", "ORPHAN_PARENT", "PARENT_CYCLE")
PROVENANCE = ("delivery_id", "source_file", "source_row_no")
# What landing writes, for a lake in which it has not written yet.
RECORD = pl.Schema(
    {
        "center": pl.String(),
        "domain": pl.String(),
        "row_id": pl.String(),
        "person_id": pl.String(),
        "inherits": pl.Boolean(),
        "parents": pl.List(pl.String()),
        "delivery_id": pl.String(),
        "chain_position": pl.Int32(),
        "source_file": pl.String(),
        "source_row_no": pl.Int64(),
        "version_at": pl.Datetime("us", "UTC"),
        "is_deleted": pl.Boolean(),
        "reason": pl.String(),
        "group_id": pl.String(),
        "content_hash": pl.String(),
    }
)
REPLACEMENT = pl.Schema(
    {"delivery_id": pl.String(), "chain_position": pl.Int32(), "domain": pl.String(), "group_id": pl.String()}
)
STATES = pl.Schema(
    {
        "domain": pl.String(),
        "row_id": pl.String(),
        "person_id": pl.String(),
        "state": pl.String(),
        "delivery_id": pl.String(),
        "source_file": pl.String(),
        "source_row_no": pl.Int64(),
    }
)


def is_shared(feed: Feed) -> bool:
    """True for a feed that belongs to no patient (panels, sites, concepts) or is read whatever its patient is (rights)."""
    return feed.domain in WITHOUT_PATIENT_TEST or (feed.patient is None and not feed.strict_parents)


@dataclass(frozen=True)
class Bronze:
    """What landing wrote about one hospital: its feeds as Spark reads them, and what it noted about their rows."""

    lake: Lake
    hospital: Hospital
    spark: SparkSession | None = None
    # Rows in one piece need no exchange before a join or a window.
    in_one_piece: bool = False
    # Deliveries that lie in bronze and may not be looked at, as the quality gate holds them.
    without: frozenset[str] = frozenset()

    @property
    def record(self) -> pl.LazyFrame:
        """Every delivered record of the hospital that has a key: the skeleton of its data."""
        mine = (pl.col("center") == self.hospital.center) & pl.col("row_id").is_not_null()
        seen = ~pl.col("delivery_id").is_in(sorted(self.without)) & ~pl.col("domain").is_in(list(LEFT_TO_LANDING))
        known = self.lake.scan("bronze", "record") if self.lake.exists("bronze", "record") else pl.LazyFrame(schema=RECORD)
        return known.filter(mine & seen)

    @cached_property
    def identity(self) -> pl.DataFrame:
        """person_id, kept (after merges) of everybody of the hospital who was merged; the others keep their id."""
        schema = pl.Schema({"person_id": pl.String(), "kept": pl.String()})
        if not self.lake.exists("bronze", "identity"):
            return pl.DataFrame(schema=schema)
        mine = (ds.field("center") == self.hospital.center) & (ds.field("kept_person_id") != ds.field("person_id"))
        known = self.lake.frame("bronze", "identity", ["person_id", "kept_person_id"], mine)
        return known.rename({"kept_person_id": "kept"}).cast(schema)

    @cached_property
    def replacement(self) -> pl.DataFrame:
        """domain, group_id, replaced_at: the place in the chain of the last delivery that replaced a group of rows."""
        mine = self.lake.frame("bronze", "replacement", REPLACEMENT.names(), ds.field("center") == self.hospital.center)
        mine = mine.cast(REPLACEMENT)
        seen = mine.filter(~pl.col("delivery_id").is_in(sorted(self.without)))
        return seen.group_by("domain", "group_id").agg(replaced_at=pl.col("chain_position").max())

    def touched(self, deliveries: Iterable[str]) -> pl.DataFrame:
        """person_id of everybody of the hospital whom these deliveries concern."""
        where = among("delivery_id", deliveries) & (ds.field("center") == self.hospital.center)
        return self.lake.frame("bronze", "touched", ["person_id"], where).cast({"person_id": pl.String})

    def feed(self, domain: str) -> DataFrame:
        """All rows of a feed ever landed."""
        assert self.spark is not None
        rows = tables.rows_of(self.spark, self.lake, "bronze", f"{self.hospital.center}_{domain}")
        return rows.coalesce(1) if self.in_one_piece else rows

    def some_of(self, domain: str, at: pl.DataFrame, file: str) -> DataFrame:
        """The rows of a feed that stand at these places (delivery_id, source_row_no), and some others."""
        assert self.spark is not None
        where = among("_delivery_id", at["delivery_id"].unique()) & among(
            "_source_row_no", at["source_row_no"].unique(), pa.int64()
        )
        return tables.some_rows_of(self.spark, self.lake, "bronze", f"{self.hospital.center}_{domain}", where, file).coalesce(1)

    def has_feed(self, domain: str) -> bool:
        """True once a file of the domain was landed."""
        return self.lake.exists("bronze", f"{self.hospital.center}_{domain}")

    @cached_property
    def shared_domains(self) -> list[str]:
        return [feed.domain for feed in self.hospital.feeds if is_shared(feed)]


def people_of_pass(bronze: Bronze, deliveries: list[str], waiting: list[str]) -> pl.DataFrame:
    """person_id, kept: everybody whose rows are worked again, all their ids included.

    Those are the people that landing saw touched, those with rows that wait, the owners of every earlier version of a
    delivered key (a deletion names no patient) and the owners of parents on which rows without a patient depend.
    """
    record = bronze.record
    named = pl.concat([bronze.touched(deliveries), pl.DataFrame({"person_id": waiting}, schema={"person_id": pl.String})])
    unowned = record.filter(pl.col("person_id").is_null() & pl.col("inherits") & ~pl.col("is_deleted"))
    keys = unowned.select(row_id=pl.col("parents").explode())
    if bronze.hospital.mode != "snapshot":
        # A snapshot resends every key; there landing has compared it with the one before.
        keys = pl.concat([keys, record.filter(pl.col("delivery_id").is_in(deliveries)).select("row_id")])
    owners = record.filter(pl.col("person_id").is_not_null()).join(keys, on="row_id", how="semi").select("person_id")
    everybody = pl.concat([named, owners.collect()]).drop_nulls().unique()
    roots = everybody.join(bronze.identity, on="person_id", how="left").select(kept=pl.coalesce("kept", "person_id")).unique()
    merged = bronze.identity.join(roots, on="kept", how="semi")
    return pl.concat([roots.select(pl.col("kept").alias("person_id"), "kept"), merged.select("person_id", "kept")]).unique()


def versions(bronze: Bronze, people: pl.DataFrame) -> pl.DataFrame:
    """Every version of every key that one of these people ever had, and of the shared feeds."""
    record = bronze.record
    shared = pl.col("domain").is_in(bronze.shared_domains)
    theirs = record.join(people.lazy(), on="person_id", how="semi").select("row_id")
    unowned = pl.col("person_id").is_null() & pl.col("inherits") & ~pl.col("is_deleted")
    keys = pl.concat([theirs, record.filter(unowned | shared).select("row_id")])
    return record.join(keys, on="row_id", how="semi").collect()


def winners(bronze: Bronze, delivered: pl.DataFrame) -> pl.DataFrame:
    """The version of each key that counts, and whether the key is deleted.

    A version that only repeats the one before is the same version: its first appearance is kept, so that provenance does
    not depend on how many deliveries a pass works. A key that is absent from the last file that replaced its group is deleted.
    """
    order = ["chain_position", "source_row_no", "source_file"]
    if bronze.hospital.newest_event_wins:
        order = ["version_at", *order]
    valid = delivered.with_columns(last_seen=pl.col("chain_position").max().over("row_id")).filter(
        pl.col("reason").is_null() | (pl.col("reason") == "NOT_VALIDATED")
    )
    before = pl.col("content_hash").shift().over("row_id")
    is_other = before.is_null() | (before != pl.col("content_hash"))
    newest = valid.sort("row_id", *order).filter(is_other).unique("row_id", keep="last", maintain_order=True)
    judged = newest.join(bronze.replacement, on=["domain", "group_id"], how="left").join(
        bronze.identity, on="person_id", how="left"
    )
    replaced = (pl.col("last_seen") < pl.col("replaced_at")).fill_null(False)
    return judged.select(
        "domain",
        "row_id",
        pl.col("person_id").alias("own_person_id"),
        pl.coalesce("kept", "person_id").alias("person_id"),
        "inherits",
        "parents",
        (pl.col("is_deleted") | pl.col("reason").is_not_null() | replaced).alias("ended"),
        *PROVENANCE,
    )


def states(bronze: Bronze, winning: pl.DataFrame) -> pl.DataFrame:
    """Of each winning row its `state`: current, ended (by its hospital), gone (with its patient or a parent), or why it waits.

    `person_id` is that of the kept person; rows without a patient take it from their first strict parent.
    """
    is_kept = (pl.col("own_person_id") == pl.col("person_id")).fill_null(False)
    patients = winning.filter((pl.col("domain") == "patient") & is_kept)
    known = patients.select("person_id", pl.col("ended").alias("person_ended"))
    state = (
        pl.when(pl.col("ended"))
        .then(pl.lit("ended"))
        .when(pl.col("domain").is_in(bronze.shared_domains))
        .then(pl.lit("current"))
        .when(pl.col("domain") == "patient")
        .then(pl.when(is_kept).then(pl.lit("current")).otherwise(pl.lit("gone")))
        .when(pl.col("person_ended"))
        .then(pl.lit("gone"))
        .when(pl.col("parents").list.len() > 0)
        .then(None)
        .when(pl.col("person_ended").is_null())
        .then(pl.lit("ORPHAN_PATIENT"))
        .otherwise(pl.lit("current"))
    )
    first = winning.join(known, on="person_id", how="left").with_columns(
        person_known=pl.col("inherits") | pl.col("person_ended").is_not_null(), state=state
    )
    return _settle(first).select(STATES.names()).cast(STATES)


def _settle(rows: pl.DataFrame) -> pl.DataFrame:
    """Pass states from parents to children, one level a round, until nothing is open; what stays open is a cycle."""
    settled, pending = rows.filter(pl.col("state").is_not_null()), rows.filter(pl.col("state").is_null())
    while pending.height:
        judged = _round(settled, pending)
        settled = pl.concat([settled, judged.filter(pl.col("state").is_not_null())])
        remaining = judged.filter(pl.col("state").is_null())
        if remaining.height == pending.height:
            return pl.concat([settled, _cycles(remaining)])
        pending = remaining
    return settled


def _round(settled: pl.DataFrame, pending: pl.DataFrame) -> pl.DataFrame:
    """`pending` with the states that follow from those of their parents."""
    parents = pl.concat(
        [
            settled.select(parent="row_id", parent_state="state", parent_person="person_id"),
            pending.select(parent="row_id", parent_state=pl.lit("pending"), parent_person=pl.lit(None, pl.String)),
        ]
    )
    asked = pending.select("row_id", parent="parents").explode("parent")
    beside = asked.join(parents, on="parent", how="left", maintain_order="left")
    of_parent = pl.col("parent_state")
    found = beside.group_by("row_id").agg(
        lost=of_parent.is_in(["gone", "ended"]).any(),
        missing=(of_parent.is_null() | of_parent.is_in(list(WAITING))).any(),
        open=(of_parent == "pending").any(),
        orphaned=(of_parent == "ORPHAN_PATIENT").any(),
        heir_of=pl.col("parent_person").drop_nulls().first(),
    )
    state = (
        pl.when("lost")
        .then(pl.lit("gone"))
        .when("open")
        .then(None)
        .when(~pl.col("person_known") | (pl.col("inherits") & pl.col("orphaned")))
        .then(pl.lit("ORPHAN_PATIENT"))
        .when("missing")
        .then(pl.lit("ORPHAN_PARENT"))
        .otherwise(pl.lit("current"))
    )
    owner = pl.when("inherits").then("heir_of").otherwise("person_id")
    return pending.join(found, on="row_id", how="left").with_columns(state=state, person_id=owner).select(pending.columns)


def _cycles(pending: pl.DataFrame) -> pl.DataFrame:
    """Rows that wait for each other are in a cycle; rows that wait for those are orphans of a parent that waits."""
    edges = dict(pending.select("row_id", "parents").iter_rows())
    looping = [row for row in edges if _reaches(edges, row)]
    why = (
        pl.when(~pl.col("person_known"))
        .then(pl.lit("ORPHAN_PATIENT"))
        .when(pl.col("row_id").is_in(looping))
        .then(pl.lit("PARENT_CYCLE"))
        .otherwise(pl.lit("ORPHAN_PARENT"))
    )
    return pending.with_columns(state=why)


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
