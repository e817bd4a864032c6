"""Gates 4 and 5: a file is read once, from its first to its last byte; what it holds comes out piece by piece, within limits."""

import hashlib
import os
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from jobs.landing.manifest_files import is_ignored, is_unsafe, printable
from jobs.landing.model import DeclaredFile, Finding, Manifest

PIECE = 2**20
LARGEST_OUTPUT = 2 * 2**30
# What headers and padding of an archive may come to, besides its members.
HEADERS = 16 * 2**20
Note = Callable[[float, str, str], None]


class CannotRead(Exception):
    """A declared file is not a regular file that can be read. Other faults of the machine, a full disk say, stop the work."""


class _Broken(Exception):
    """An archive that cannot be read to the end."""


def output_limit(declared: DeclaredFile) -> int:
    """How many bytes a file may become, its own word for it aside."""
    return min(200 * declared.bytes + 2**20, LARGEST_OUTPUT)


def folder_findings(manifest: Manifest, required: set[str]) -> list[Finding]:
    """Gate 4: the folder holds what the manifest declares, and the manifest declares what must be there."""
    there = set(_regular_files(manifest.folder))
    paths = {file.path for file in manifest.files}
    found = {file.domain for file in manifest.files} | {member.domain for file in manifest.files for member in file.members}
    missing = [Finding(4, "FILE_MISSING", "Expected the declared file, found none.", path) for path in sorted(paths - there)]
    missing += [
        Finding(4, "FILE_MISSING", f"Expected a file of the domain {domain}, found none declared.")
        for domain in sorted(required - found)
    ]
    undeclared = [
        Finding(4, "FILE_UNDECLARED", "Expected declared files only, found another one.", printable(path))
        for path in sorted(there - paths)
    ]
    return missing + undeclared


def _regular_files(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_ignored(name)]
        for name in names:
            path = Path(place, name)
            relative = path.relative_to(folder).as_posix()
            is_declarable = not path.is_symlink() and relative != "manifest.json" and not is_ignored(name)
            if is_declarable:
                yield relative


@dataclass
class RawFile:
    """The bytes of a file as it lies in the folder, counted and hashed while they pass."""

    path: Path
    declared: DeclaredFile
    note: Note
    count: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    _rest: Iterator[bytes] | None = None

    def pieces(self) -> Iterator[bytes]:
        """The bytes, in order, once: whoever stops early leaves the rest to `finish`."""
        if self._rest is None:
            self._rest = self._read()
        return self._rest

    def take(self, pieces: Iterator[Any]) -> None:
        """Count and hash bytes that were not read through `pieces`."""
        self._rest = iter(())
        for piece in pieces:
            self.count += len(piece)
            self.digest.update(piece)

    def finish(self) -> None:
        """Read what nobody asked for, then hold size and checksum against the manifest."""
        for _ in self.pieces():
            pass
        if self.count != self.declared.bytes:
            self.note(4, "FILE_SIZE_MISMATCH", f"Expected {self.declared.bytes} bytes, found {self.count}.")
        if self.digest.hexdigest() != self.declared.sha256:
            self.note(4, "FILE_HASH_MISMATCH", "Expected the declared sha256, found another one.")

    def _read(self) -> Iterator[bytes]:
        with open_regular(self.path) as handle:
            while piece := _read_piece(handle):
                self.count += len(piece)
                self.digest.update(piece)
                yield piece


def open_regular(path: Path) -> Any:
    """The file, opened without following a link; CannotRead for anything but a regular file, which could block for ever."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise CannotRead from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise CannotRead
    return os.fdopen(handle, "rb", buffering=0)


def _read_piece(handle: Any) -> bytes:
    try:
        return handle.read(PIECE)
    except OSError:
        raise CannotRead from None


@dataclass
class Inflated:
    """What a file holds after gzip (or as it is), counted; stops at the limits without inflating further."""

    raw: RawFile
    limit: int
    count: int = 0
    is_broken: bool = False

    def pieces(self) -> Iterator[bytes]:
        source = self._inflate() if self.raw.declared.compression == "gzip" else self.raw.pieces()
        for piece in source:
            self.count += len(piece)
            if self.count > self.limit:
                self._stop(
                    "DECOMPRESSION_LIMIT", f"Expected at most {self.limit} bytes after decompression, found more: stopped there."
                )
                return
            yield piece

    def finish(self, expected: int | None) -> None:
        """Complain when less came out than was declared; `None` where the members tell."""
        if expected is not None and not self.is_broken and self.count < expected:
            self.raw.note(5, "FILE_SIZE_MISMATCH", f"Expected {expected} bytes after decompression, found {self.count}.")

    def _inflate(self) -> Iterator[bytes]:
        inflater, is_empty = zlib.decompressobj(wbits=31), True
        for piece in self.raw.pieces():
            while piece:
                if inflater.eof:
                    # Another gzip member may follow; so may padding with zeros.
                    piece = piece.lstrip(b"\0")
                    if not piece:
                        break
                    inflater = zlib.decompressobj(wbits=31)
                try:
                    out = inflater.decompress(piece, PIECE)
                except zlib.error:
                    self._stop("FILE_CORRUPT", "Expected gzip data to the end, found something else.")
                    return
                is_empty = False
                piece = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
                if out:
                    yield out
        if is_empty or not inflater.eof:
            self._stop("FILE_CORRUPT", "Expected gzip data to the end, found it cut off.")

    def _stop(self, code: str, sentence: str) -> None:
        self.is_broken = True
        self.raw.note(5, code, sentence)


@dataclass
class Member:
    """A member of an archive, streamed like a file of its own."""

    declared: DeclaredFile
    handle: Any
    note: Note
    count: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def pieces(self) -> Iterator[bytes]:
        while piece := _tar(lambda: self.handle.read(PIECE)):
            self.count += len(piece)
            self.digest.update(piece)
            yield piece

    def finish(self) -> None:
        for _ in self.pieces():
            pass
        if self.count != self.declared.bytes:
            self.note(5.5, "FILE_SIZE_MISMATCH", f"Expected {self.declared.bytes} bytes in this member, found {self.count}.")
        if self.digest.hexdigest() != self.declared.sha256:
            self.note(5.5, "FILE_HASH_MISMATCH", "Expected the declared sha256 of this member, found another one.")


class _Stream:
    """The pieces of a file behind `read`, as tarfile wants them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def read(self, size: int) -> bytes:
        parts, length = [self._left], len(self._left)
        while length < size and (piece := next(self._pieces, b"")):
            parts.append(piece)
            length += len(piece)
        data = b"".join(parts)
        self._left = data[size:]
        return data[:size]


def read_archive(raw: RawFile, judge_member: Callable[[DeclaredFile, Member], None], note_of: Callable[[str], Note]) -> None:
    """Stream a tar: every declared member is judged as it passes, anything else is found fault with and never unpacked."""
    limit = min(raw.declared.uncompressed_bytes or 0, output_limit(raw.declared))
    inflated = Inflated(raw, limit + HEADERS)
    pieces = inflated.pieces()
    seen: set[str] = set()
    try:
        # The default of 10 KiB would copy every piece a hundred times.
        with _tar(partial(tarfile.open, fileobj=_Stream(pieces), mode="r|", bufsize=PIECE)) as archive:
            _read_members(archive, raw, limit, seen, judge_member, note_of)
        for _ in pieces:
            pass
    except _Broken:
        if not inflated.is_broken:
            raw.note(5, "FILE_CORRUPT", "Expected an archive that can be read to the end, found a broken one.")
    for path in sorted({member.path for member in raw.declared.members} - seen):
        note_of(path)(5.5, "FILE_MISSING", "Expected the declared member in the archive, found none.")


def _tar(step: Callable[[], Any]) -> Any:
    """A step of reading an archive; what a full disk or a bug raises elsewhere is not the archive's fault."""
    try:
        return step()
    except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError):
        raise _Broken from None


def _read_members(
    archive: tarfile.TarFile,
    raw: RawFile,
    limit: int,
    seen: set[str],
    judge_member: Callable[[DeclaredFile, Member], None],
    note_of: Callable[[str], Note],
) -> None:
    declared = {member.path: member for member in raw.declared.members}
    total = 0
    while entry := _tar(archive.next):
        name = printable(entry.name)
        if is_unsafe(entry.name) or not (entry.isreg() or entry.isdir()):
            note_of(name)(
                5, "PATH_UNSAFE", "Expected plain files at the root of the archive, found a link, a device or another path."
            )
        elif entry.isreg():
            total += entry.size
            if total > limit:
                raw.note(5, "DECOMPRESSION_LIMIT", f"Expected at most {limit} bytes in all members, found more: stopped there.")
                return
            if entry.name in declared and entry.name not in seen:
                seen.add(entry.name)
                member = Member(declared[entry.name], archive.extractfile(entry), note_of(name))
                judge_member(declared[entry.name], member)
                member.finish()
            else:
                note_of(name)(5.5, "FILE_UNDECLARED", "Expected declared members only, found another one.")
        # tarfile keeps every header it has seen; a hostile archive has many.
        archive.members = []  # type: ignore[attr-defined]
