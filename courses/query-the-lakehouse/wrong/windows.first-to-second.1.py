# hint: lag paired every row
# ruff: noqa: F821
from statistics import median

import polars as pl

lines = release.of_cohort("edu_line", seed).sort("tumor_no", "line_number")
waits = lines.select(pl.col("start_day").diff().over("tumor_no")).to_series().drop_nulls().to_list()
value = pl.DataFrame({"tumours": [len(waits)], "median_days": [median(waits)]})
