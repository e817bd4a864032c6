"""Files of a Delta table written by hand, and what a commit says of them: which come, which go.

For what no command of delta-rs does without reading or writing far more than it must: docs/decisions/0011 and 0013.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
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
    """The files of a table. `counted` columns say nothing of anybody: their least and greatest values stand in the log."""

    table: DeltaTable
    counted: tuple[str, ...]
    layout: dict[str, Any]

    @cached_property
    def schema(self) -> pa.Schema:
        return pa.schema(self.table.schema())

    def added(self, groups: Iterable[pa.Table]) -> list[Action]:
        """A new file with these rows, a row group each; nothing where there are none."""
        system, folder = places.filesystem(places.folder(self.table))
        name, kept = f"part-{uuid4()}.parquet", self.schema.empty_table().select(self._counted)
        with pq.ParquetWriter(f"{folder}/{name}", self.schema, filesystem=system, **self.layout) as writer:
            for rows in groups:
                writer.write_table(rows.cast(self.schema))
                kept = pa.concat_tables([kept, rows.select(self._counted).cast(kept.schema)])
        if not kept.num_rows:
            system.delete_file(f"{folder}/{name}")
            return []
        size = system.get_file_info(f"{folder}/{name}").size
        return [AddAction(name, size, {}, _now(), True, _statistics(kept))]

    def removed(self, path: str) -> Action:
        """A file of the table that goes."""
        return RemoveAction(PurePosixPath(path).name, data_change=True, deletion_timestamp=_now())

    def commit(self, actions: list[Action], properties: CommitProperties | None = None) -> None:
        """One commit; CommitFailedError where another one took one of these files away in between."""
        self.table.create_write_transaction(actions, "append", self.table.schema(), commit_properties=properties)

    @property
    def _counted(self) -> list[str]:
        return [name for name in self.counted if name in self.schema.names]


def _now() -> int:
    return int(time.time() * 1000)


def _statistics(kept: pa.Table) -> str:
    """How many rows a file has, and the least and greatest of what says nothing of anybody."""
    ends = {name: pc.min_max(kept[name]).as_py() for name in kept.schema.names}
    return json.dumps(
        {
            "numRecords": kept.num_rows,
            "minValues": {name: end["min"] for name, end in ends.items()},
            "maxValues": {name: end["max"] for name, end in ends.items()},
            "nullCount": {name: kept[name].null_count for name in ends},
        }
    )
