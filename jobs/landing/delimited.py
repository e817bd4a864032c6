"""Gate 6, records: a delimited text as tables of strings, and files that are one value a line."""

import csv
import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from jobs.landing.decode import Text, any_outside_quotes, count

LARGEST_FIELD = 2**20
BLANK_LINE = re.compile(rb"(?:^|\n)(?=\r?\n)")
# Text parsed at once: small enough for bounded memory, large enough to amortise a call.
CHUNK = 6 * 2**20
AT_ONCE = 65_536


class FormatInvalid(Exception):
    """A text that is not what its format says; the sentence says where, never what."""

    def __init__(self, sentence: str, row: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence, self.row = sentence, row


class Delimited:
    """A header and its records. `names` is known at once; `tables` takes the text to its end."""

    def __init__(self, text: Text, delimiter: str, *, is_quoted: bool, comment: bytes | None = None) -> None:
        self._text, self._pieces = text, iter(text)
        self._delimiter, self._is_quoted = delimiter, is_quoted
        self._left = b""
        self.names = self._header(comment)

    def _header(self, comment: bytes | None) -> list[str]:
        line = self._line()
        while comment and line.startswith(comment):
            line = self._line()
        # A character cut off at the end of the file is the text's own fault, found there.
        split = csv.reader(
            [line.decode(errors="replace")],
            delimiter=self._delimiter,
            quoting=csv.QUOTE_MINIMAL if self._is_quoted else csv.QUOTE_NONE,
        )
        try:
            names = [name.strip() for name in next(split, [])]
        except csv.Error:
            raise FormatInvalid("Expected a header that can be split, found one that cannot.") from None
        if len(names) < 2:
            raise FormatInvalid("Expected a header split by the fixed delimiter, found one that is not.")
        if len(set(names)) != len(names):
            raise FormatInvalid("Expected every column once, found one twice.")
        return names

    def _line(self) -> bytes:
        """The next line, without its end; for the lines before the records only."""
        while (end := self._left.find(b"\n")) < 0:
            if len(self._left) > LARGEST_FIELD:
                raise FormatInvalid("Expected a header, found a line longer than 1 MiB.")
            piece = next(self._pieces, b"")
            if not piece:
                line, self._left = self._left, b""
                return line.rstrip(b"\r")
            self._left += piece
        line, self._left = self._left[:end], self._left[end + 1 :]
        return line.rstrip(b"\r")

    def tables(self) -> Iterator[pa.Table]:
        """The records as strings, empty cells null, about 64k rows a table."""
        done = 0
        for chunk in self._chunks():
            table = self._parsed(chunk, done)
            for start in range(0, table.num_rows, AT_ONCE):
                yield table.slice(start, AT_ONCE).combine_chunks()
            done += table.num_rows

    def _chunks(self) -> Iterator[bytes]:
        """The text cut between records."""
        parts, length, enough = [self._left], len(self._left), CHUNK
        # When so much holds no end of a record, one of its fields is longer than allowed.
        largest = (len(self.names) + 1) * LARGEST_FIELD
        for piece in self._pieces:
            parts.append(piece)
            length += len(piece)
            if length < enough:
                continue
            data = b"".join(parts)
            end = self._end_of_records(data)
            if end:
                yield data[:end]
            elif length > largest:
                raise FormatInvalid("Expected fields of at most 1 MiB, found a longer one.")
            parts, length = [data[end:]], len(data) - end
            # Looking again only when there is twice as much keeps a hostile file from costing more than it weighs.
            enough = CHUNK if end else 2 * length
        data = b"".join(parts)
        if data and not self._text.faults:
            yield data

    def _end_of_records(self, data: bytes) -> int:
        """Where the last whole record ends: at a line feed with an even number of quotes before it."""
        end = data.rfind(b"\n")
        if not self._is_quoted:
            return end + 1
        quotes = count(data, b'"')
        quotes -= data.count(b'"', end)
        while end >= 0 and quotes % 2:
            before = data.rfind(b"\n", 0, end)
            quotes -= data.count(b'"', max(before, 0), end)
            end = before
        return end + 1

    def _refuse_blank_lines(self, chunk: bytes) -> None:
        """pyarrow takes a blank line among others for a record of empty fields."""
        blank = np.array([each.start() for each in BLANK_LINE.finditer(chunk)], np.int64)
        if blank.size and (not self._is_quoted or any_outside_quotes(chunk, blank)):
            raise FormatInvalid(f"Expected {len(self.names)} fields in every record, found a blank line.")

    def _parsed(self, chunk: bytes, done: int) -> pa.Table:
        wrong: list[int] = []

        def refuse(row: pa.csv.InvalidRow) -> str:
            wrong.append(row.number or 0)
            return "skip"

        read = pa.csv.ReadOptions(use_threads=False, block_size=len(chunk) + 1, column_names=self.names)
        parse = pa.csv.ParseOptions(
            delimiter=self._delimiter,
            quote_char='"' if self._is_quoted else False,
            newlines_in_values=self._is_quoted,
            ignore_empty_lines=False,
            invalid_row_handler=refuse,
        )
        convert = pa.csv.ConvertOptions(
            check_utf8=False, column_types=dict.fromkeys(self.names, pa.string()), null_values=[""], strings_can_be_null=True
        )
        try:
            table = pa.csv.read_csv(pa.BufferReader(chunk), read, parse, convert)
        except pa.ArrowInvalid:
            # The message of pyarrow shows the record: it must not travel on, not even as the cause.
            raise FormatInvalid("Expected records that can be split, found some that cannot.") from None
        if wrong:
            number = done + wrong[0] if wrong[0] else None
            raise FormatInvalid(f"Expected {len(self.names)} fields in every record, found one with another number.", number)
        if all(column.null_count for column in table.columns):
            self._refuse_blank_lines(chunk)
        _check_lengths(table, len(chunk))
        return table


def _check_lengths(table: pa.Table, size: int) -> None:
    if size > LARGEST_FIELD and any((pc.max(pc.binary_length(column)).as_py() or 0) > LARGEST_FIELD for column in table.columns):
        raise FormatInvalid("Expected fields of at most 1 MiB, found a longer one.")


def lines(text: Text) -> Iterator[list[str]]:
    """The lines of a text, many at a time, without their ends."""
    left = b""
    for piece in text:
        *whole, left = (left + piece).split(b"\n")
        if len(left) > LARGEST_FIELD or any(len(line) > LARGEST_FIELD for line in whole):
            raise FormatInvalid("Expected lines of at most 1 MiB, found a longer one.")
        for start in range(0, len(whole), AT_ONCE):
            yield [line.decode().removesuffix("\r") for line in whole[start : start + AT_ONCE]]
    # Blank lines at the end were withheld, so what is left is a line, or the file is empty.
    if left and not text.faults:
        yield [left.decode().removesuffix("\r")]
