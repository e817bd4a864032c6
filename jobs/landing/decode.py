"""Gate 6, bytes: a text file as clean UTF-8, piece by piece; what no parser would notice is found here."""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# More blank lines than this are no end of a file any more.
MOST_BLANK = 2**20


def count(data: bytes, byte: bytes) -> int:
    """How often a byte occurs: several times faster than bytes.count."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == byte[0]))


def any_outside_quotes(data: bytes, places: np.ndarray[Any, Any], before: int = 0) -> bool:
    """True when one of the places has an even number of quotes before it; the quotes are looked for once, not once a place."""
    quotes = np.flatnonzero(np.frombuffer(data, np.uint8) == ord('"'))
    return bool(np.any((before + np.searchsorted(quotes, places)) % 2 == 0))


def _bare_crs(piece: bytes) -> np.ndarray[Any, Any]:
    codes = np.frombuffer(piece, np.uint8)
    is_bare = codes == 13
    is_bare[:-1] &= codes[1:] != 10
    return np.flatnonzero(is_bare)


@dataclass
class Text:
    """The UTF-8 bytes of a text file; after the first fault nothing more comes out, but the rest is still tested.

    pyarrow takes a bare carriage return as a line end, so it is looked for here; inside quotes it is a value's own.
    """

    pieces: Iterable[bytes]
    encoding: str
    is_quoted: bool
    faults: dict[str, str] = field(default_factory=dict)
    has_bom: bool = False
    _quotes: int = 0
    _could_be_utf8: bool = True
    _has_other_than_ascii: bool = False

    def __post_init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("strict")
        self._rest = self._clean()

    def __iter__(self) -> Iterator[bytes]:
        """What is left of the text: it can be taken once only."""
        return self._rest

    def drain(self) -> None:
        """Test what nobody will read."""
        for _ in self._rest:
            pass

    def _clean(self) -> Iterator[bytes]:
        """The text without BOM and without the blank lines at its end."""
        held = b""
        for piece in self._whole_lines():
            self._test(piece)
            if self.faults:
                continue
            clean = self._decoded(piece)
            content = clean.rstrip(b"\r\n")
            if content and len(held) > MOST_BLANK:
                self.fault("FORMAT_INVALID", "Expected records, found a million blank lines.")
            elif content:
                yield held + content
                held = b""
            held = (held + clean[len(content) :])[: MOST_BLANK + 1]
        self._at_the_end()

    def fault(self, code: str, sentence: str) -> None:
        self.faults.setdefault(code, sentence)

    def _whole_lines(self) -> Iterator[bytes]:
        """The pieces, none of them parting a carriage return from its line feed."""
        left, is_first = b"", True
        for piece in self.pieces:
            piece = left + piece
            if is_first and len(piece) < 3:
                left = piece
                continue
            if is_first:
                piece, is_first = self._without_bom(piece), False
            left = b"\r" if piece.endswith(b"\r") else b""
            yield piece[: len(piece) - len(left)]
        if left:
            yield left

    def _without_bom(self, piece: bytes) -> bytes:
        self.has_bom = piece.startswith(codecs.BOM_UTF8)
        return piece.removeprefix(codecs.BOM_UTF8)

    def _test(self, piece: bytes) -> None:
        if b"\0" in piece:
            self.fault("FORMAT_INVALID", "Expected text, found a NUL byte.")
        bare = _bare_crs(piece)
        if bare.size and (not self.is_quoted or any_outside_quotes(piece, bare, self._quotes)):
            self.fault("FORMAT_INVALID", "Expected lines ended by CRLF or LF, found a bare carriage return.")
        if self.is_quoted:
            self._quotes += count(piece, b'"')
        if not piece.isascii():
            self._has_other_than_ascii = True
        if self._could_be_utf8 and (self._utf8.getstate()[0] or not piece.isascii()):
            self._test_utf8(piece, final=False)
        if self.encoding == "cp1252" and not piece.isascii():
            self._test_cp1252(piece)

    def _test_utf8(self, piece: bytes, *, final: bool) -> None:
        try:
            self._utf8.decode(piece, final)
        except UnicodeDecodeError:
            self._could_be_utf8 = False
            if self.encoding == "utf-8":
                self.fault("ENCODING_INVALID", "Expected UTF-8, found other bytes.")

    def _test_cp1252(self, piece: bytes) -> None:
        if piece.translate(None, b"\x81\x8d\x8f\x90\x9d") != piece:
            self.fault("ENCODING_INVALID", "Expected cp1252, found a byte that it does not have.")

    def _decoded(self, piece: bytes) -> bytes:
        if self.encoding == "utf-8" or piece.isascii():
            return piece
        return piece.decode("cp1252").encode()

    def _at_the_end(self) -> None:
        if self._could_be_utf8:
            self._test_utf8(b"", final=True)
        if self.encoding == "cp1252" and self._could_be_utf8 and self._has_other_than_ascii:
            self.fault("ENCODING_INVALID", "Expected cp1252 as declared, found the whole file to be UTF-8.")
        if self._quotes % 2:
            self.fault("FORMAT_INVALID", "Expected balanced quotes, found one too many.")
