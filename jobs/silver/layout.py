"""How the files of silver and gold are written: many, small, and without the least or greatest value of anything personal."""

from typing import Any

# Only what says nothing of anybody may have its least and greatest values in the log.
COUNTED = ("center", "delivery_id", "load_id")
LAYOUT: dict[str, Any] = {"compression": "snappy", "write_statistics": list(COUNTED)}
# Many small files: to close one version of a row, its whole file is written anew. docs/decisions/0011.
FILE_ROWS, MOST_FILES = 512, 256


def file_rows(rows: int) -> int:
    """How many rows a file has, at most, of a table with so many."""
    return max(FILE_ROWS, rows // MOST_FILES)
