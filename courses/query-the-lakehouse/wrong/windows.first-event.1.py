# hint: Ties were all kept
# ruff: noqa: F821
import polars as pl

events = release.of_cohort("edu_event", seed)
first_day = events.group_by("tumor_no").agg(pl.min("day"))
value = events.join(first_day, on=["tumor_no", "day"]).group_by("kind").agg(tumours=pl.len())
