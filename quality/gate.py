"""The gate: staged rows are held to their contract before anything is published. What gives no verdict is not published."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable

from quality.contract import Reference, Table
from quality.contracts import contracts
from quality.evaluate import columns, evaluate, for_pandas
from quality.suites import suite
from quality.verdicts import Engine, RuleResult, Verdict, publishable, record

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["Audit", "RuleResult", "Verdict", "check_pass", "prepare", "publishable", "record"]

# Up to here one suite costs less with pandas than with Spark.
PANDAS_ROWS = 300_000
# Great Expectations keeps state of its own: whatever thread asks, one suite runs at a time.
ONE_AT_A_TIME = Lock()
# What the gate judges itself, beside the suite.
TYPES, KEY_AFTER, REFERENCE_AFTER = "ColumnsToMatchContract", "KeyToBeUniqueAfterPass", "ReferenceToResolveAfterPass"
ARROW_TYPES: dict[str, tuple[Any, ...]] = {
    "string": (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    "boolean": (pa.types.is_boolean,),
    "integer": (pa.types.is_int32,),
    "long": (pa.types.is_int64,),
    "double": (pa.types.is_float64,),
    "date": (pa.types.is_date32,),
    "timestamp": (pa.types.is_timestamp,),
    "array<string>": (pa.types.is_list, pa.types.is_large_list),
}
# What a staged row does to the table. Only inserted rows are judged; the others say whose current row goes.
ACTION, INSERT, CLOSING = "_action", "insert", ["close", "delete", "purge"]


@dataclass(frozen=True)
class Change:
    """A table around a pass: its rows so far (a Delta table) and what is staged (Parquet), either of which may be missing.

    Staged rows have an `_action`: insert, or close, delete and purge for keys that stop being current; a row without one
    changes nothing. Where the column itself is missing, the staged rows are the whole table that will be.
    """

    staged: str | None
    existing: str | None

    @cached_property
    def changes(self) -> ds.Dataset | None:
        """Everything staged, None when nothing is."""
        if self.staged is None:
            return None
        # Spark may write times in the old 96-bit form, which only reads right when told so.
        options = ds.ParquetReadOptions(coerce_int96_timestamp_unit="us")
        found = ds.dataset(self.staged, format=ds.ParquetFileFormat(read_options=options))
        return found if found.files else None

    @property
    def is_whole_table(self) -> bool:
        """True where what is staged will stand for the table, not beside its rows."""
        return self.changes is not None and ACTION not in self.changes.schema.names

    @cached_property
    def inserted(self) -> ds.Dataset | None:
        """The staged rows that will be in the table, None when there are none."""
        if self.changes is None:
            return None
        rows = self.changes if self.is_whole_table else self.changes.filter(ds.field(ACTION) == INSERT)
        return rows if rows.count_rows() else None

    def inserted_current(self, names: list[str]) -> pl.DataFrame | None:
        """These columns of the staged rows that will be current, None when there are none."""
        rows = self.inserted
        if rows is None:
            return None
        return _polars(rows.to_table(columns=names, filter=ds.field("is_current") if "is_current" in rows.schema.names else None))

    def closed(self, key: Iterable[str]) -> pl.DataFrame | None:
        """The keys of the rows that stop being current, replaced versions included; None when there are none."""
        if self.changes is None or self.is_whole_table:
            return None
        keys = self.changes.to_table(columns=list(key), filter=ds.field(ACTION).isin(CLOSING))
        return _polars(keys).unique() if keys.num_rows else None

    def kept(self, key: Iterable[str]) -> pl.LazyFrame | None:
        """The current rows that the pass leaves as they are, None when there is no table yet."""
        if self.existing is None or self.is_whole_table:
            return None
        rows = pl.scan_delta(self.existing)
        if "is_current" in rows.collect_schema().names():
            rows = rows.filter(pl.col("is_current"))
        closed = self.closed(key)
        return rows if closed is None else rows.join(closed.lazy(), on=list(key), how="anti", nulls_equal=True)


@dataclass
class Look:
    """What the staged rows of a table say by themselves."""

    rows: int = 0
    results: list[RuleResult] = field(default_factory=list)
    engine: Engine = "none"
    readable: bool = True
    seconds: float = 0.0


@dataclass
class Audit:
    """The staged tables of one pass, judged together: what they refer to is looked up in what the other tables will be.

    `staged` has the folder of every staged table, by name or address; it may be filled while tables are looked at.
    """

    lake_root: str
    staged: dict[str, str]
    tables: Mapping[str, Table]
    spark: "SparkSession | None" = None
    pandas_rows: int = PANDAS_ROWS
    _changes: dict[str, Change] = field(default_factory=dict, repr=False)
    _keys: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict, repr=False)
    _looked: dict[str, Look] = field(default_factory=dict, repr=False)

    def look(self, table: Table) -> None:
        """Judge the staged rows of a table by themselves, as soon as they are staged; `check` does it where it was not done."""
        with ONE_AT_A_TIME:
            self._looked[table.address] = self._look(table)

    def check(self, table: Table) -> Verdict:
        """The verdict on a table; without new rows it passes at once, unless kept rows lose what they refer to."""
        started = time.perf_counter()
        if table.address not in self._looked:
            self.look(table)
        seen = self._looked[table.address]
        # A column of another type makes every further answer meaningless.
        if seen.readable:
            after = [self._key_after(table)] if seen.rows else []
            seen.results += after + self._references_after(table)
        passed = all(each.passed for each in seen.results if each.severity == "critical")
        seconds = seen.seconds + time.perf_counter() - started
        return Verdict(table.address, passed, seen.rows, tuple(seen.results), seconds, seen.engine)

    def _look(self, table: Table) -> "Look":
        started = time.perf_counter()
        rows = self._change(table.address).inserted
        if rows is None:
            return Look()
        count = rows.count_rows()
        columns_match = _columns_match(table, rows)
        if not columns_match.passed:
            return Look(count, [columns_match], readable=False)
        engine: Engine = "spark" if self.spark is not None and count > self.pandas_rows else "pandas"
        results = [columns_match, *self._held_to_suite(table, rows, engine)]
        return Look(count, results, engine, seconds=time.perf_counter() - started)

    def _change(self, address: str) -> Change:
        if address not in self._changes:
            layer, _, name = address.partition(".")
            existing = f"{self.lake_root}/{layer}/{name}"
            staged = self.staged.get(address) or (self.staged.get(name) if self._is_of_pass(layer) else None)
            self._changes[address] = Change(staged, existing if DeltaTable.is_deltatable(existing) else None)
        return self._changes[address]

    def _is_of_pass(self, layer: str) -> bool:
        """A pass fills one layer: a bare name among its folders is never a table of another one."""
        return any(table.layer == layer for table in self.tables.values())

    def _held_to_suite(self, table: Table, rows: ds.Dataset, engine: Engine) -> list[RuleResult]:
        if engine == "pandas" or self.spark is None:
            return evaluate(table, for_pandas(rows.to_table(columns=columns(table))), "pandas", _flagged(rows))
        change = self._change(table.address)
        frame = self.spark.read.parquet(str(change.staged))
        frame = frame if change.is_whole_table else frame.where(f"{ACTION} = '{INSERT}'")
        return evaluate(table, frame.select(*columns(table)), "spark", _flagged(rows))

    def _key_after(self, table: Table) -> RuleResult:
        """No staged row may have the key of another one, or of a row that stays current."""
        change, key = self._change(table.address), list(table.key)
        staged, kept = change.inserted_current(key), change.kept(key)
        assert staged is not None
        twice = staged.height - staged.unique().height
        if kept is not None:
            twice += kept.select(key).join(staged.lazy(), on=key, how="semi", nulls_equal=True).collect().height
        sentence = f"{', '.join(key)} occurs once among the rows that will be current"
        return RuleResult(KEY_AFTER, ", ".join(key), "critical", twice == 0, twice, sentence)

    def _references_after(self, table: Table) -> list[RuleResult]:
        counted = [(each, self._unresolved(table, each), self._orphaned(table, each)) for each in table.references]
        return [_reference(each, (new or 0) + old) for each, new, old in counted if new is not None or old]

    def _unresolved(self, table: Table, reference: Reference) -> int | None:
        """How many staged rows will refer to nothing; None without staged rows."""
        rows = self._change(table.address).inserted_current([reference.column])
        if rows is None:
            return None
        known = self._keys_after(_address(reference, table), reference.key)
        return rows.drop_nulls().join(known, left_on=reference.column, right_on=reference.key, how="anti").height

    def _orphaned(self, table: Table, reference: Reference) -> int:
        """How many rows will stay current although what they refer to does not."""
        target = _address(reference, table)
        gone, kept = self._change(target).closed([reference.key]), self._change(table.address).kept(table.key)
        if gone is None or kept is None:
            return 0
        lost = gone.join(self._keys_after(target, reference.key), on=reference.key, how="anti")
        if lost.is_empty():
            return 0
        left = kept.select(reference.column).join(lost.lazy(), left_on=reference.column, right_on=reference.key, how="semi")
        return left.collect().height

    def _keys_after(self, address: str, key: str) -> pl.DataFrame:
        """The keys that a table will have; read once, whoever asks."""
        if (address, key) not in self._keys:
            change = self._change(address)
            staged, kept = change.inserted_current([key]), change.kept([key])
            parts = [staged] if staged is not None else []
            parts += [kept.select(key).collect()] if kept is not None else []
            self._keys[address, key] = pl.concat(parts).unique() if parts else pl.DataFrame(schema={key: pl.String})
        return self._keys[address, key]


def check_pass(
    tables: Iterable[Table], lake_root: str, staged: Mapping[str, str], spark: "SparkSession | None" = None
) -> list[Verdict]:
    """A verdict for every table of a pass, to be had before its first commit."""
    listed = list(tables)
    audit = Audit(lake_root, dict(staged), {table.address: table for table in listed}, spark)
    return [audit.check(table) for table in listed]


def prepare(tables: Iterable[Table]) -> None:
    """Import Great Expectations and build the suites ahead of need: seconds, best spent in a thread while the engine computes."""
    for table in tables:
        suite(table)


def _address(reference: Reference, table: Table) -> str:
    """The referred table with its layer: its own, or silver where a gold table refers to what it was made from."""
    if "." in reference.table:
        return reference.table
    return (
        f"gold.{reference.table}"
        if table.layer == "gold" and reference.table in contracts("gold")
        else f"silver.{reference.table}"
    )


def _columns_match(table: Table, rows: ds.Dataset) -> RuleResult:
    """Whether the staged columns have the names and types of the contract, and whether every number is one."""
    found = {each.name: each.type for each in rows.schema if not each.name.startswith("_")}
    wrong = [each.name for each in table.columns if each.name not in found or not _is(each.type, found[each.name])]
    wrong += sorted(set(found) - set(table.names))
    wrong = wrong or _not_numbers(table, rows)
    sentence = "columns and types are those of the contract" + (f", except {', '.join(wrong)}" if wrong else "")
    return RuleResult(TYPES, ", ".join(wrong), "critical", not wrong, len(wrong), sentence)


def _is(declared: str, found: pa.DataType) -> bool:
    return any(is_type(found) for is_type in ARROW_TYPES[declared])


def _not_numbers(table: Table, rows: ds.Dataset) -> list[str]:
    """The columns in which NaN stands: pandas takes it for empty, Spark for the greatest number."""
    doubles = [each.name for each in table.columns if each.type == "double"]
    read = rows.to_table(columns=doubles)
    return [name for name in doubles if pc.any(pc.is_nan(read[name])).as_py()]


def _flagged(rows: ds.Dataset) -> dict[str, int]:
    """How many staged rows carry each flag."""
    if "dq_flags" not in rows.schema.names:
        return {}
    flags = pl.from_arrow(pc.list_flatten(rows.to_table(columns=["dq_flags"])["dq_flags"]))
    assert isinstance(flags, pl.Series)
    return {str(flag): int(count) for flag, count in flags.drop_nulls().value_counts().iter_rows()}


def _reference(reference: Reference, dangling: int) -> RuleResult:
    sentence = f"{reference.column} is the {reference.key} of a current row of {reference.table}"
    return RuleResult(REFERENCE_AFTER, reference.column, "critical", dangling == 0, dangling, sentence)


def _polars(table: pa.Table) -> pl.DataFrame:
    read = pl.from_arrow(table)
    assert isinstance(read, pl.DataFrame)
    return read
