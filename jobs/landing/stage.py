"""Staged rows: a judged batch in the layout of bronze, written to a private Parquet file."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.hospitals.feed import Feed, Hospital
from jobs.landing import rss
from jobs.landing.cells import READ_TYPES, Cells, Manner
from jobs.landing.pseudonyms import row_ids, short_hashes
from jobs.landing.rows import Verdict, flag_lists, reasons

# Rows that are read back at once: whole groups are.
IN_A_GROUP = 16_384
MOMENT = pa.timestamp("us", "UTC")
ARROW = {
    pl.Int64: pa.int64(),
    pl.Float64: pa.float64(),
    pl.Boolean: pa.bool_(),
    pl.Date: pa.date32(),
}
TECHNICAL = [
    ("_delivery_id", pa.string()),
    ("_source_file", pa.string()),
    ("_source_row_no", pa.int64()),
    ("_row_id", pa.string()),
    ("_source_key", pa.string()),
    ("_person_id", pa.string()),
    ("_version_at", MOMENT),
    ("_is_deleted", pa.bool_()),
    ("_reason", pa.string()),
    ("_flags", pa.list_(pa.string())),
    ("_content_hash", pa.string()),
    ("_parents", pa.list_(pa.string())),
    ("_inherits", pa.bool_()),
    ("_group_id", pa.string()),
]
WHO = [("_token_key", pa.string()), ("_sex", pa.string()), ("_birth_month", pa.string())]
_PSEUDONYM = re.compile(r"[0-9a-f]{64}")


def read_fields(feed: Feed) -> list[tuple[str, pa.DataType]]:
    """The fields of `_read`: one a declared column, and what some columns or files add."""
    fields: list[tuple[str, pa.DataType]] = []
    for column in feed.columns:
        if column.type == "token":
            continue
        kind = READ_TYPES.get(column.type, pl.String)
        fields.append((column.name, ARROW.get(kind, MOMENT if kind == READ_TYPES["instant"] else pa.string())))
        if column.type == "date~":
            fields.append((f"{column.name}_precision", pa.string()))
    if feed.format == "fixed":
        codes = pa.list_(pa.string())
        fields += [("DAS", codes), ("DAD", codes), ("ACTES", pa.list_(rss.ACT_TYPE)), ("YEAR", pa.int64())]
    return fields


def staged_schema(hospital: Hospital, feed: Feed) -> pa.Schema:
    """The layout of a staged file."""
    sent = [(column.name, pa.string()) for column in feed.columns if column.type != "token"]
    zones = [(zone, pa.string()) for zone in rss.ZONES] if feed.format == "fixed" else []
    read = read_fields(feed)
    if hospital.unknown_death and feed.domain == "patient":
        read.append(("death_unknown_date", pa.bool_()))
    who = WHO if feed.domain in ("patient", "patient_link") else []
    return pa.schema([*sent, *zones, ("_added", pa.string()), ("_read", pa.struct(read)), *TECHNICAL, *who])


@dataclass(frozen=True)
class Zones:
    """What stands in a record besides its columns (RSS): as it was sent, and as it was read."""

    sent: dict[str, pa.Array] = field(default_factory=dict)
    read: dict[str, pa.Array] = field(default_factory=dict)


class Stage:
    """Writes one file's batches. Constant columns and what identifies rows are made here."""

    def __init__(
        self, path: Path, manner: Manner, delivery_id: str, source_file: str, *, created_at: datetime, group_id: str | None
    ) -> None:
        self.manner, self.delivery_id, self.source_file = manner, delivery_id, source_file
        self._created_at, self._group_id = created_at, group_id
        self.schema = staged_schema(manner.hospital, manner.feed)
        # Private and short-lived: fast to write, no dictionaries for values that hardly repeat.
        self._writer = pq.ParquetWriter(
            path, self.schema, compression="lz4", write_statistics=False, use_dictionary=_repeating(manner.feed)
        )

    def write(
        self, cells: dict[str, Cells], verdict: Verdict, first_row: int, added: dict[str, pl.Series], zones: Zones
    ) -> pl.Series:
        """Append a batch; the source keys come back, for the search for duplicates."""
        rows = len(verdict.reason)
        frame = Batch(self.manner, cells, rows)
        keys = frame.source_keys()
        columns: dict[str, Any] = {name: found.sent for name, found in cells.items() if found.column.type != "token"}
        columns |= zones.sent
        columns["_added"] = self._added(added, rows)
        columns["_read"] = self._read(cells, zones, rows)
        columns |= {
            "_delivery_id": _same(self.delivery_id, rows),
            "_source_file": _same(self.source_file, rows),
            "_source_row_no": pl.Series(np.arange(first_row, first_row + rows)),
            "_row_id": row_ids(self.manner.hospital.center, self.manner.feed.domain, _arrow(keys)),
            "_source_key": keys,
            "_person_id": frame.persons(),
            "_version_at": self._version_at(cells, rows),
            "_is_deleted": pl.Series(verdict.is_deleted),
            "_reason": reasons(verdict),
            "_flags": flag_lists(verdict.flags, rows),
            "_content_hash": frame.content_hashes(verdict.is_deleted, zones.sent),
            "_parents": frame.parents(),
            "_inherits": frame.persons().is_null(),
            "_group_id": self._groups(frame, rows),
        }
        columns |= frame.who()
        arrays = [
            _arrow(columns[each.name]).cast(each.type) if each.name != "_read" else columns["_read"] for each in self.schema
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema), row_group_size=IN_A_GROUP)
        return keys

    def close(self) -> None:
        self._writer.close()

    def _read(self, cells: dict[str, Cells], zones: Zones, rows: int) -> pa.Array:
        kind = self.schema.field("_read").type
        values: dict[str, Any] = {}
        for name, found in cells.items():
            values[name] = found.read
            values[f"{name}_precision"] = found.precision
        values |= zones.read
        unknown = [found.marks["DEATH_UNKNOWN"] for found in cells.values() if "DEATH_UNKNOWN" in found.marks]
        values["death_unknown_date"] = pl.Series(np.logical_or.reduce(unknown) if unknown else np.zeros(rows, bool))
        picked = [values[each.name] for each in kind]
        return pa.StructArray.from_arrays(
            [_arrow(value).cast(each.type) for value, each in zip(picked, kind, strict=True)], fields=list(kind)
        )

    def _added(self, added: dict[str, pl.Series], rows: int) -> Any:
        """Undeclared columns as one JSON object a row; a pseudonym among them becomes the person too."""
        if not added:
            return _same(None, rows)
        shown = [self._without_pseudonyms(values).alias(name) for name, values in added.items()]
        frame = pl.DataFrame(shown)
        # Not by name: polars reads "*" and "^…$" as patterns.
        filled = pl.any_horizontal(pl.all().is_not_null())
        return frame.select(pl.when(filled).then(pl.struct(pl.all()).struct.json_encode())).to_series()

    def _without_pseudonyms(self, values: pl.Series) -> pl.Series:
        at = values.str.contains(_PSEUDONYM.pattern).fill_null(False).arg_true().to_list()
        person = lambda found: self.manner.pseudonyms.person_id(self.manner.hospital.center, found[0])  # noqa: E731
        return values.clone().scatter(at, [_PSEUDONYM.sub(person, values[row]) for row in at]) if at else values

    def _version_at(self, cells: dict[str, Cells], rows: int) -> Any:
        name = self.manner.hospital.version_column
        if name is None or name not in cells:
            # A file that dates no versions says what held when the delivery was made.
            return _same(self._created_at, rows, pl.Datetime("us", "UTC"))
        read = cells[name].read
        return read if read.dtype != pl.Date else read.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")

    def _groups(self, frame: "Batch", rows: int) -> Any:
        if self.manner.feed.replaces == "parent":
            return frame.parents_of(self.manner.feed.strict_parents[0].name)
        return _same(self._group_id, rows)


class Batch:
    """What identifies the rows of a batch and what hangs from them."""

    def __init__(self, manner: Manner, cells: dict[str, Cells], rows: int) -> None:
        self._manner, self._cells, self._rows = manner, cells, rows

    def source_keys(self) -> pl.Series:
        """The key columns as read, joined by `|`; null where a required part is missing."""
        feed = self._manner.feed
        parts = pl.DataFrame({name: self._cells[name].read for name in feed.key})
        texts = {name: _as_text(name, parts.schema[name]) for name in feed.key}
        required = [pl.col(name).is_not_null() for name in feed.key if feed[name].required]
        joined = pl.concat_str([text.fill_null("") for text in texts.values()], separator="|")
        if len(feed.key) == 1:
            joined = texts[feed.key[0]]
        return parts.select(pl.when(pl.all_horizontal(required)).then(joined).alias("key"))["key"]

    def persons(self) -> pl.Series:
        """The row's own patient."""
        name = self._manner.feed.patient
        return self._cells[name].read if name else _same(None, self._rows)

    def parents_of(self, name: str) -> pa.Array:
        """The row id of the parent that a column names."""
        values = _arrow(self._cells[name].read.cast(pl.String)).dictionary_encode()
        ids = row_ids(self._manner.hospital.center, self._manner.feed[name].parent or "", values.dictionary)
        return ids.take(values.indices)

    def parents(self) -> Any:
        """The row ids of the filled strict parents, the patient aside."""
        columns = self._manner.feed.strict_parents
        if not columns:
            return _same([], self._rows, pl.List(pl.String))
        found = pl.DataFrame({column.name: pl.Series(pl.from_arrow(self.parents_of(column.name))) for column in columns})
        return found.select(pl.concat_list(pl.all()).list.drop_nulls().alias("parents"))["parents"]

    def content_hashes(self, is_deleted: np.ndarray[Any, Any], zones: dict[str, pa.Array]) -> pa.Array:
        """One hash over all that was read: rows that mean the same have the same."""
        parts = {name: found.read for name, found in self._cells.items()}
        parts |= {f"{name} precision": found.precision for name, found in self._cells.items() if found.precision is not None}
        parts |= {
            f"{name} unknown": pl.Series(found.marks["DEATH_UNKNOWN"])
            for name, found in self._cells.items()
            if "DEATH_UNKNOWN" in found.marks
        }
        parts |= {zone: _series(raw) for zone, raw in zones.items()} | {"": pl.Series(is_deleted)}
        frame = pl.DataFrame(parts)
        texts = [_as_text(name, kind).fill_null("\x00") for name, kind in frame.schema.items()]
        return short_hashes(_arrow(frame.select(pl.concat_str(texts, separator="\x1f").alias("all"))["all"]))

    def who(self) -> dict[str, Any]:
        """What links one person's records in several hospitals: keyed token, sex and month of birth."""
        hospital, feed = self._manner.hospital, self._manner.feed
        nothing = _same(None, self._rows)
        if feed.domain not in ("patient", "patient_link"):
            return {}
        tokens = [found.read for found in self._cells.values() if found.column.type == "token"]
        codes = hospital.means("person.sex")
        sexes = [self._cells[column.name].read for column in feed.having("sex")]
        births = [self._cells[column.name].read for column in feed.having("birth")]
        sex = (
            sexes[0].replace_strict(list(codes), list(codes.values()), default="UN", return_dtype=pl.String) if sexes else nothing
        )
        born = births[0].dt.to_string("%Y-%m") if births else nothing
        return {"_token_key": tokens[0] if tokens else nothing, "_sex": sex, "_birth_month": born}


def _same(value: Any, rows: int, kind: Any = pl.String) -> pl.Series:
    """A column of one value."""
    # pa.scalar and pa.array would import pandas where it is installed: a second that the command does not have.
    return pl.Series([value], dtype=kind).new_from_index(0, rows)


def _as_text(name: str, kind: Any) -> pl.Expr:
    if kind == pl.Date:
        return pl.col(name).dt.to_string("%Y-%m-%d")
    return pl.col(name).dt.to_string("%Y-%m-%dT%H:%M:%S%.f") if isinstance(kind, pl.Datetime) else pl.col(name).cast(pl.String)


def _repeating(feed: Feed) -> list[str] | bool:
    """Columns worth a dictionary: those with few values."""
    few = [column.name for column in feed.columns if column.codes or column.type in ("bool", "date", "date~")]
    return [*few, "_delivery_id", "_source_file", "_reason", *(f"_read.{name}" for name in few)]


def _series(values: pa.Array) -> pl.Series:
    return pl.Series(pl.from_arrow(values))


def _arrow(values: Any) -> pa.Array:
    found = values.to_arrow() if isinstance(values, pl.Series) else values
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def fingerprint(path: str) -> str:
    """A file name for a staged file that no path of a hospital can break."""
    return hashlib.sha256(json.dumps(path).encode()).hexdigest()[:16]
