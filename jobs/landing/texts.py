"""The texts that stand in files as somebody left them: every byte, what gzip hides, the columns of Parquet; pseudonyms among them."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from zlib import MAX_WBITS, decompressobj
from zlib import error as BrokenGzip

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as fs
import pyarrow.parquet as pq

from jobs.landing.parquet import BYTES
from jobs.landing.pseudonyms import HEX, Pseudonyms

# As hospitals make them; some write capitals.
PSEUDONYM = re.compile(r"[0-9a-fA-F]{64}")
PIECE = 8 * 2**20
# Nothing looked for is longer than a pseudonym: a piece begins with as much of what came before.
OVERLAP = 64
# Bytes of an id, and of a pseudonym, where they are not written as digits.
DIGESTS = (HEX // 2, 32)
# Rows of Parquet in memory at a time.
AT_ONCE = 20_000


def texts_in(path: Path | str, system: fs.FileSystem | None = None) -> Iterator[pl.Series]:
    """The texts of the columns where a file is Parquet, then every file's content (where it is gzip) and bytes, in pieces that overlap."""
    system = system or fs.LocalFileSystem()
    with system.open_input_file(str(path)) as opened:
        start = opened.read(4)
    if start == b"PAR1":
        yield from _cells(system, str(path))
    for piece in _pieces(system, str(path), inflate=start[:2] == b"\x1f\x8b"):
        yield pl.Series([piece.decode("latin-1")])


def persons_in(texts: pl.Series, pseudonyms: Pseudonyms, centers: Iterable[str]) -> set[tuple[str, str]]:
    """Whom some texts name by pseudonyms, as each of these hospitals would mean them: hospital and person."""
    named = {each.lower() for each in PSEUDONYM.findall("\n".join(texts.drop_nulls().unique()))}
    return {(center, pseudonyms.person_id(center, each)) for center in centers for each in named}


def _cells(system: fs.FileSystem, path: str) -> Iterator[pl.Series]:
    try:
        with system.open_input_file(path) as opened:
            # Unless told, pyarrow keeps in memory whatever it has read of the file.
            file = pq.ParquetFile(opened, pre_buffer=False)
            wanted = [each.name for each in file.schema_arrow if has_text(each.type)]
            for batch in file.iter_batches(AT_ONCE, columns=wanted) if wanted else ():
                for column in batch.columns:
                    yield from (texts for _, texts in leaves(column))
    except (pa.ArrowException, OSError, NotImplementedError):
        return  # Not the Parquet it says it is: its bytes are looked at all the same.


def _pieces(system: fs.FileSystem, path: str, *, inflate: bool) -> Iterator[bytes]:
    kept, kept_inflated, unpacked = b"", b"", _Gzip() if inflate else None
    with system.open_input_file(path) as opened:
        while piece := opened.read(PIECE):
            yield kept + piece
            kept = (kept + piece)[-OVERLAP:]
            if unpacked is not None:
                try:
                    for inner in unpacked.inflated(piece):
                        yield kept_inflated + inner
                        # A member may hold less than what could be cut.
                        kept_inflated = (kept_inflated + inner)[-OVERLAP:]
                except BrokenGzip:
                    unpacked = None


class _Gzip:
    """The content of a gzip file, piece by piece; of several members, one after the other, as a log has that was written in parts."""

    def __init__(self) -> None:
        self._member = decompressobj(MAX_WBITS | 16)

    def inflated(self, piece: bytes) -> Iterator[bytes]:
        left = piece
        while left:
            yield self._member.decompress(left, PIECE)
            left = self._member.unconsumed_tail
            if self._member.eof:
                left, self._member = self._member.unused_data, decompressobj(MAX_WBITS | 16)


def has_text(kind: pa.DataType) -> bool:
    """True for a type in which text can stand, as bytes too."""
    return any(is_bytes(kind) for is_bytes in BYTES) or any(map(has_text, _inside(kind)))


def _inside(kind: pa.DataType) -> list[pa.DataType]:
    """The types of which a type is made, by one level."""
    if isinstance(kind, pa.BaseExtensionType):
        return [kind.storage_type]
    if pa.types.is_dictionary(kind):
        return [kind.value_type]
    return [kind.field(number).type for number in range(kind.num_fields)]


def leaves(column: pa.Array | pa.ChunkedArray) -> Iterator[tuple[pa.Array, pl.Series]]:
    """The texts of a column, each with the place (from 0) of the row that it stands in."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], whole.type)
    yield from _leaves(pa.array(range(len(whole)), pa.int64()) if has_text(whole.type) else None, whole)


def _leaves(places: pa.Array | None, values: pa.Array) -> Iterator[tuple[pa.Array, pl.Series]]:
    if places is None or not has_text(values.type):
        return
    if isinstance(values, pa.ExtensionArray):
        yield from _leaves(places, values.storage)
    elif pa.types.is_dictionary(values.type):
        yield from _leaves(places, values.dictionary_decode())
    elif pa.types.is_struct(values.type):
        for each in values.flatten():
            yield from _leaves(places, each)
    elif pa.types.is_nested(values.type):
        several = _listed(values)
        # Not `list_parent_indices`: it counts what lies under a null too, and ends the process for a map.
        lengths = pc.fill_null(pc.list_value_length(several), 0)
        parents = pa.array(np.repeat(np.arange(len(several)), lengths.to_numpy(zero_copy_only=False)))
        yield from _leaves(places.take(parents), several.flatten())
    else:
        yield from _told(places, values)


def _listed(values: pa.Array) -> pa.Array:
    """A map as a list of its pairs; lists as they are."""
    if not pa.types.is_map(values.type):
        return values
    return values.cast(pa.list_(pa.struct([("key", values.type.key_type), ("value", values.type.item_type)])))


def _told(places: pa.Array, values: pa.Array) -> Iterator[tuple[pa.Array, pl.Series]]:
    """Texts, and what bytes say as text; bytes that are as long as an id or a pseudonym in hexadecimal digits besides."""
    of_bytes = values.cast(pa.large_binary())
    try:
        text = of_bytes.cast(pa.large_string(), safe=False)
        text.validate(full=True)
        yield places, pl.Series(pl.from_arrow(text))
    except pa.ArrowInvalid:
        # Polars must not see what is no UTF-8; the digits that are looked for are the same in every code.
        cells = (cell and cell.decode("latin-1") for cell in of_bytes.to_pylist())
        yield places, pl.Series(cells, dtype=pl.String)
    if not _is_string(values.type):
        length = pc.binary_length(of_bytes)
        chosen = pc.is_in(length, pa.array(DIGESTS, length.type))
        yield places.filter(chosen), pl.Series(pl.from_arrow(of_bytes.filter(chosen))).bin.encode("hex")


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
