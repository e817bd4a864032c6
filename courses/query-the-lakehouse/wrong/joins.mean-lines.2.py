# hint: the mean of the groups' means
# ruff: noqa: F821
import polars as pl

n = release.table("edu_line")["tumor_no"].value_counts(name="n")
rows = release.of_cohort("edu_tumor", seed).join(n, on="tumor_no", how="left").with_columns(pl.col("n").fill_null(0))
value = rows.group_by("tumor_group").agg(pl.mean("n"))["n"].mean()
