"""Parquet: the footer is judged before any page is read; one bad value must not stop the file."""

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.hospitals.feed import Column
from jobs.landing.files import LARGEST_OUTPUT, PIECE, RawFile, open_regular

# Larger files are mapped, not taken into memory.
IN_MEMORY = 128 * 2**20
AT_ONCE = 65_536
BYTES = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


class Unreadable(Exception):
    """A Parquet file that cannot be read to the end."""


@dataclass
class ParquetFile:
    """A Parquet file that was read (or mapped) once and hashed on the way."""

    file: pq.ParquetFile
    mapped: mmap.mmap | None

    @property
    def schema(self) -> pa.Schema:
        return self.file.schema_arrow

    @property
    def rows(self) -> int:
        return int(self.file.metadata.num_rows)

    def batches(self) -> Iterator[pa.Table]:
        """The rows, about 64k at a time; Unreadable when a page is damaged."""
        try:
            for batch in self.file.iter_batches(AT_ONCE):
                yield pa.Table.from_batches([batch])
                if self.mapped is not None:
                    # Pages that were read stay in the cache of the machine, but no longer count as ours.
                    self.mapped.madvise(mmap.MADV_DONTNEED)
        except (pa.ArrowException, OSError, ValueError, NotImplementedError):
            raise Unreadable("Expected Parquet pages that can be read, found a broken one.") from None


def open_parquet(raw: RawFile) -> ParquetFile | None:
    """The file after its footer was judged; None (with findings) when it is broken or would grow too large."""
    data, mapped = _bytes_of(raw)
    try:
        file = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False, page_checksum_verification=True)
        grown = _uncompressed_size(file.metadata)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError):
        raw.note(5, "FILE_CORRUPT", "Expected a Parquet file with a readable footer, found a broken one.")
        return None
    limit = min(200 * raw.declared.bytes + 2**20, LARGEST_OUTPUT)
    if grown > limit:
        raw.note(
            5,
            "DECOMPRESSION_LIMIT",
            f"Expected column chunks of at most {limit} bytes, found {grown} in the footer: nothing was read.",
        )
        return None
    return ParquetFile(file, mapped)


def _bytes_of(raw: RawFile) -> tuple[Any, mmap.mmap | None]:
    if raw.path.stat().st_size <= IN_MEMORY:
        return pa.py_buffer(b"".join(raw.pieces())), None
    with open_regular(raw.path) as handle:
        mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    raw.take(_mapped_pieces(mapped))
    return pa.py_buffer(mapped), mapped


def _mapped_pieces(mapped: mmap.mmap) -> Iterator[memoryview]:
    view = memoryview(mapped)
    for at in range(0, len(mapped), PIECE):
        yield view[at : at + PIECE]
        mapped.madvise(mmap.MADV_DONTNEED, at, min(PIECE, len(mapped) - at))


def _uncompressed_size(footer: pq.FileMetaData) -> int:
    groups = (footer.row_group(at) for at in range(footer.num_row_groups))
    return sum(group.column(at).total_uncompressed_size for group in groups for at in range(group.num_columns))


def has_type(column: Column, found: pa.DataType) -> bool:
    """True for the declared physical type or one that holds the same values."""
    if pa.types.is_dictionary(found):
        found = found.value_type
    if column.type == "int64":
        return bool(pa.types.is_signed_integer(found))
    if column.type == "double":
        return bool(pa.types.is_float64(found))
    if column.type in ("timestamp", "instant"):
        return bool(pa.types.is_timestamp(found))
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))


def valid_strings(column: pa.Array) -> tuple[pa.Array, list[int]]:
    """A string column as UTF-8 and the rows whose bytes were not: polars must never see those."""
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    # Not safe: bytes may become a string that is not valid, which is found out below.
    text = plain.cast(pa.string(), safe=False)
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        raw = text.cast(pa.binary()).to_pylist()
        wrong = [at for at, value in enumerate(raw) if value is not None and not _is_utf8(value)]
        shown = [None if value is None else value.decode("utf-8", "replace") for value in raw]
        return pa.array(shown, pa.string()), wrong
    return text, []


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def as_text(column: pa.Array) -> pa.Array:
    """Any column as text, to be searched for identifiers: that of an added column, or of one with another type."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if any(is_kind(kind) for is_kind in BYTES):
        return valid_strings(column)[0]
    try:
        return pc.cast(column, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([_as_text(value) for value in column], pa.string())


def _as_text(value: Any) -> str | None:
    """A single value as text: where Python cannot hold it, those of its parts that it can."""
    try:
        plain = value.as_py()
    except (ValueError, OverflowError, LookupError):
        return " ".join(text for part in _parts(value) if (text := _as_text(part)))
    return None if plain is None else str(plain)


def _parts(value: Any) -> Iterable[Any]:
    """What a struct, a list or a map holds, text with its broken bytes replaced, and nothing of a time that no calendar has."""
    if isinstance(value, pa.StructScalar):
        return [value[at] for at in range(value.type.num_fields)]
    if any(is_kind(value.type) for is_kind in BYTES):
        return [pa.scalar(value.as_buffer().to_pybytes().decode("utf-8", "replace"))]
    return getattr(value, "values", None) or []
