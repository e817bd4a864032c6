"""Rows as text that a spreadsheet shows and never runs."""

import json

import pyarrow as pa

# What begins so is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(found: pa.Table) -> pa.Table:
    """The rows with an apostrophe before what begins like a formula, in column names too; lists and records as JSON."""
    return pa.table([_column(each) for each in found.columns], names=[_text(name) for name in found.column_names])


def _column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_nested(column.type):
        texts = [None if each is None else json.dumps(each, default=str) for each in column.to_pylist()]
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        texts = column.to_pylist()
    else:
        return column
    return pa.chunked_array([pa.array([None if text is None else _text(text) for text in texts], pa.string())])


def _text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
