# hint: ever had an event
# ruff: noqa: F821
import polars as pl

value = release.of_cohort("edu_event", seed).unique(["tumor_no", "kind"]).group_by("kind").agg(tumours=pl.len())
