# hint: the whole release
import polars as pl

value = release.table("edu_tumor").group_by("tumor_group").agg(tumours=pl.len())
