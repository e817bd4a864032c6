"""The builds of gold: what each made, how far one can look back, what changed since, and how to cite one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
import pyarrow.fs as fs
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from jobs.errors import WrongUse
from jobs.lake import Lake
from quality import places
from quality.contract import Table
from quality.contracts import contracts

# The one writer of gold, as its commits name it.
WRITER = "pscc/gold"
# They say how a row was made; every build writes them anew.
STAMP = frozenset({"as_of_date", "gold_version", "inputs"})
# The files of a table of gold may go so many days after it was made again.
KEPT_DAYS = 30


@dataclass(frozen=True)
class Build:
    """A build: its number, when it was published, and the version of every table of gold as it was then."""

    number: int
    at: datetime
    versions: dict[str, int]
    rows: dict[str, int]


@dataclass(frozen=True)
class Change:
    """How the rows of a table differ from those of a build."""

    table: str
    before: int
    now: int
    added: int
    removed: int
    changed: int


def newest(lake: Lake) -> int:
    """The number of the latest build; 0 where there was none."""
    known = recorded(lake)
    return int(known["build"].max() or 0) if known.height else 0  # type: ignore[arg-type]


def recorded(lake: Lake) -> pl.DataFrame:
    """`build`, `table`, `rows`, `published_at`: what each build made, the oldest first."""
    return lake.frame("ops", "build", ["build", "table", "rows", "published_at"]).sort("build", "table")


def last_purge(lake: Lake) -> int:
    """The number before which builds may show people who object or were erased; 0 where there is none. Passes and builds count milliseconds."""
    passes = lake.frame("ops", "load_process", ["load_id", "purged"]).filter(pl.col("purged") > 0)["load_id"]
    erased = lake.frame("ops", "purge", ["purged_at"])["purged_at"]
    # The build of the erasure itself bears that moment or a later one.
    moments = [int(at.timestamp() * 1000) - 1 for at in erased]
    return max([*map(int, passes), *moments], default=0)


def build(lake: Lake, number: int) -> Build:
    """A build that may be looked at; WrongUse for one that is unknown, or older than the last purge."""
    known = recorded(lake)
    if not known.height:
        raise WrongUse("Expected a build of gold, found none: run `pscc build` first.")
    made = known.filter(pl.col("build") == number)
    open_ones = open_builds(lake)["build"].to_list()
    if not made.height:
        newest_ones = ", ".join(map(str, open_ones[-3:])) or "none yet"
        raise WrongUse(f"Expected the number of a build, found {number}, which is not known: the newest are {newest_ones}.")
    if number not in open_ones:
        first = f"the earliest is {open_ones[0]}" if open_ones else "run `pscc build`"
        if number in _gone(lake, known):
            raise WrongUse(
                f"Expected a build whose tables were made again {KEPT_DAYS} days ago at most, found {number}; {first}."
            )
        raise WrongUse(
            f"Expected a build since people were last taken out who object ({_day(last_purge(lake))}), found {number}, made before: "
            f"it would show them again; {first}."
        )
    until = known.filter(pl.col("build") <= number).unique("table", keep="last", maintain_order=True)
    with _still_there():
        versions = {name: version for name in until["table"].to_list() if (version := _version(lake, name, number)) is not None}
    rows = dict(zip(until["table"].to_list(), until["rows"].to_list(), strict=True))
    return Build(number, made["published_at"].max(), versions, {name: rows[name] for name in sorted(versions)})  # type: ignore[arg-type]


def open_builds(lake: Lake) -> pl.DataFrame:
    """`build`, `published_at`, `tables`: the builds that may be looked at, the newest last, with what each made again.

    From the first one on by which every table that was older than the last purge had been made again, without those whose versions are gone.
    """
    known, purge = recorded(lake), last_purge(lake)
    older = known.filter(pl.col("build") <= purge)["table"].unique()
    again = (
        known.filter(pl.col("build") > purge, pl.col("table").is_in(older.implode())).group_by("table").agg(pl.col("build").min())
    )
    shown = known.filter(pl.col("build") > purge, pl.col("build") >= pl.lit(again["build"].max() or 0))
    shown = shown.filter(~pl.col("build").is_in(_gone(lake, known)))
    return shown.group_by("build").agg(pl.col("published_at").max(), tables=pl.col("table").sort().str.join(", ")).sort("build")


def _gone(lake: Lake, known: pl.DataFrame) -> set[int]:
    """The builds of which a table cannot be read any more: made again so long ago that its files may go, or cut from its log."""
    before, spans = datetime.now(UTC) - timedelta(days=KEPT_DAYS), list[tuple[int, int]]()
    for name in known["table"].unique():
        made = known.filter(pl.col("table") == name)
        numbers, old = made["build"].to_list(), made.filter(pl.col("published_at") < before)["build"].to_list()
        spans.append((numbers[0], max([_first_in_log(lake, name), *old])))
    return {number for number in known["build"].unique() if any(first <= number < kept for first, kept in spans)}


def _first_in_log(lake: Lake, name: str) -> int:
    """The number of the earliest build that the log of a table still reaches; 0 where it says none."""
    if not lake.exists("gold", name):
        return 0
    path = lake.path("gold", name)
    system, place = places.filesystem(f"{path}/_delta_log")
    found = {each.base_name for each in system.get_file_info(fs.FileSelector(place))}
    if f"{0:020}.json" in found:
        return 0
    # Before its first checkpoint nothing can be read.
    first = min(file for file in found if ".checkpoint." in file)
    return int(DeltaTable(path, version=int(first[:20])).transaction_version(WRITER) or 0)


@contextmanager
def _still_there() -> Iterator[None]:
    """What reads an earlier version; WrongUse where its files went, or its commits, since the build was looked up."""
    try:
        yield
    except (DeltaError, FileNotFoundError):
        raise WrongUse(
            f"Expected every file of that build, found some gone, as they may {KEPT_DAYS} days after a table was made again: "
            "name a later one of `pscc builds`."
        ) from None


def _day(number: int) -> str:
    return f"{datetime.fromtimestamp(number / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _version(lake: Lake, name: str, number: int) -> int | None:
    """The version of a table as a build left it: the last one whose commit bears this number or a smaller one."""
    table = lake.table("gold", name)
    for version in range(table.version(), -1, -1):
        table.load_as_version(version)
        written = table.transaction_version(WRITER)
        if written is not None and written <= number:
            return version
    return None


def changes(lake: Lake, since: Build) -> list[Change]:
    """By table, the rows that came, went and changed since a build; how a row was made does not count."""
    with _still_there():
        return [
            _change(lake, contracts("gold")[name], version)
            for name, version in since.versions.items()
            if name in contracts("gold")
        ]


def _change(lake: Lake, table: Table, version: int) -> Change:
    before, now = (_rows(lake, table, each) for each in (version, lake.version("gold", table.name)))
    key = list(table.key)
    both = [name for name in now.columns if name in before.columns and name not in STAMP]
    kept = now.join(before, on=key, how="semi", nulls_equal=True)
    same = kept.select(both).join(before.select(both), on=both, how="semi", nulls_equal=True).height
    return Change(
        table.name, before.height, now.height, now.height - kept.height, before.height - kept.height, kept.height - same
    )


def _rows(lake: Lake, table: Table, version: int) -> pl.DataFrame:
    """The rows of a version, lists as text: a join compares them so."""
    found = DeltaTable(lake.path("gold", table.name), version=version)
    files = places.dataset(found)
    rows = pl.from_arrow(files.to_table() if files else pa.schema(found.schema()).empty_table())
    assert isinstance(rows, pl.DataFrame)
    return rows.with_columns(pl.col(pl.List(pl.String)).list.join("|"))


def citation(lake: Lake, cited: Build) -> str:
    """A build in a sentence that can stand in a paper: number, day, tables with versions and rows."""
    told = ", ".join(f"gold.{name}@{version} ({cited.rows[name]:,} rows)" for name, version in sorted(cited.versions.items()))
    as_of = lake.frame("gold", sorted(cited.versions)[0], ["as_of_date"])["as_of_date"].max()
    said = f", as hospitals told by {as_of!s}" if cited.number == newest(lake) and as_of else ""
    return f"PSCC Lakehouse, gold build {cited.number}, published {cited.at:%Y-%m-%d}{said}. Tables: {told}."
