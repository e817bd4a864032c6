"""What leaves the lake: aggregated tables that tell of nobody, held to that before they are written, and kept in a record."""

import hashlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv

from jobs import private
from jobs.errors import GateFailed, WrongUse
from jobs.exports.earlier import differenced
from jobs.exports.judge import Protected, judge, protect
from jobs.exports.measures import BEHIND, PEOPLE, ROWS, parts_of, quantile, with_people
from jobs.exports.output import LEAST, Behind, Output, no_table
from jobs.exports.provenance import Plan, unfounded
from jobs.exports.record import Asked, keep_refused, keep_written, left_before
from jobs.exports.text import harmless
from jobs.lake import Lake
from jobs.query import NO_WORDS, is_intricate, reads_only, spoken

__all__ = ["Asked", "export"]

# Texts that could be read as a part of Spark's plan do not pass; nor does a pseudonym.
PLAIN = re.compile(r"[\w .:;/%+<>&?!–≥≤-]*")
# A table as an earlier version left it.
EARLIER = re.compile(r"\bas\s+of\b|@\s*v?\d", re.IGNORECASE)
OPTION = re.compile(r"(?:version|timestamp)AsOf", re.IGNORECASE)
Ask = Callable[[str], pa.Table]
Alone = Callable[[], AbstractContextManager[object]]


def export(
    lake: Lake, ask: Ask, asked: Asked, counts: tuple[str, ...], to: Path, *, alone: Alone, suppress: bool = False
) -> tuple[int, Protected]:
    """Write the rows of a query to a new CSV file, where they tell of nobody; the number of the export, and what was written.

    GateFailed, with every reason, writes nothing; that too is kept in the record. With `suppress`, cells that tell too much are
    hidden, and those by which they could be computed. In `alone` no other export is judged: each is held against all that left before.
    """
    _check(asked, to)
    # Asked twice: the plan says what is counted, the rows what it came to.
    query = with_people(asked.query)
    plan = Plan.of("\n".join(ask(f"EXPLAIN EXTENDED {query}")["plan"].to_pylist()))
    asked = replace(asked, tables=plan.tables)
    output = _output(plan, _frame(ask(query)), counts)
    with alone():
        try:
            protected = _leaving(output, _held(lake, plan, output, suppress=suppress))
        except GateFailed as error:
            number = keep_refused(lake, asked, str(error), output.rows.height)
            raise GateFailed(f"{error} Nothing was written; the refusal is export {number}.") from None
        return _written(lake, asked, output, protected, to), protected


def _check(asked: Asked, to: Path) -> None:
    if not asked.purpose.strip() or not asked.by.strip():
        raise WrongUse("Expected a purpose and a name for the record, found none: say --purpose TEXT and --by NAME.")
    if not reads_only(asked.query) or not re.match(r"\s*(select|with|from)\b", asked.query, re.IGNORECASE):
        raise WrongUse("Expected a query (SELECT …), found another statement: nothing was done.")
    if is_intricate(asked.query) or not all(
        PLAIN.fullmatch(each[0][1:-1]) for each in NO_WORDS.finditer(asked.query) if not each["comment"]
    ):
        raise WrongUse(
            "Expected texts of letters, digits and spaces in a query, found other signs in one (a comma, a bracket, a #): leave them out."
        )
    if re.search(rf"\b{BEHIND}", asked.query, re.IGNORECASE):
        raise WrongUse(f"Expected names that do not begin with {BEHIND}, found one: the gate counts under such names.")
    if EARLIER.search(spoken(asked.query)) or OPTION.search(asked.query):
        raise WrongUse(
            "Expected a query of the newest build, found an earlier version of a table: people who were taken out since are in it. Leave AS OF out."
        )
    if to.suffix != ".csv" or not to.parent.is_dir() or to.exists():
        raise WrongUse(
            f"Expected a new file that ends in .csv, in a folder that is there, found {to}: name another one with --to."
        )


def _frame(rows: pa.Table) -> pl.DataFrame:
    if twice := sorted({name for name in rows.column_names if rows.column_names.count(name) > 1}):
        raise WrongUse(f"Expected another name for each column, found {twice[0]} twice: write … AS another name.")
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _output(plan: Plan, rows: pl.DataFrame, counts: tuple[str, ...]) -> Output:
    """What was asked, without the columns that the gate added, and what these say."""
    asked = rows.select(name for name in rows.columns if not name.startswith(BEHIND))
    columns = plan.columns or {}
    output = Output(asked, counts, totals=plan.totals, grouped_by=plan.grouped_by)
    behind = {
        name: Behind(rows[PEOPLE + name].to_list(), rows[ROWS + name].to_list(), quantile(columns.get(name, "")))
        for name in output.measures
        if PEOPLE + name in rows.columns and ROWS + name in rows.columns
    }
    shares = {name: parts for name in output.measures if (parts := parts_of(columns.get(name, ""), columns, counts))}
    return replace(output, behind=behind, shares=shares)


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


def _leaving(output: Output, protected: Protected) -> Protected:
    """The table without its rows of few people: what such a row is about tells of them, though their number is hidden."""
    many = [row for row, count in enumerate(output.rows[output.people].to_list()) if (count or 0) >= LEAST]
    if not many:
        raise GateFailed(f"Expected rows of {LEAST} people or more, found none: group wider.")
    rows = protected.rows[many]
    # The order may be one by what is hidden.
    rows = rows.sort(output.groups) if protected.hidden and output.groups else rows
    return replace(protected, rows=rows, left_out=output.rows.height - rows.height)


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
