"""Queries of a person: every table of the lake by its name, to read and never to change."""

import re
from uuid import uuid4

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.errors import WrongUse
from jobs.lake import ZONES, Lake

READING = frozenset({"select", "with", "values", "from", "table", "show", "describe", "desc", "explain"})
# With these, WITH and FROM can also write.
WRITING = re.compile(r"\b(insert|update|delete|merge)\b", re.IGNORECASE)
# TRANSFORM, MAP and REDUCE hand rows to a program (a join's USING has brackets); these functions call any method of Java, quoted or not, and
# IDENTIFIER names them, or a table, in a text.
RUNNING = re.compile(r"\busing\b(?!\s*\()|\b(?:try_)?reflect\b|\bjava_method\b|\bidentifier\b", re.IGNORECASE)
# Before its first word a statement may have white space, plain comments and brackets.
FIRST_WORD = re.compile(r"(?:\s|\(|--[^\r\n\\]*(?:[\r\n]|$)|/\*(?!\+)(?:(?!\*/|/\*).)*\*/)*([a-z]*)", re.IGNORECASE | re.DOTALL)
# Texts, quoted names and comments, where Spark sees the same end of them: no word in them is a command.
NO_WORDS = re.compile(
    r"""'[^'\\]*'|"[^"\\]*"|`(?P<name>[^`]*)`|(?P<comment>--[^\r\n\\]*|/\*(?!\+)(?:(?!\*/|/\*).)*\*/)""", re.DOTALL
)
# Outside of those Spark may see another end of them: escapes, texts between dollars, hints, comments in comments.
INTRICATE = re.compile(r"""[\\$'"`]|/\*""")
# What a build does not pin: other zones, files by their path, and what changed in a table.
OTHER_ZONES = re.compile(
    r"\b(?:bronze|quarantine|silver|ops|delta|parquet|csv|json|xml|text|orc|avro|binaryfile)\s*\.|\btable_changes(?:_by_path)?\b",
    re.IGNORECASE,
)
# The name before the dot of a table of gold, beside all in which it is no name.
GOLD = re.compile(rf"(?P<gold>(?<![\w.])gold\s*\.|(?<!\.)`gold`\s*\.)|{NO_WORDS.pattern}", re.IGNORECASE | re.DOTALL)
# The name of a table of gold, where it is no column's.
GOLD_TABLE = re.compile(
    rf"(?:(?:(?<![\w.])gold|(?<!\.)`gold`)\s*\.\s*`?(?P<table>\w+)`?(?!\s*\.|\w))|{NO_WORDS.pattern}", re.IGNORECASE | re.DOTALL
)
# The engine of analysts, as it names itself.
CURATED = "pscc-curated"


def rows(spark: SparkSession, lake: Lake, query: str) -> pa.Table:
    """The rows of a query; tables are known as `zone.table`. WrongUse for a statement that would change something."""
    if not reads_only(query):
        raise WrongUse(
            "Expected a query (SELECT, SHOW, DESCRIBE, EXPLAIN), found a statement that changes or runs something: nothing was done."
        )
    if not knows_gold(spark):
        _make_known(spark, lake, query)
    return spark.sql(query).toArrow()


def knows_gold(spark: SparkSession) -> bool:
    """True for the curated engine: it knows the tables of gold by itself, and lets nobody make a table or a view known."""
    return spark.conf.get("spark.app.name", "") == CURATED


def _make_known(spark: SparkSession, lake: Lake, query: str) -> None:
    for zone in ZONES:
        spark.sql(f"create database if not exists {zone}")
        # Making a table known costs more than reading a small one: only what the query can mean.
        for table in (each for each in lake.tables(zone) if each in query.lower() or "show" in query.lower()):
            spark.sql(f"drop table if exists {zone}.`{table}`")
            spark.sql(f"create table {zone}.`{table}` using delta location '{lake.path(zone, table)}'")


def rows_of_build(spark: SparkSession, lake: Lake, query: str, versions: dict[str, int]) -> pa.Table:
    """The rows of a query over gold as a build left it, by the version of each table. WrongUse for one that asks other zones."""
    query = _pinnable(query)
    pinned = _of_versions(query, versions)
    if knows_gold(spark):
        return spark.sql(pinned).toArrow()
    # Views of a database of its own: somebody else may ask the same engine for another build.
    database = f"build_{uuid4().hex}"
    spark.sql(f"create database {database}")
    try:
        for name in (each for each in versions if each in query.lower()):
            path = lake.path("gold", name)
            spark.sql(f"create view {database}.`{name}` as select * from delta.`{path}` version as of {versions[name]}")
        return spark.sql(_of_database(query, database)).toArrow()
    finally:
        spark.sql(f"drop database {database} cascade")


def _pinnable(query: str) -> str:
    """The query without its comments, in which every table is one of gold that can be told from a text; WrongUse for another."""
    if not reads_only(query) or OTHER_ZONES.search(spoken(query)):
        raise WrongUse(
            "Expected a query over gold.… alone, found another: other zones are known as they are now only; leave --build out."
        )
    if is_intricate(query):
        raise WrongUse(
            "Expected plain texts and comments in a query of a build, found a backslash, a dollar, a hint or a quote without its end: "
            "write it without, or leave --build out."
        )
    bare = NO_WORDS.sub(lambda each: " " if each["comment"] else each[0], query)
    named = sum(each["gold"] is not None for each in GOLD.finditer(bare))
    if named != len(re.findall(r"\bgold\s*\.", spoken(bare), re.IGNORECASE)):
        raise WrongUse("Expected tables by zone and name, like gold.patient_summary, found gold below something: leave that out.")
    return bare


def is_intricate(query: str) -> bool:
    """True where Spark may see another end of texts and comments than we do."""
    return INTRICATE.search(NO_WORDS.sub(" ", query)) is not None


def spoken(query: str) -> str:
    """What a statement says, names without their quotes, texts and comments left out; all of it where Spark may see another end of those."""
    if is_intricate(query):
        return query.replace("`", " ")
    return NO_WORDS.sub(lambda each: f" {each['name'] or ''} ", query)


def _of_database(query: str, database: str) -> str:
    """The query with tables of another database in place of gold's; texts and comments stay as they are."""

    def renamed(part: re.Match[str]) -> str:
        return f" {database}." if part["gold"] else part[0]

    return GOLD.sub(renamed, query)


def _of_versions(query: str, versions: dict[str, int]) -> str:
    """The query with the version behind every table of gold; WrongUse for one that the build did not have."""

    def pinned(part: re.Match[str]) -> str:
        name = part["table"]
        if name is None:
            return part[0]
        if name.lower() not in versions:
            raise WrongUse(f"Expected a table that this build had, found gold.{name}: it has {', '.join(sorted(versions))}.")
        return f"{part[0]} VERSION AS OF {versions[name.lower()]}"

    found = FIRST_WORD.match(query)
    tells = found is not None and found[1].lower() in ("describe", "desc", "show")
    return query if tells else GOLD_TABLE.sub(pinned, query)


def reads_only(query: str) -> bool:
    """True for a statement that begins like a query and cannot write: after WITH and FROM no word of writing may stand outside quotes."""
    found = FIRST_WORD.match(query)
    word = found[1].lower() if found else ""
    unquoted = NO_WORDS.sub(" ", query)
    words = query if INTRICATE.search(unquoted) else unquoted
    return word in READING and not RUNNING.search(spoken(query)) and not (word in ("with", "from") and WRITING.search(words))
