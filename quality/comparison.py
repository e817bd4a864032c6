"""Between hospitals: how much of each silver column each of them fills. A gap one hospital alone has is its gap, not medicine's."""

import polars as pl
from deltalake import DeltaTable

from quality.contract import Table
from quality.contracts import contracts

SCHEMA = pl.Schema({"table": pl.String, "column": pl.String, "center": pl.String, "rows": pl.Int64, "filled": pl.Int64})


def completeness(lake_root: str) -> pl.DataFrame:
    """Per silver table, column and center: current rows, rows with a value, and their share."""
    held = [table for table in contracts("silver").values() if DeltaTable.is_deltatable(f"{lake_root}/silver/{table.name}")]
    found = [_of_table(lake_root, table) for table in held if "center" in table.names]
    counts = pl.concat([pl.DataFrame(schema=SCHEMA), *found])
    return counts.with_columns(share=pl.col("filled") / pl.col("rows"))


def gaps(shares: pl.DataFrame, most: float = 0.05, least: float = 0.5) -> pl.DataFrame:
    """The columns that a center leaves (nearly) empty and another one fills: what to ask that hospital about."""
    best = shares.group_by("table", "column").agg(pl.col("share").max().alias("best_share"))
    left = shares.join(best, on=["table", "column"]).filter((pl.col("share") <= most) & (pl.col("best_share") >= least))
    return left.sort("table", "column", "center")


def _of_table(lake_root: str, table: Table) -> pl.DataFrame:
    names = [column.name for column in table.columns if column.nullable and column.name not in table.volatile]
    rows = pl.scan_delta(f"{lake_root}/silver/{table.name}")
    if "is_current" in table.names:
        rows = rows.filter(pl.col("is_current"))
    counted = rows.group_by("center").agg(
        pl.len().cast(pl.Int64).alias("rows"), *(pl.col(name).count().cast(pl.Int64) for name in names)
    )
    long = counted.collect().unpivot(names, index=["center", "rows"], variable_name="column", value_name="filled")
    return long.select(pl.lit(table.name).alias("table"), "column", "center", "rows", "filled").sort("column", "center")
