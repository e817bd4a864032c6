"""The record of exports: what was asked, by whom, what for, and whether it left. `ops.export` only ever grows."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from jobs.exports.earlier import Left, written
from jobs.exports.output import Output, without_pseudonyms
from jobs.lake import Lake

EXPORT = "export"
WRITTEN, REFUSED = "written", "refused"
EXPORTS = pa.schema(
    [
        ("export", pa.int64()),
        ("at", pa.timestamp("us", "UTC")),
        ("by", pa.string()),
        ("purpose", pa.string()),
        ("query", pa.string()),
        ("build", pa.int64()),
        ("tables", pa.list_(pa.string())),
        ("outcome", pa.string()),
        ("why", pa.string()),
        ("rows", pa.int64()),
        ("hidden", pa.int64()),
        ("file", pa.string()),
        ("sha256", pa.string()),
        # What later exports are held against: the columns of gold that group, the counts behind what was shown, never those of hidden cells.
        ("groups", pa.list_(pa.string())),
        ("people", pa.string()),
    ]
)


@dataclass(frozen=True)
class Asked:
    """An export as somebody asks for it."""

    query: str
    by: str
    purpose: str
    build: int
    tables: tuple[str, ...] = ()


def keep_written(
    lake: Lake, asked: Asked, output: Output, shown: tuple[int | None, ...], hidden: int, file: str, digest: str
) -> int:
    """Note that a table left; the number of the export."""
    people = {json.dumps(written(key)): count for key, count in zip(output.keys, shown, strict=True) if count is not None}
    told = {"outcome": WRITTEN, "rows": output.rows.height, "hidden": hidden, "file": file, "sha256": digest}
    return _keep(lake, asked, told | {"groups": list(output.about), "people": json.dumps(people)})


def keep_refused(lake: Lake, asked: Asked, why: str, rows: int) -> int:
    """Note that a table did not leave, and why; the number of the export."""
    return _keep(lake, asked, {"outcome": REFUSED, "why": why, "rows": rows})


def _keep(lake: Lake, asked: Asked, told: dict[str, object]) -> int:
    now = datetime.now(UTC)
    number = int(now.timestamp() * 1000)
    line = asked.__dict__ | told | {"export": number, "at": now, "query": without_pseudonyms(asked.query)}
    lake.write("ops", EXPORT, pa.Table.from_pylist([line | {"tables": list(asked.tables)}], EXPORTS))
    return number


def left_before(lake: Lake) -> Iterator[Left]:
    """The tables that left, the oldest first."""
    columns = ["export", "outcome", "groups", "people"]
    for row in lake.frame("ops", EXPORT, columns).sort("export").iter_rows(named=True) if lake.exists("ops", EXPORT) else ():
        if row["outcome"] == WRITTEN:
            people = {tuple(json.loads(key)): count for key, count in json.loads(row["people"]).items()}
            yield Left(row["export"], tuple(row["groups"]), people)
