"""What an analyst sees in the terminal: catalogue, builds, cohorts, the rows of a query."""

import json
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from rich.cells import cell_len
from rich.text import Text

from jobs.exports.text import harmless
from jobs.show import console, figure, grid

if TYPE_CHECKING:
    import polars as pl

    from jobs.builds import Change
    from jobs.cohorts import Saved
    from quality.contract import Table as Contract


# Catalogue and builds


def catalogue(found: "list[tuple[str, str, int]]") -> None:
    """Tables on a line each: name, what a row is, rows."""
    table = grid(None, "table", "a row is", "rows", right=("rows",))
    for name, grain, rows in found:
        table.add_row(name, Text(grain), f"{rows:,}")
    console.print(table)


def described(found: "Contract") -> None:
    """A table and its columns."""
    from quality.dictionary import SENSITIVITY, allowed

    console.print(Text.assemble((found.address, "bold"), f"  {found.grain}\nKey: {', '.join(found.key)}"))
    table = grid(None, "column", "type", "meaning", "allowed", "tells about a person")
    for each in found.columns:
        unit = f" Unit: {each.unit}." if each.unit else ""
        cells = (each.name, each.type, each.meaning + unit, allowed(each).replace("`", ""), SENSITIVITY[each.sensitivity])
        table.add_row(*map(Text, cells))
    console.print(table)


def builds(found: "pl.DataFrame") -> None:
    """Builds on a line each."""
    table = grid(None, "build", "published", "made again")
    for each in found.iter_rows(named=True):
        table.add_row(str(each["build"]), f"{each['published_at']:%Y-%m-%d %H:%M}", Text(each["tables"]))
    console.print(table)


def changes(found: "list[Change]") -> None:
    """By table what came, went and changed."""
    names = ("before", "now", "added", "removed", "changed")
    table = grid(None, "table", *names, right=names)
    for each in found:
        table.add_row(f"gold.{each.table}", *(figure(getattr(each, name)) for name in names))
    console.print(table)


# Cohorts


def cohort(found: "Saved", now: int | None = None) -> None:
    """A cohort, and how many patients each criterion left; `now` is how many there are today."""
    console.print(Text.assemble((found.name, "bold"), f"  {found.title}\nFor: {found.purpose}"))
    console.print(f"Build {found.build}, by {found.by}, {found.at:%Y-%m-%d}")
    console.print()
    table = grid(None, "criterion", "patients left", right=("patients left",))
    steps = [*found.attrition, *([("Members by now", now)] if now is not None else [])]
    for say, left in steps:
        table.add_row(Text(say), f"{left:,}" if left is not None else "hidden")
    console.print(table)
    console.print("[dim]Multiples of 5; hidden: fewer than 11 patients, or fewer than 11 from another count.[/dim]")


def cohorts(found: "list[Saved]") -> None:
    """Every saved cohort on a line."""
    if not found:
        console.print("No cohort yet: `pscc cohort make NAME.toml`.")
        return
    table = grid(None, "cohort", "what", "for", "build", "by", "since")
    for each in found:
        table.add_row(
            Text(each.name), Text(each.title), Text(each.purpose), str(each.build), Text(each.by), f"{each.at:%Y-%m-%d}"
        )
    console.print(table)


# Rows of a query


def rows(found: pa.Table, form: str) -> None:
    """The rows of a query on stdout."""
    if form == "parquet":
        pyarrow.parquet.write_table(found, pa.PythonFile(sys.stdout.buffer, mode="w"))
    elif form == "csv":
        pyarrow.csv.write_csv(harmless(found), pa.PythonFile(sys.stdout.buffer, mode="w"))
    elif form == "json":
        for row in found.to_pylist():
            print(json.dumps(row, default=str, ensure_ascii=False))
    else:
        _as_table(found)


def _as_table(found: pa.Table) -> None:
    """Rows below each other where they fit, otherwise one after the other, a line a column: nothing is left out."""
    columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in found.slice(0, 1000).columns]
    widths = [max(map(cell_len, (name, *texts))) for name, texts in zip(found.column_names, columns, strict=True)]
    told = list(zip(*columns, strict=True))
    if sum(widths) + 2 * len(widths) <= console.width:
        numeric = tuple(each.name for each in found.schema if pa.types.is_integer(each.type) or pa.types.is_floating(each.type))
        table = grid(None, *found.column_names, right=numeric)
        for row in told:
            table.add_row(*map(Text, row))
        console.print(table)
    else:
        for number, row in enumerate(told, start=1):
            _one_by_one(number, list(zip(found.column_names, row, strict=True)))
    rest = ", the first 1,000 shown" if found.num_rows > 1000 else ""
    console.print(f"[dim]{found.num_rows:,} rows{rest}[/dim]")


def _one_by_one(number: int, cells: list[tuple[str, str]]) -> None:
    """One row, a line a column: name and value, however long that is."""
    console.print(Text(f"row {number:,}", style="dim"))
    for name, value in cells:
        padding = " " * (max(cell_len(each) for each, _ in cells) - cell_len(name))
        console.print(Text.assemble("  ", (name, "bold"), padding, "  ", value), soft_wrap=True)
    console.print()
