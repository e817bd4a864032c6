"""Rows made from a contract: one that keeps every rule, and for every check one that breaks it and nothing else."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake

from quality.contract import Column, Table
from quality.suites import Check, checks

DAY = date(2011, 1, 1)
ARROW = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "array<string>": pa.list_(pa.string()),
}
# A code of each kind; the first that fits what is declared is taken.
CODES = (
    "text 940000664 C50.9 8500/3 ABCD123 12345678 2345-1 NCT01234567 2024-512345-12-00 I000001 L01CD01 3400890000000 " + "0" * 32
).split()
# Where the first value of each set would contradict another column.
VALID = {
    "silver.person": {"vital_status": "deceased", "origin_center": "940000664", "birth_date": date(1950, 6, 15)},
    "silver.primary_cancer": {"behaviour": "3"},
}


def valid_row(table: Table, number: int = 0) -> dict[str, Any]:
    """A row that keeps the contract; another number is another key."""
    row = {column.name: _value(column, table) for column in table.columns} | VALID.get(table.address, {})
    return row | {name: _other(row[name], number) for name in table.key if not table[name].one_of}


def broken(table: Table, check: Check, number: int) -> list[dict[str, Any]]:
    """Rows that break this check and no other: one, or two where only two can."""
    row = valid_row(table, number)
    named = dict(check.arguments)
    match check.expectation:
        case "ExpectColumnValuesToNotBeNull":
            return [row | {check.column: None}]
        case "ExpectColumnValuesToBeInSet":
            return [row | {check.column: 99 if isinstance(named["value_set"][0], int) else "no such value"}]
        case "ExpectColumnValuesToMatchRegex":
            return [row | {check.column: f"{row[check.column]}\n"}]
        case "ExpectColumnValuesToBeBetween":
            return [row | {check.column: _outside(row[check.column], table[check.column].between or _limits(named))}]
        case "ExpectColumnValuesToBeUnique" | "ExpectCompoundColumnsToBeUnique":
            return [row, row]
        case "ExpectColumnPairValuesAToBeGreaterThanB":
            return [row | {named["column_A"]: row[named["column_A"]], named["column_B"]: _more(row[named["column_A"]])}]
        case "UnexpectedRowsExpectation":
            return [row | {"dq_flags": [check.flag]}]
    raise AssertionError(f"expected a way to break {check.expectation}, found none: add one here")


def arrow(table: Table, rows: list[dict[str, Any]], **more: pa.Array) -> pa.Table:
    """The rows with the types of the contract."""
    made = {column.name: pa.array([row[column.name] for row in rows], ARROW[column.type]) for column in table.columns}
    return pa.table(made | more)


@dataclass
class Pass:
    """A lake and a staging folder in which a test puts rows."""

    root: Path

    @property
    def lake(self) -> str:
        return str(self.root / "lake")

    @property
    def staged(self) -> dict[str, str]:
        folder = self.root / "staging"
        return {each.name: str(each) for each in folder.iterdir()} if folder.is_dir() else {}

    def stage(self, table: Table, rows: list[dict[str, Any]], action: str = "insert") -> str:
        """Stage the rows, all with one action, beside what is staged already."""
        folder = self.root / "staging" / table.name
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            arrow(table, rows, _action=pa.array([action] * len(rows), pa.string())),
            folder / f"{len(list(folder.iterdir()))}.parquet",
        )
        return str(folder)

    def publish(self, table: Table, rows: list[dict[str, Any]]) -> None:
        write_deltalake(f"{self.lake}/{table.layer}/{table.name}", arrow(table, rows), mode="append")


def _value(column: Column, table: Table) -> Any:
    if column.one_of:
        return column.one_of[0]
    if column.type == "string" and column.name.endswith("_id") and not column.matches:
        return "0" * 32
    if column.type == "string":
        return next(code for code in CODES if all(re.search(pattern, code) for pattern in _patterns(column, table)))
    if column.name == "valid_to":
        return None
    number = _number(column)
    noon = datetime(2011, 1, 1, tzinfo=UTC)
    by_type = {"boolean": column.name != "is_deleted", "integer": number, "long": number, "double": float(number)}
    return (by_type | {"date": DAY, "timestamp": noon, "array<string>": []})[column.type]


def _number(column: Column) -> int:
    """1, or what lies nearest to it within the limits."""
    low, high = column.between or (None, None)
    return 1 if isinstance(low, date) or isinstance(high, date) else max(low or 0, min(1, 1 if high is None else high))


def _patterns(column: Column, table: Table) -> list[str]:
    ruled = [
        dict(check.arguments)["regex"] for check in checks(table) if check.column == column.name and "Regex" in check.expectation
    ]
    return [column.matches, *ruled] if column.matches else ruled


def _other(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return f"{value[:-6]}{number:06x}" if len(value) >= 32 else f"{value}{number}"
    return value + (timedelta(days=number) if isinstance(value, date) else number)


def _limits(named: dict[str, Any]) -> tuple[Any, Any]:
    return named.get("min_value"), named.get("max_value")


def _outside(value: Any, limits: tuple[Any, Any]) -> Any:
    low, high = limits
    step = timedelta(days=1) if isinstance(value, date) else type(value)(1)
    return low - step if low is not None else high + step


def _more(value: Any) -> Any:
    return value + (timedelta(days=1) if isinstance(value, date) else type(value)(1))
