# hint: a tumour with three lines counts three times
# ruff: noqa: F821
import polars as pl

lines = release.of_cohort("edu_line", seed)
groups = release.table("edu_tumor").select("tumor_no", "tumor_group")
value = lines.join(groups, on="tumor_no").group_by("tumor_group").agg(tumours=pl.len())
