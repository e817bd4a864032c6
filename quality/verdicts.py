"""Verdicts on staged tables, and `ops.quality_result`, where they are kept: counts and names, never a value of a row."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from quality.contract import Severity, Table

Engine = Literal["none", "pandas", "spark"]
# The line of `ops.quality_result` that is about the table as a whole.
WHOLE_TABLE = "*"
SCHEMA = pa.schema(
    [
        ("pass_number", pa.int64()),
        ("recorded_at", pa.timestamp("us", "UTC")),
        ("table", pa.string()),
        ("rows", pa.int64()),
        ("engine", pa.string()),
        ("seconds", pa.float64()),
        ("expectation", pa.string()),
        ("column", pa.string()),
        ("severity", pa.string()),
        ("passed", pa.bool_()),
        ("unexpected_count", pa.int64()),
        ("sentence", pa.string()),
    ]
)


@dataclass(frozen=True)
class RuleResult:
    """What came of one check; `unexpected_count` is None where nobody counted."""

    expectation: str
    column: str
    severity: Severity
    passed: bool
    unexpected_count: int | None
    sentence: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether a staged table may be published, and why."""

    table: str
    passed: bool
    rows: int
    results: tuple[RuleResult, ...]
    seconds: float
    engine: Engine = "none"

    @property
    def failures(self) -> tuple[RuleResult, ...]:
        """The critical checks that did not pass."""
        return tuple(each for each in self.results if each.severity == "critical" and not each.passed)


def publishable(verdicts: Iterable[Verdict], tables: Iterable[Table]) -> bool:
    """True when every table has a verdict and none of its verdicts is against it."""
    of_table: dict[str, list[bool]] = {}
    for verdict in verdicts:
        of_table.setdefault(verdict.table, []).append(verdict.passed)
    return all(all(of_table.get(table.address, [False])) for table in tables)


def record(lake_root: str, pass_number: int, verdicts: Iterable[Verdict]) -> None:
    """Append verdicts to `ops.quality_result`: a row for every check, and one for every table."""
    at = datetime.now(UTC)
    rows = [_row(pass_number, at, verdict, each) for verdict in verdicts for each in (_summary(verdict), *verdict.results)]
    if rows:
        write_deltalake(address(lake_root), pa.Table.from_pylist(rows, schema=SCHEMA), mode="append")


def recorded(lake_root: str) -> pl.DataFrame:
    """Everything in `ops.quality_result`; no rows before the first pass."""
    if not DeltaTable.is_deltatable(address(lake_root)):
        empty = pl.from_arrow(SCHEMA.empty_table())
        assert isinstance(empty, pl.DataFrame)
        return empty
    return pl.scan_delta(address(lake_root)).collect()


def address(lake_root: str) -> str:
    """Where `ops.quality_result` lies."""
    return f"{lake_root}/ops/quality_result"


def _summary(verdict: Verdict) -> RuleResult:
    sentence = "may be published" if verdict.passed else "must not be published"
    return RuleResult(WHOLE_TABLE, "", "critical", verdict.passed, len(verdict.failures), sentence)


def _row(pass_number: int, at: datetime, verdict: Verdict, result: RuleResult) -> dict[str, Any]:
    return {
        "pass_number": pass_number,
        "recorded_at": at,
        "table": verdict.table,
        "rows": verdict.rows,
        "engine": verdict.engine,
        "seconds": verdict.seconds,
        "expectation": result.expectation,
        "column": result.column,
        "severity": result.severity,
        "passed": result.passed,
        "unexpected_count": result.unexpected_count,
        "sentence": result.sentence,
    }
