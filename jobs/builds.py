"""The builds of gold, as `ops.build` and the logs of the tables tell of them."""

import polars as pl

from jobs.lake import Lake


def newest(lake: Lake) -> int:
    """The number of the latest build; 0 where there was none."""
    known = recorded(lake)
    return int(known["build"].max() or 0) if known.height else 0  # type: ignore[arg-type]


def recorded(lake: Lake) -> pl.DataFrame:
    """`build`, `table`, `rows`, `published_at`: what each build made, the oldest first."""
    return lake.frame("ops", "build", ["build", "table", "rows", "published_at"]).sort("build", "table")
