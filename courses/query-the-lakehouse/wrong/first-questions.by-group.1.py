# hint: the whole release
# ruff: noqa: F821
import polars as pl

value = release.table("edu_tumor").group_by("tumor_group").agg(tumours=pl.len())
