"""What a hospital's transforms read: the current rows of each of its feeds, among the people of a pass."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.hospitals.feed import Feed, Hospital
from jobs.silver.state import Bronze

TECHNICAL = ("row_id", "source_key", "person_id", "delivery_id", "source_file", "source_row_no", "valid_from", "dq_flags")
KEPT_APART = (
    "_added",
    "_read",
    "_delivery_id",
    "_chain_position",
    "_source_file",
    "_source_row_no",
    "_row_id",
    "_source_key",
    "_person_id",
    "_version_at",
    "_is_deleted",
    "_reason",
    "_flags",
    "_content_hash",
)


COUNTING = "domain string, row_id string, person_id string, delivery_id string, source_file string, source_row_no bigint"


def counting(bronze: Bronze, states: pl.DataFrame, file: str) -> DataFrame:
    """The rows that count (`COUNTING`), as Spark reads them by way of a file."""
    assert bronze.spark is not None
    names = [each.split()[0] for each in COUNTING.split(", ")]
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    states.filter(pl.col("state") == "current").select(names).sort("domain").write_parquet(file, row_group_size=50_000)
    rows = bronze.spark.read.schema(COUNTING).parquet(file)
    return rows.coalesce(1) if bronze.in_one_piece else rows


@dataclass(frozen=True)
class Whole:
    """Frames at hand in place of feeds, for transforms that must see more than the people of a pass."""

    frames: dict[str, DataFrame]

    def __getitem__(self, domain: str) -> DataFrame:
        return self.frames[domain]


@dataclass
class Feeds:
    """`feeds["tumour"]`: the rows of a feed that count, with values as read by bare name and as sent below `sent`."""

    bronze: Bronze
    # domain, row_id, person_id and place of every row that counts.
    rows: DataFrame
    # The same beside the engine, and the folder in which it finds what was picked for it; None where it looks at whole feeds.
    at: pl.DataFrame | None = None
    folder: str = ""
    asked: set[str] = field(default_factory=set)
    _made: dict[str, DataFrame] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=Lock, repr=False)

    def recording(self) -> "Feeds":
        """The same feeds, with a list of their own of those that were asked for."""
        return replace(self, asked=set())

    def __getitem__(self, domain: str) -> DataFrame:
        """The current rows of a feed; an empty frame of the right shape where none was ever delivered."""
        self.asked.add(domain)
        with self._lock:
            return self._of(domain)

    def _of(self, domain: str) -> DataFrame:
        if domain not in self._made:
            counting = self.rows.where(F.col("domain") == domain)
            self._made[domain] = self.rows_at(domain, counting, self._picked(domain)).persist()
        return self._made[domain]

    def _picked(self, domain: str) -> DataFrame | None:
        """What a small pass needs of a feed."""
        if self.at is None or not self.bronze.has_feed(domain):
            return None
        return self.bronze.some_of(domain, self.at.filter(pl.col("domain") == domain), f"{self.folder}/{domain}.picked.parquet")

    def resolve(self, frame: DataFrame, column: str, domain: str, alias: str) -> DataFrame:
        """`frame` with `alias`: the id of the row that a soft reference names, null with a flag where that row is not current."""
        target = f"{self.bronze.hospital.center}:{domain}:"
        wanted = F.substring(F.sha2(F.concat(F.lit(target), F.col(column).cast("string")), 256), 1, 32)
        current = self.rows.where(F.col("domain") == domain).select(F.col("row_id").alias(alias))
        flag = F.when(
            F.col("_wanted").isNotNull() & F.col(alias).isNull(), F.array(F.lit(f"REFERENCE_UNRESOLVED:{column}"))
        ).otherwise(F.array())
        joined = frame.withColumn("_wanted", wanted).join(current, on=F.col("_wanted") == F.col(alias), how="left")
        return joined.withColumn("dq_flags", F.concat("dq_flags", flag.cast("array<string>"))).drop("_wanted")

    def release(self) -> None:
        """Forget what was held in memory."""
        for frame in self._made.values():
            frame.unpersist()

    def rows_at(self, domain: str, places: DataFrame, feed: DataFrame | None = None) -> DataFrame:
        """The rows of a feed at these places (delivery, file, row number), for the person named there; `feed` if not the whole one."""
        if not self.bronze.has_feed(domain):
            return self._nothing(domain)
        rows = self.bronze.feed(domain) if feed is None else feed
        sent = [name for name in rows.columns if name not in KEPT_APART]
        counting = places.selectExpr(
            "delivery_id as _delivery_id", "source_file as _source_file", "source_row_no as _source_row_no", "person_id as _kept"
        )
        joined = rows.join(counting, on=["_delivery_id", "_source_file", "_source_row_no"], how="inner")
        technical = (
            "_row_id as row_id",
            "_source_key as source_key",
            "_kept as person_id",
            "_delivery_id as delivery_id",
            "_source_file as source_file",
            "_source_row_no as source_row_no",
            "_version_at as valid_from",
            "coalesce(_flags, array()) as dq_flags",
        )
        # A hospital may name a column person_id too: the technical one, that of the kept person, stands for it.
        read = [f"_read.`{name}`" for name in rows.schema["_read"].dataType.names if name not in TECHNICAL]  # type: ignore[attr-defined]
        return joined.selectExpr(*read, "struct(" + ", ".join(f"`{name}`" for name in sent) + ") as sent", *technical)

    def _nothing(self, domain: str) -> DataFrame:
        """No rows, in the shape that landing would give the feed."""
        feed = self.bronze.hospital.feed(domain)
        read = [f"`{name}` {kind}" for name, kind in read_types(feed, self.bronze.hospital) if name not in TECHNICAL]
        sent = ", ".join(f"`{column.name}`: string" for column in feed.columns if column.type != "token")
        technical = [
            "row_id string",
            "source_key string",
            "person_id string",
            "delivery_id string",
            "source_file string",
            "source_row_no bigint",
            "valid_from timestamp",
            "dq_flags array<string>",
        ]
        return self.rows.sparkSession.createDataFrame([], ", ".join([*read, f"sent struct<{sent}>", *technical]))


SPARK_TYPES = {
    "int": "bigint",
    "int64": "bigint",
    "dec": "double",
    "double": "double",
    "bool": "boolean",
    "date": "date",
    "date~": "date",
    "datetime": "timestamp",
    "timestamp": "timestamp",
    "instant": "timestamp",
}


def read_types(feed: Feed, hospital: Hospital) -> Iterator[tuple[str, str]]:
    """The read columns of a feed and their Spark types."""
    for column in feed.columns:
        if column.type != "token":
            yield column.name, SPARK_TYPES.get(column.type, "string")
        if column.type == "date~":
            yield f"{column.name}_precision", "string"
    if feed.format == "fixed":
        acts = "array<struct<DATE: date, CCAM: string, PHASE: string, ACTIVITE: string, NB_EXEC: bigint>>"
        yield from (("DAS", "array<string>"), ("DAD", "array<string>"), ("ACTES", acts), ("YEAR", "bigint"))
    if feed.domain == "patient" and hospital.unknown_death:
        yield "death_unknown_date", "boolean"
