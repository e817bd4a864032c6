"""The feeds of a hospital as a transform sees them, drawn as text."""

import hashlib
from typing import TYPE_CHECKING

from jobs.hospitals.feed import Feed, Hospital
from tests.tables import table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TYPES = {
    "int": "bigint",
    "int64": "bigint",
    "dec": "double",
    "double": "double",
    "bool": "boolean",
    "date": "date",
    "date~": "date",
}
TIMES = dict.fromkeys(("datetime", "timestamp", "instant"), "timestamp")
RSS_ZONES = {
    "DAS": "array<string>",
    "DAD": "array<string>",
    "ACTES": "array<struct<DATE: date, CCAM: string, PHASE: string, ACTIVITE: string, NB_EXEC: bigint>>",
    "YEAR": "bigint",
}


def row_id(center: str, domain: str, key: str) -> str:
    """The id that a row with this key has."""
    return hashlib.sha256(f"{center}:{domain}:{key}".encode()).hexdigest()[:32]


class Delivered:
    """Current rows by domain. Columns that a text leaves out are null; a column `sent.X` is X as sent, else as read."""

    def __init__(self, spark: "SparkSession", hospital: Hospital, **texts: str) -> None:
        self.spark, self.hospital = spark, hospital
        self.frames = {domain: self._frame(hospital.feed(domain), text) for domain, text in texts.items()}

    def __contains__(self, domain: str) -> bool:
        return domain in self.frames

    def __getitem__(self, domain: str) -> "DataFrame":
        return self.frames.get(domain) or self._frame(self.hospital.feed(domain), "person_id").limit(0)

    def resolve(self, frame: "DataFrame", column: str, domain: str, alias: str) -> "DataFrame":
        """`frame` with the id of the row that `column` names, null with a flag where there is none."""
        target = self[domain].selectExpr(f"row_id AS {alias}")
        wanted = f"substr(sha2(concat('{self.hospital.center}:{domain}:', {column}), 256), 1, 32)"
        joined = frame.selectExpr("*", f"{wanted} AS wanted").join(target, on=[_equal("wanted", alias)], how="left")
        missing = f"wanted IS NOT NULL AND {alias} IS NULL"
        flagged = f"concat(dq_flags, if({missing}, array('REFERENCE_UNRESOLVED:{column}'), array()))"
        return joined.selectExpr("*", f"{flagged} AS flags").drop("dq_flags", "wanted").withColumnRenamed("flags", "dq_flags")

    def _frame(self, feed: Feed, text: str) -> "DataFrame":
        declared = _types(feed)
        drawn = table(self.spark, text)
        sent = {name.removeprefix("sent."): f"`{name}`" for name in drawn.columns if name.startswith("sent.")}
        person = "person_id" if "person_id" in drawn.columns else "'p1'"
        unsaid = {column.name: person if column.type == "hash64" else "NULL" for column in feed.columns}
        read = {
            name: f"cast({f'`{name}`' if name in drawn.columns else unsaid.get(name, 'NULL')} AS {kind})"
            for name, kind in declared.items()
        }
        for name in RSS_ZONES.keys() & set(drawn.columns):
            read[name] = f"from_json({name}, '{RSS_ZONES[name]}')"
        as_sent = ", ".join(
            f"cast({sent.get(name, read[name])} AS string) AS {name}" for name in declared if name not in RSS_ZONES
        )
        key = "concat_ws('|', " + ", ".join(f"cast({read[name]} AS string)" for name in feed.key) + ")"
        technical = {
            "person_id": person,
            "row_id": f"substr(sha2(concat('{self.hospital.center}:{feed.domain}:', {key}), 256), 1, 32)",
            "source_key": key,
            "delivery_id": "'D1'",
            "source_file": "'file'",
            "source_row_no": "1L",
            "valid_from": "cast(valid_from AS timestamp)" if "valid_from" in drawn.columns else "timestamp'2020-01-01'",
            "dq_flags": "cast(array() AS array<string>)",
        }
        values = [f"{sql} AS `{name}`" for name, sql in {**read, **technical}.items()]
        return drawn.selectExpr(*values, f"struct({as_sent}) AS sent")


def _types(feed: Feed) -> dict[str, str]:
    """The columns of a feed as read, with the types they are read into."""
    types = {}
    for column in feed.columns:
        if column.type == "token":
            continue
        types[column.name] = TYPES.get(column.type) or TIMES.get(column.type, "string")
        if column.type == "date~":
            types[f"{column.name}_precision"] = "string"
    return {**types, **(RSS_ZONES if feed.format == "fixed" else {})}


def _equal(left: str, right: str):
    from pyspark.sql import functions as F

    return F.col(left) == F.col(right)
