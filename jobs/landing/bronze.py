"""The bronze commit of a delivery: staged rows without those of opposed people, and a skeleton of every row from which state is computed."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction

from jobs.actions import Action
from jobs.hospitals.feed import Feed
from jobs.lake import Lake, wordless
from jobs.landing.layout import HARMLESS, IN_A_GROUP, batches_of, in_groups, lean_files
from jobs.landing.model import Judgement, StagedFile
from jobs.landing.opposed import Hidden, is_omic, omic_columns
from jobs.landing.owners import givers, inherits
from jobs.landing.purge import insist

STAGED_ONLY = ("_token_key", "_sex", "_birth_month", "_parents", "_inherits", "_group_id")
MOMENT = pa.timestamp("us", "UTC")
RECORD = pa.schema(
    [
        ("center", pa.string()),
        ("domain", pa.string()),
        ("row_id", pa.string()),
        ("person_id", pa.string()),
        ("inherits", pa.bool_()),
        ("parents", pa.list_(pa.string())),
        ("delivery_id", pa.string()),
        ("chain_position", pa.int32()),
        ("source_file", pa.string()),
        ("source_row_no", pa.int64()),
        ("version_at", MOMENT),
        ("is_deleted", pa.bool_()),
        ("reason", pa.string()),
        ("group_id", pa.string()),
        ("content_hash", pa.string()),
    ]
)
REPLACEMENT = pa.schema(
    [
        ("center", pa.string()),
        ("delivery_id", pa.string()),
        ("chain_position", pa.int32()),
        ("domain", pa.string()),
        ("group_id", pa.string()),
    ]
)
SET_ASIDE = pa.schema(
    [
        ("center", pa.string()),
        ("domain", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("delivery_id", pa.string()),
        ("source_file", pa.string()),
        ("source_row_no", pa.int64()),
        ("row_id", pa.string()),
        ("person_id", pa.string()),
        ("source_key", pa.string()),
        ("columns", pa.list_(pa.string())),
    ]
)


@dataclass
class FileCount:
    """What became of the rows of a file."""

    rows: int = 0
    opposed: int = 0
    set_aside: dict[str, int] = field(default_factory=dict)


@dataclass
class Landed:
    """What the bronze commit of a delivery found on its way."""

    files: dict[str, FileCount] = field(default_factory=dict)
    groups: set[tuple[str, str]] = field(default_factory=set)
    set_aside: list[pl.DataFrame] = field(default_factory=list)
    # Dropped rows from which others hang: domain, row id, person.
    children: list[pl.DataFrame] = field(default_factory=list)


@dataclass(frozen=True)
class Notes:
    """Where to note what is found of the rows on their way."""

    landed: Landed
    records: pq.ParquetWriter


@dataclass(frozen=True)
class Commit:
    """One delivery on its way into bronze."""

    lake: Lake
    judgement: Judgement
    chain_position: int
    hidden: Hidden
    owners: dict[str, str]
    # Reasons that only the vault knew, by file and row number.
    refused: dict[str, dict[int, str]]
    # How often it was taken out of bronze before.
    withdrawals: int
    fence: Callable[[], None]

    @property
    def center(self) -> str:
        return self.judgement.center or ""

    @property
    def transaction(self) -> tuple[str, int]:
        return f"pscc/landing/{self.judgement.delivery_id}", 1 + self.withdrawals

    def write(self, zone: str, table: str, schema: pa.Schema, rows: Iterable[pa.RecordBatch]) -> None:
        """Append to a table, once however often it is tried: no row is asked for when an earlier try did."""
        self.fence()
        target = opened(self.lake, zone, table, schema)
        if not self._is_in(target):
            with wordless(f"{zone}.{table}"):
                insist(partial(self._append, target, lean_files(target).added(in_groups(rows))))

    def _append(self, target: DeltaTable, files: list[Action]) -> None:
        """Tell the table of its new files, as it is now: a purge of other rows since it was opened would refuse them for ever."""
        self.fence()
        target.update_incremental()
        if not self._is_in(target):
            lean_files(target).commit(files, CommitProperties(app_transactions=[Transaction(*self.transaction)]))

    def _is_in(self, target: DeltaTable) -> bool:
        writer, number = self.transaction
        return (target.transaction_version(writer) or 0) >= number


def opened(lake: Lake, zone: str, table: str, schema: pa.Schema) -> DeltaTable:
    """A table; one that is not there yet is made so that its log keeps no minimum and maximum of anything personal."""
    if lake.exists(zone, table):
        return lake.table(zone, table)
    harmless = [name for name in HARMLESS if name in schema.names]
    settings: dict[str, str | None] = {"delta.dataSkippingStatsColumns": ",".join(harmless or ["center"])}
    insist(partial(DeltaTable.create, lake.path(zone, table), schema, mode="ignore", configuration=settings))
    return lake.table(zone, table)


def land(commit: Commit, records: Path) -> Landed:
    """Append every feed of a delivery to its bronze table; the records of all rows wait in the file `records`."""
    landed = Landed()
    by_domain: dict[str, list[StagedFile]] = {}
    for staged in commit.judgement.files:
        by_domain.setdefault(staged.feed.domain, []).append(staged)
    with pq.ParquetWriter(records, RECORD, compression="lz4", use_dictionary=False, write_statistics=False) as writer:
        for domain, files in by_domain.items():
            _land_feed(commit, domain, files, landed, writer)
    return landed


def _land_feed(commit: Commit, domain: str, files: list[StagedFile], landed: Landed, writer: pq.ParquetWriter) -> None:
    schema, notes = bronze_schema(pq.read_schema(files[0].parquet)), Notes(landed, writer)
    kept = (rows.cast(schema) for staged in files for rows in _kept(commit, staged, notes))
    batches = (batch for rows in kept for batch in rows.to_batches())
    if any(staged.rows for staged in files):
        commit.write("bronze", f"{commit.center}_{domain}", schema, batches)
    # What is to be known of the rows is noted, whether this try writes them or an earlier one did.
    deque(batches, maxlen=0)


def bronze_schema(staged: pa.Schema) -> pa.Schema:
    fields = []
    for each in staged:
        if each.name not in STAGED_ONLY:
            fields.append(each)
        if each.name == "_delivery_id":
            fields.append(pa.field("_chain_position", pa.int32()))
    return pa.schema(fields)


def _kept(commit: Commit, staged: StagedFile, notes: Notes) -> Iterator[pa.Table]:
    """The rows of a staged file that may be stored, in bronze layout; what is to be known of them goes to `notes`."""
    landed = notes.landed
    count = landed.files.setdefault(staged.path, FileCount())
    count.rows, count.opposed = count.rows + staged.erased, count.opposed + staged.erased
    groups = {staged.group_id or staged.feed.domain} if staged.feed.replaces in ("all", "year") else set()
    at_fault = staged.columns_at_fault()
    for batch in batches_of(staged.parquet):
        rows = pa.Table.from_batches([batch])
        judged = judge_rows(commit, staged, rows)
        groups |= _replaced_parents(staged.feed, judged)
        kept = judged.filter(~pl.col("dropped"))
        _count(commit, staged, judged, count, landed)
        _note_set_aside(commit, staged, kept, at_fault, landed)
        notes.records.write_table(_records(commit, staged.feed, kept).to_arrow().cast(RECORD))
        yield _bronze(commit, rows, judged)
    landed.groups |= {(staged.feed.domain, group) for group in groups}


def judge_rows(commit: Commit, staged: StagedFile, rows: pa.Table) -> pl.DataFrame:
    """What decides of each row: its owner, whether it is dropped, and the reason why it is set aside."""
    names = [name for name in rows.schema.names if name.startswith("_") and name not in ("_read", "_added", "_flags")]
    frame = pl.DataFrame(pl.from_arrow(rows.select([*names, *omic_columns(staged.feed)])))
    late = staged.late_reasons | commit.refused.get(staged.path, {})
    reason = pl.coalesce("_reason", _by_number(late)) if late else pl.col("_reason")
    frame = frame.with_columns(reason.alias("_reason"), owner=_owner(commit, staged.feed, frame))
    return frame.with_columns(dropped=commit.hidden.drops(staged.feed, pl.col("owner"), is_omic(staged.feed)))


def _by_number(reasons: dict[int, str]) -> pl.Expr:
    return pl.col("_source_row_no").replace_strict(list(reasons), list(reasons.values()), default=None, return_dtype=pl.String)


def _owner(commit: Commit, feed: Feed, frame: pl.DataFrame) -> pl.Series:
    """The row's own patient, else that of its first strict parent as far as it is known."""
    if not inherits(feed):
        return frame["_person_id"]
    parents = frame["_parents"].list.first().to_list()
    own = frame["_person_id"].to_list()
    return pl.Series(
        [mine or commit.owners.get(parent or "") for mine, parent in zip(own, parents, strict=True)], dtype=pl.String
    )


def _replaced_parents(feed: Feed, judged: pl.DataFrame) -> set[str]:
    """Whose rows are replaced as a whole: the parents that occur in a row that was not refused."""
    if feed.replaces != "parent":
        return set()
    return set(judged.filter(~pl.col("dropped") & pl.col("_reason").is_null())["_group_id"].drop_nulls())


def _count(commit: Commit, staged: StagedFile, judged: pl.DataFrame, count: FileCount, landed: Landed) -> None:
    dropped = judged.filter("dropped")
    count.rows += judged.height
    if staged.feed.domain != "identity_merge":
        # A deletion of a change feed names no patient; where it does (persons), it is not counted either.
        is_counted = (
            ~pl.col("_is_deleted").fill_null(False)
            if commit.judgement.hospital and commit.judgement.hospital.newest_event_wins
            else pl.lit(True)
        )
        count.opposed += dropped.filter(is_counted).height
    assert commit.judgement.hospital is not None
    if staged.feed.domain in givers(commit.judgement.hospital):
        keys = dropped.filter(pl.col("_row_id").is_not_null())
        landed.children.append(
            compact(keys.select(pl.lit(staged.feed.domain).alias("domain"), row_id="_row_id", person_id="owner"))
        )


def _note_set_aside(
    commit: Commit, staged: StagedFile, kept: pl.DataFrame, at_fault: dict[int, list[str]], landed: Landed
) -> None:
    rows = kept.filter(pl.col("_reason").is_not_null())
    count = landed.files[staged.path]
    for reason, number in rows["_reason"].value_counts().iter_rows():
        count.set_aside[reason] = count.set_aside.get(reason, 0) + number
    if rows.is_empty():
        return
    columns = [at_fault.get(number, []) for number in rows["_source_row_no"]]
    noted = rows.select(
        pl.lit(commit.center).alias("center"),
        pl.lit(staged.feed.domain).alias("domain"),
        pl.lit("set_aside").alias("status"),
        reason="_reason",
        delivery_id="_delivery_id",
        source_file="_source_file",
        source_row_no="_source_row_no",
        row_id="_row_id",
        person_id="owner",
        source_key="_source_key",
    ).with_columns(pl.Series("columns", columns, dtype=pl.List(pl.String)))
    landed.set_aside.append(compact(noted))


def compact(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` in memory of their own: a few rows of a batch would keep the text of the whole batch alive."""
    return pl.DataFrame(pl.from_arrow(rows.to_arrow(compat_level=pl.CompatLevel.oldest())))


def _records(commit: Commit, feed: Feed, kept: pl.DataFrame) -> pl.DataFrame:
    return kept.select(
        pl.lit(commit.center).alias("center"),
        pl.lit(feed.domain).alias("domain"),
        row_id="_row_id",
        person_id="owner",
        inherits="_inherits",
        parents="_parents",
        delivery_id="_delivery_id",
        chain_position=pl.lit(commit.chain_position, pl.Int32),
        source_file="_source_file",
        source_row_no="_source_row_no",
        version_at="_version_at",
        is_deleted="_is_deleted",
        reason="_reason",
        group_id="_group_id",
        content_hash="_content_hash",
    )


def _bronze(commit: Commit, rows: pa.Table, judged: pl.DataFrame) -> pa.Table:
    """The kept rows in bronze layout: final reasons, the place in the chain, and none of the columns that only landing needs."""
    schema = bronze_schema(rows.schema)
    rows = rows.set_column(
        rows.schema.get_field_index("_reason"),
        rows.schema.field("_reason"),
        judged["_reason"].to_arrow().cast(rows.schema.field("_reason").type),
    )
    rows = rows.append_column("_chain_position", pa.repeat(pa.scalar(commit.chain_position, pa.int32()), rows.num_rows))
    kept = rows.filter((~judged["dropped"]).to_arrow()) if judged["dropped"].any() else rows
    return kept.select(schema.names)


def publish(commit: Commit, landed: Landed, records: Path, touched: Iterable[tuple[str, str]]) -> None:
    """Append records, replacements, touched people and rows set aside: after the feeds, in any number of tries."""
    commit.write("bronze", "record", RECORD, batches_of(records))
    groups = [
        {
            "center": commit.center,
            "delivery_id": commit.judgement.delivery_id,
            "chain_position": commit.chain_position,
            "domain": domain,
            "group_id": group,
        }
        for domain, group in sorted(landed.groups)
    ]
    if groups:
        _append(commit, "bronze", "replacement", pa.Table.from_pylist(groups, REPLACEMENT))
    touch(commit, touched)
    for domain in sorted({frame["domain"][0] for frame in landed.set_aside}):
        set_aside = pl.concat([frame for frame in landed.set_aside if frame["domain"][0] == domain])
        _append(commit, "quarantine", f"{commit.center}_{domain}", set_aside.to_arrow().cast(SET_ASIDE))


def touch(commit: Commit, people: Iterable[tuple[str, str]]) -> None:
    """Note whose silver rows may change by this delivery."""
    rows = sorted(people)
    if rows:
        centers, persons = zip(*rows, strict=True)
        table = pa.table({"center": centers, "delivery_id": [commit.judgement.delivery_id] * len(rows), "person_id": persons})
        _append(commit, "bronze", "touched", table)


def _append(commit: Commit, zone: str, table: str, rows: pa.Table) -> None:
    commit.write(zone, table, rows.schema, rows.to_batches(IN_A_GROUP))
