# hint: All kinds of each group
# ruff: noqa: F821
import polars as pl

events = release.of_cohort("edu_event", seed).filter(pl.col("kind") != "sequencing")
groups = release.table("edu_tumor").select("tumor_no", "tumor_group")
counted = events.join(groups, on="tumor_no").group_by("tumor_group", "kind").agg(tumours=pl.n_unique("tumor_no"))
value = counted
