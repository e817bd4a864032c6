"""The files of deliveries, written piece by piece: every chunk of patients is appended to the files of all deliveries."""

import hashlib
import io
import shutil
import tarfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.hospitals.feed import Feed

ARROW_TYPES = {
    "int64": pa.int64(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us"),
    "instant": pa.timestamp("us", tz="UTC"),
}
GZIP_LEVEL = 5


@dataclass
class Written:
    """What a manifest says about a file."""

    path: str
    feed: Feed
    rows: int = 0
    size: int = 0
    uncompressed: int = 0
    sha256: str = ""
    patients: int | None = None
    version: str = "1"


class TextFile:
    """A text file that grows: CSV, MAF, lines or fixed records, compressed where its name says so.

    No handle stays open between two pieces, for a simulation writes some hundred files at once; only the state of the
    compressor is kept. The compressed bytes carry no time, so that the same seed gives the same bytes.
    """

    def __init__(self, root: Path, path: str, feed: Feed, version: str = "1") -> None:
        self.about = Written(path, feed, version=version)
        self._place = root / path
        self._place.parent.mkdir(parents=True, exist_ok=True)
        self._place.write_bytes(b"")
        self._zip = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31, 8) if path.endswith(".gz") else None
        self._hash = hashlib.sha256()
        self._columns = [column.name for column in feed.expected(version)]
        self._append(self._header())

    def _header(self) -> bytes:
        feed = self.about.feed
        if feed.format in ("fixed", "lines"):
            return b""
        if feed.format == "maf":
            return ("#version 2.4\n" + "\t".join(self._maf_columns()) + "\n").encode()
        return (feed.delimiter.join(self._columns) + self._end).encode()

    def _maf_columns(self) -> list[str]:
        """The barcode stands before that of the normal sample, as in every MAF; the reference to the analysis comes last."""
        rest = [name for name in self._columns if name not in ("Tumor_Sample_Barcode", "ID_ANALYSE")]
        place = rest.index("Matched_Norm_Sample_Barcode")
        return [*rest[:place], "Tumor_Sample_Barcode", *rest[place:], *(["ID_ANALYSE"] if "ID_ANALYSE" in self._columns else [])]

    @property
    def _end(self) -> str:
        return "\r\n" if self.about.feed.encoding == "cp1252" else "\n"

    def write(self, rows: pl.DataFrame) -> int:
        """Appends rows; returns how many stood there before."""
        before, feed = self.about.rows, self.about.feed
        if feed.format == "fixed":
            text = "".join(line + "\r\n" for line in rows["_line"])
        elif feed.format == "lines":
            text = "".join(line + "\n" for line in rows["GENE"])
        else:
            names = self._maf_columns() if feed.format == "maf" else self._columns
            given = rows.select([pl.col(name) if name in rows.columns else pl.lit(None, pl.String).alias(name) for name in names])
            separator = "\t" if feed.format == "maf" else feed.delimiter
            style: Literal["never", "necessary"] = "never" if feed.format == "maf" else "necessary"
            text = given.write_csv(include_header=False, separator=separator, line_terminator=self._end, quote_style=style)
        self._append(text.encode(feed.encoding))
        self.about.rows += len(rows)
        return before

    def _append(self, data: bytes) -> None:
        self.about.uncompressed += len(data)
        self._out(self._zip.compress(data) if self._zip else data)

    def _out(self, data: bytes) -> None:
        if data:
            with self._place.open("ab") as file:
                file.write(data)
            self._hash.update(data)
            self.about.size += len(data)

    def close(self) -> Written:
        if self._zip:
            self._out(self._zip.flush())
        self.about.sha256 = self._hash.hexdigest()
        return self.about


class ParquetFile:
    """A Parquet file that grows by a row group for each chunk."""

    def __init__(self, root: Path, path: str, feed: Feed) -> None:
        self.about = Written(path, feed)
        self._place = root / path
        self._place.parent.mkdir(parents=True, exist_ok=True)
        self._schema = pa.schema([(column.name, ARROW_TYPES.get(column.type, pa.string())) for column in feed.columns])
        self._writer = pq.ParquetWriter(self._place, self._schema, compression="snappy")

    def write(self, rows: pl.DataFrame) -> int:
        before = self.about.rows
        if len(rows):
            names = self._schema.names
            given = rows.select([pl.col(name) if name in rows.columns else pl.lit(None).alias(name) for name in names])
            self._writer.write_table(given.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(self._schema))
        self.about.rows += len(rows)
        return before

    def close(self) -> Written:
        self._writer.close()
        data = self._place.read_bytes()
        self.about.size = self.about.uncompressed = len(data)
        self.about.sha256 = hashlib.sha256(data).hexdigest()
        return self.about


@dataclass
class Archive:
    """A tar of members that were written beside it; made when they are complete, with neither times nor owners."""

    place: Path
    members: list[Written] = field(default_factory=list)

    def pack(self, folder: Path) -> tuple[int, str]:
        """Packs the members of `folder` in their order and removes it; returns the bytes and the checksum of the archive."""
        digest = hashlib.sha256()
        squeeze = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31, 8)
        size = 0
        with self.place.open("wb") as out:
            sink = _Squeezed(out, squeeze, digest)
            with tarfile.open(fileobj=sink, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
                for member in self.members:
                    info = tarfile.TarInfo(member.path)
                    info.size = member.size
                    with (folder / member.path).open("rb") as data:
                        tar.addfile(info, data)
            sink.finish()
            size = sink.size
        shutil.rmtree(folder)
        return size, digest.hexdigest()


class _Squeezed(io.RawIOBase):
    """Compresses and checksums what is written to it."""

    def __init__(self, out: io.BufferedWriter, squeeze: "zlib._Compress", digest: "hashlib._Hash") -> None:
        self.out, self.squeeze, self.digest, self.size = out, squeeze, digest, 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._put(self.squeeze.compress(data))
        return len(data)

    def finish(self) -> None:
        self._put(self.squeeze.flush())

    def _put(self, data: bytes) -> None:
        self.out.write(data)
        self.digest.update(data)
        self.size += len(data)
