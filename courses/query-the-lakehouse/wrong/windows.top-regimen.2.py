# hint: All lines were counted
# ruff: noqa: F821
import polars as pl

lines = release.of_cohort("edu_line", seed).filter(pl.col("regimen") != "other")
groups = release.table("edu_tumor").select("tumor_no", "tumor_group")
counted = lines.join(groups, on="tumor_no").group_by("tumor_group", "regimen").agg(lines=pl.len())
value = counted.sort(["lines", "regimen"], descending=[True, False]).unique("tumor_group", keep="first", maintain_order=True)
