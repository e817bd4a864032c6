"""The worklist of codes that hospitals send and no value set knows: `silver.vocab_unmapped`."""

import hashlib
import shutil
from pathlib import Path

import polars as pl

from jobs.errors import GateFailed
from jobs.lake import Lake
from jobs.silver import tables
from jobs.silver.difference import schema
from quality import gate
from quality.contract import Table
from quality.contracts import contracts

FLAG = "CODE_UNKNOWN:"
CONTENT = ["unmapped_id", "center", "system", "code", "version", "rows", "is_current", "is_deleted"]


def unmapped(lake: Lake) -> pl.DataFrame:
    """One row an unknown code of a column and hospital, with the number of current rows that carry it."""
    found = [_of_column(rows, name, flag) for name, rows in _flagged(lake) for flag in sorted(set(rows["flag"]))]
    empty = pl.DataFrame(schema={"center": pl.String, "system": pl.String, "code": pl.String, "rows": pl.Int64})
    codes = pl.concat([empty, *found]).sort("center", "system", "code")
    ids = [
        hashlib.sha256("|".join(row).encode()).hexdigest()[:32] for row in codes.select("center", "system", "code").iter_rows()
    ]
    return codes.with_columns(
        pl.Series("unmapped_id", ids, pl.String),
        pl.lit(None, pl.String).alias("version"),
        pl.lit(True).alias("is_current"),
        pl.lit(False).alias("is_deleted"),
    ).select(CONTENT)


def _flagged(lake: Lake) -> list[tuple[str, pl.DataFrame]]:
    """The current rows of each silver table that carry an unknown code, a row a code."""
    flagged = []
    for name, table in contracts("silver").items():
        sources = [column for column in table.names if column.endswith("_source_value")]
        if sources and "dq_flags" in table.names and lake.exists("silver", name):
            # The version that tells of a row's end is current too.
            rows = lake.frame("silver", name, ["center", "is_current", "is_deleted", "dq_flags", *sources])
            rows = rows.filter(pl.col("is_current") & ~pl.col("is_deleted"))
            exploded = rows.explode("dq_flags").rename({"dq_flags": "flag"}).filter(pl.col("flag").str.starts_with(FLAG))
            flagged.append((name, exploded))
    return flagged


def _of_column(rows: pl.DataFrame, table: str, flag: str) -> pl.DataFrame:
    column = flag.removeprefix(FLAG)
    mine = rows.filter(pl.col("flag") == flag).select(
        "center", pl.lit(f"{table}.{column}").alias("system"), pl.col(f"{column}_source_value").alias("code")
    )
    return mine.drop_nulls().group_by("center", "system", "code").agg(pl.len().cast(pl.Int64).alias("rows"))


def refresh(lake: Lake, number: int) -> None:
    """Replace the worklist where it changed; GateFailed, and the old one stays, where it breaks its contract."""
    now, table = unmapped(lake), contracts("silver")["vocab_unmapped"]
    tables.ensure_table(lake, table)
    if lake.frame("silver", table.name, CONTENT).sort("center", "system", "code").equals(now):
        return
    rows = now.select(table.names).cast(schema(table))
    _hold_to_contract(rows, table, lake, number)
    lake.write("silver", table.name, rows.to_arrow(), mode="overwrite", transaction=("pscc/vocabulary", number))


def _hold_to_contract(rows: pl.DataFrame, table: Table, lake: Lake, number: int) -> None:
    folder = Path(lake.staging(f"worklist-{number}"))
    folder.mkdir(parents=True)
    try:
        rows.write_parquet(folder / "rows.parquet")
        verdicts = gate.check_pass([table], lake.root, {table.address: str(folder)})
    finally:
        shutil.rmtree(folder)
    gate.record(lake.root, number, verdicts)
    if not gate.publishable(verdicts, [table]):
        raise GateFailed(
            f"Expected the worklist {table.address} to keep its contract, found broken rules: see ops.quality_result, build {number}."
        )
