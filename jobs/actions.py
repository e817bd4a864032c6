"""Files of a Delta table written by hand, and what a commit says of them: which come, which go.

For what no command of delta-rs does without reading or writing far more than it must: docs/decisions/0011, 0013 and 0015.
"""

import json
import math
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import PurePosixPath
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from quality import places

Action = AddAction | RemoveAction


@dataclass(frozen=True)
class Files:
    """The files of a table. `counted` columns say nothing of anybody: their least and greatest values stand in the log.

    A new file is full once it has `full` bytes. `same` files hold rows that the table had before, in other files.
    """

    table: DeltaTable
    counted: tuple[str, ...]
    layout: dict[str, Any]
    full: float = math.inf
    same: bool = False

    @cached_property
    def schema(self) -> pa.Schema:
        return pa.schema(self.table.schema())

    def added(self, groups: Iterable[pa.Table]) -> list[Action]:
        """New files with these rows, a row group each, a further file once one is full; nothing where there are no rows."""
        left = (self._shaped(rows) for rows in groups if rows.num_rows)
        return [self._file(chain([first], left)) for first in left]

    def _shaped(self, rows: pa.Table) -> pa.Table:
        """By name: the same columns in another order are the same rows. Other columns are refused."""
        names = self.schema.names
        return (rows.select(names) if sorted(rows.schema.names) == sorted(names) else rows).cast(self.schema)

    def _file(self, groups: Iterable[pa.Table]) -> Action:
        """A new file, with as many of the groups as fill it."""
        system, folder = places.filesystem(places.folder(self.table))
        place, ends = f"part-{uuid4()}.parquet", Ends(tuple(name for name in self.counted if name in self.schema.names))
        with system.open_output_stream(f"{folder}/{place}") as stream:
            with pq.ParquetWriter(stream, self.schema, **self.layout) as writer:
                for rows in groups:
                    writer.write_table(rows)
                    ends.add(rows)
                    if stream.tell() >= self.full:
                        break
            size = stream.tell()
        return AddAction(place, size, {}, _now(), not self.same, ends.statistics())

    def removed(self, path: str) -> Action:
        """A file of the table that goes."""
        return RemoveAction(PurePosixPath(path).name, data_change=not self.same, deletion_timestamp=_now())

    def commit(self, actions: list[Action], properties: CommitProperties | None = None) -> None:
        """One commit; CommitFailedError where another one took one of these files away in between."""
        self.table.create_write_transaction(actions, "append", self.table.schema(), commit_properties=properties)


@dataclass
class Ends:
    """How many rows a file has, and the least and greatest of `columns`, as its groups come."""

    columns: tuple[str, ...]
    rows: int = 0
    least: dict[str, Any] = field(default_factory=dict)
    greatest: dict[str, Any] = field(default_factory=dict)
    nulls: Counter[str] = field(default_factory=Counter)

    def add(self, rows: pa.Table) -> None:
        self.rows += rows.num_rows
        for name in self.columns:
            found = pc.min_max(rows[name]).as_py()
            self.nulls[name] += rows[name].null_count
            if found["min"] is not None:
                self.least[name] = min(found["min"], self.least.get(name, found["min"]))
                self.greatest[name] = max(found["max"], self.greatest.get(name, found["max"]))

    def statistics(self) -> str:
        """As an action of Delta's log has them."""
        return json.dumps({"numRecords": self.rows, "minValues": self.least, "maxValues": self.greatest, "nullCount": self.nulls})


def _now() -> int:
    return int(time.time() * 1000)
