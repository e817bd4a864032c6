"""A table that one machine's memory does not hold, made anonymous with Spark: cut into groups first, each specialised in one Arrow table.

Groups are runs of values in one column after another, so what is told of a group's rows does not hang on the rows of another one. Of the whole
table only counts come to the driver.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from jobs.errors import WrongUse
from jobs.privacy.anonymise import TOO_FEW, Bounds, cut_in_two
from jobs.privacy.hierarchy import Hierarchy
from jobs.privacy.spec import Spec
from jobs.privacy.table import Cost, Proof, coded, given_away, loss_told, specialised, written_in

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Rows of a group at most. Half a million take some 300 MB of a Python worker.
ROWS = 500_000
# The group of a row; no column of a table is called so.
GROUP = "__group"


@dataclass(frozen=True)
class Box:
    """The rows of a group: by column the least and the greatest value that they may have. `parent` is the group of which it is a half."""

    least: tuple[int, ...]
    greatest: tuple[int, ...]
    parent: "Box | None" = None

    def holds(self, codes: np.ndarray) -> np.ndarray:
        """By row, whether it lies inside."""
        inside = (codes >= np.array(self.least)) & (codes <= np.array(self.greatest))
        found: np.ndarray = np.all(inside, axis=1)
        return found

    def halves(self, column: int, greatest: int) -> tuple["Box", "Box"]:
        """The rows up to a value of a column, and those above it."""
        low = replace(self, greatest=_with(self.greatest, column, greatest), parent=self)
        return low, replace(self, least=_with(self.least, column, greatest + 1), parent=self)

    def within(self, other: "Box") -> bool:
        """True for another group, or for what was cut out of it."""
        return self == other or (self.parent is not None and self.parent.within(other))


def _with(values: tuple[int, ...], at: int, value: int) -> tuple[int, ...]:
    return (*values[:at], value, *values[at + 1 :])


def anonymise_with_spark(spark: "SparkSession", table: Path, to: Path, spec: Path, most: int = ROWS) -> tuple[Cost, Proof]:
    """Write the anonymous rows of Parquet files to a folder of others, which appears only when its bounds are proven on it.

    A group has `most` rows at most, more where its halves would not keep the bounds or cannot be told apart.
    """
    said = Spec.read(spec)
    if said.mode != "local":
        raise WrongUse("Expected mode local for Spark, found global: one level for all rows is searched on all of them at once.")
    from pyspark.errors import AnalysisException

    try:
        frame = spark.read.parquet(str(table.resolve()))
    except AnalysisException:
        raise WrongUse(f"Expected Parquet files at {table}, found none that can be read: check the path.") from None
    said.check_columns(frame.columns)
    return given_away(to, said, lambda fresh: _write(frame, fresh, said, most))


def _write(frame: "DataFrame", fresh: Path, spec: Spec, most: int) -> Cost:
    started = time.process_time()
    hierarchies = spec.hierarchies({name: _values(frame, name) for name in spec.quasi_identifiers})
    columns = [*spec.quasi_identifiers, *spec.sensitive, *spec.keep]
    frame = frame.select(columns)
    groups = boxes(frame, hierarchies, spec, most)
    told = _specialised(frame, hierarchies, spec, groups)
    # Where a row stands says nothing but what is told of it.
    placed = told.repartition(max(2, len(groups)), *spec.quasi_identifiers).sortWithinPartitions(*columns)
    placed.write.option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false").parquet(str(fresh.resolve()))
    for checksum in fresh.glob(".*.crc"):
        checksum.unlink()
    written = written_in(fresh)
    suppressed = frame.count() - int(written.select(pl.len()).collect().item())
    lost = loss_told(written, hierarchies, suppressed)
    return Cost(loss=lost, seconds=time.process_time() - started, suppressed=suppressed)


def _values(frame: "DataFrame", column: str) -> pl.Series:
    found = pl.from_arrow(frame.select(column).distinct().toArrow())
    assert isinstance(found, pl.DataFrame)
    return found.to_series()


def boxes(frame: "DataFrame", hierarchies: Sequence[Hierarchy], spec: Spec, most: int) -> list[Box]:
    """The groups of a table: cut where it wins most, as classes are, until none has too many rows. WrongUse where all rows do not keep the bounds."""
    whole = Box(tuple(0 for _ in hierarchies), tuple(len(each.values) - 1 for each in hierarchies))
    found, cut = [whole], [whole]
    while cut:
        counts = _counted(frame, hierarchies, cut)
        halves = {
            box: _cut(box, counts[at], hierarchies, spec.bounds) for at, box in enumerate(cut) if counts[at][0].sum() > most
        }
        found = [part for box in found for part in (halves.get(box) or (box,))]
        cut = [part for two in halves.values() if two for part in two]
    return _keeping(found, frame, hierarchies, spec)


def _cut(box: Box, counts: Sequence[np.ndarray], hierarchies: Sequence[Hierarchy], bounds: Bounds) -> tuple[Box, Box] | None:
    """The halves of a group in the column that wins most, each with k rows; None where no column has a value between such halves."""
    best: tuple[float, int, int] | None = None
    if counts[0].sum() < 2 * bounds.k:
        return None
    for column, (each, rows) in enumerate(zip(hierarchies, counts, strict=True)):
        there = np.flatnonzero(rows)
        if len(there) < 2:
            continue
        least, greatest = int(there[0]), int(there[-1])
        upto = np.cumsum(rows[least : greatest + 1])
        gain, rank = cut_in_two(each, least, upto, bounds.k, (bounds.k, int(upto[-1]) - bounds.k))
        value = int(np.searchsorted(upto, rank))
        # Rows of one value stay in one group.
        if upto[value] == rank and gain > 0 and (best is None or gain > best[0]):
            best = gain, column, least + value
    return box.halves(best[1], best[2]) if best else None


def _counted(frame: "DataFrame", hierarchies: Sequence[Hierarchy], groups: Sequence[Box]) -> list[list[np.ndarray]]:
    """By group and column, the rows of each value."""
    count = _each_batch(lambda batch: _tally(_polars(batch), hierarchies, groups))
    told = (
        frame.mapInArrow(count, "box int, at int, value int, number long").groupBy("box", "at", "value").sum("number").toArrow()
    )
    found = [[np.zeros(len(each.values), dtype=np.int64) for each in hierarchies] for _ in groups]
    for box, column, value, number in zip(*(line.to_pylist() for line in told.columns), strict=True):
        found[box][column][value] = number
    return found


def _tally(rows: pl.DataFrame, hierarchies: Sequence[Hierarchy], groups: Sequence[Box]) -> pa.Table:
    codes, told = coded(rows, hierarchies), []
    for box, group in enumerate(groups):
        here = codes[group.holds(codes)]
        for at in range(len(hierarchies)):
            number = np.bincount(here[:, at])
            told += [(box, at, int(value), int(number[value])) for value in np.flatnonzero(number)]
    schema = {"box": pl.Int32, "at": pl.Int32, "value": pl.Int32, "number": pl.Int64}
    return pl.DataFrame(told, schema=schema, orient="row").to_arrow()


def _keeping(groups: list[Box], frame: "DataFrame", hierarchies: Sequence[Hierarchy], spec: Spec) -> list[Box]:
    """The groups, those that do not keep the bounds put together again with what they were cut from."""
    from pyspark.sql import functions as F

    kinds = [F.count_distinct(name) for name in spec.sensitive] if spec.bounds.diverse > 1 else []
    while True:
        counted = _numbered(frame, hierarchies, groups).groupBy(GROUP).agg(F.count("*"), *kinds).collect()
        wrong = [groups[row[0]] for row in counted if row[1] < spec.bounds.k or min(row[2:], default=1) < spec.bounds.diverse]
        if not wrong and counted:
            return groups
        if not counted or any(each.parent is None for each in wrong):
            raise WrongUse(TOO_FEW.format(bounds=spec.bounds, rows=sum(row[1] for row in counted)))
        groups = reduce(_whole_again, wrong, groups)


def _whole_again(groups: list[Box], wrong: Box) -> list[Box]:
    """The groups with the one from which another was cut in place of all that was cut from it."""
    parent = wrong.parent
    if parent is None or wrong not in groups:
        return groups
    return [parent, *(each for each in groups if not each.within(parent))]


def _numbered(frame: "DataFrame", hierarchies: Sequence[Hierarchy], groups: Sequence[Box]) -> "DataFrame":
    """The rows with the number of their group."""
    from pyspark.sql.types import IntegerType, StructField, StructType

    schema = StructType([*frame.schema.fields, StructField(GROUP, IntegerType())])

    def number(batch: pa.Table) -> pa.Table:
        codes = coded(_polars(batch), hierarchies)
        where = np.select([group.holds(codes) for group in groups], range(len(groups)))
        return batch.append_column(GROUP, pa.array(where, pa.int32()))

    return frame.mapInArrow(_each_batch(number), schema)


def _specialised(frame: "DataFrame", hierarchies: Sequence[Hierarchy], spec: Spec, groups: Sequence[Box]) -> "DataFrame":
    """The rows told by the classes of their group."""
    from pyspark.sql.types import StringType, StructField, StructType

    kept = [field for field in frame.schema.fields if field.name not in spec.quasi_identifiers]
    schema = StructType([*(StructField(name, StringType()) for name in spec.quasi_identifiers), *kept])

    def specialise(group: pa.Table) -> pa.Table:
        rows, _ = specialised(_polars(group), spec, hierarchies)
        # The types that Spark knows: polars has long texts.
        types = [
            pa.field(name, pa.string()) if name in spec.quasi_identifiers else group.schema.field(name) for name in rows.columns
        ]
        return rows.to_arrow().cast(pa.schema(types))

    numbered = _numbered(frame, hierarchies, groups).repartition(len(groups), GROUP)
    return numbered.groupBy(GROUP).applyInArrow(specialise, schema)


def _each_batch(make: Callable[[pa.Table], pa.Table]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for `mapInArrow` of one that makes a table of some rows."""

    def of_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from make(pa.Table.from_batches([batch])).to_batches()

    return of_batches


def _polars(table: pa.Table) -> pl.DataFrame:
    found = pl.from_arrow(table)
    assert isinstance(found, pl.DataFrame)
    return found
