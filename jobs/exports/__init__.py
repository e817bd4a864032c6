"""What leaves the lake: aggregated tables that tell of nobody, held to that before they are written, and kept in a record."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv

from jobs import private
from jobs.errors import GateFailed, WrongUse
from jobs.exports.earlier import differenced
from jobs.exports.judge import Protected, judge, protect
from jobs.exports.output import Output, no_table
from jobs.exports.provenance import Plan, unfounded
from jobs.exports.record import Asked, keep_refused, keep_written, left_before
from jobs.exports.text import harmless
from jobs.lake import Lake
from jobs.query import reads_only

__all__ = ["Asked", "export"]

GROUPING_SETS = re.compile(r"\b(rollup|cube|grouping\s+sets)\b", re.IGNORECASE)
Ask = Callable[[str], pa.Table]


def export(
    lake: Lake, ask: Ask, asked: Asked, counts: tuple[str, ...], to: Path, *, suppress: bool = False
) -> tuple[int, Protected]:
    """Write the rows of a query to a new CSV file, where they tell of nobody; the number of the export, and what was written.

    GateFailed, with every reason, writes nothing; that too is kept in the record. With `suppress`, cells that tell too much are
    hidden, and those by which they could be computed.
    """
    _check(asked, to)
    # Asked twice: the plan says what is counted, the rows what it came to.
    plan = Plan.of("\n".join(ask(f"EXPLAIN EXTENDED {asked.query}")["plan"].to_pylist()))
    asked = replace(asked, tables=plan.tables)
    output = Output(_frame(ask(asked.query)), counts, totals=bool(GROUPING_SETS.search(asked.query)))
    try:
        protected = _held(lake, plan, output, suppress=suppress)
    except GateFailed as error:
        number = keep_refused(lake, asked, str(error), output.rows.height)
        raise GateFailed(f"{error} Nothing was written; the refusal is export {number}.") from None
    return _written(lake, asked, output, protected, to), protected


def _check(asked: Asked, to: Path) -> None:
    if not asked.purpose.strip() or not asked.by.strip():
        raise WrongUse("Expected a purpose and a name for the record, found none: say --purpose TEXT and --by NAME.")
    if not reads_only(asked.query) or not re.match(r"\s*(select|with|from)\b", asked.query, re.IGNORECASE):
        raise WrongUse("Expected a query (SELECT …), found another statement: nothing was done.")
    if to.suffix != ".csv" or not to.parent.is_dir() or to.exists():
        raise WrongUse(
            f"Expected a new file that ends in .csv, in a folder that is there, found {to}: name another one with --to."
        )


def _frame(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _held(lake: Lake, plan: Plan, output: Output, *, suppress: bool) -> Protected:
    """The rows as they may leave; GateFailed otherwise."""
    if found := unfounded(plan, output.counts, output.measures):
        raise GateFailed(" ".join(found))
    if found := no_table(output):
        raise GateFailed(" ".join(found))
    betrayed = differenced(output, left_before(lake))
    found = [] if suppress else judge(output, betrayed)
    if found:
        raise GateFailed(" ".join(found))
    return protect(output, betrayed)


def _written(lake: Lake, asked: Asked, output: Output, protected: Protected, to: Path) -> int:
    """Noted first: what left without a line in the record would be worse than a line without a file."""
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(harmless(protected.rows.to_arrow(compat_level=pl.CompatLevel.oldest())), sink)
    text = sink.getvalue().to_pybytes()
    digest = hashlib.sha256(text).hexdigest()
    number = keep_written(lake, asked, output, protected.shown, protected.hidden, to.name, digest)
    with private.opened(to, "xb") as file:
        file.write(text)
    return number
