# hint: whole release
# ruff: noqa: F821
import polars as pl

events = release.table("edu_event").filter(pl.col("kind") != "sequencing")
groups = release.table("edu_tumor").select("tumor_no", "tumor_group")
counted = events.join(groups, on="tumor_no").group_by("tumor_group", "kind").agg(tumours=pl.n_unique("tumor_no"))
value = counted.sort(["tumours", "kind"], descending=[True, False]).unique("tumor_group", keep="first", maintain_order=True)
