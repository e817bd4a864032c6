# hint: loses true twins
# ruff: noqa: F821
import polars as pl

rows = release.of_cohort("edu_tumor", seed).select("tumor_no", "tumor_group")
for table, day, name in (("edu_line", "start_day", "lines"), ("edu_event", "day", "events")):
    distinct = release.table(table).unique(["tumor_no", day]).group_by("tumor_no").agg(pl.len().alias(name))
    rows = rows.join(distinct, on="tumor_no", how="left")
value = rows.group_by("tumor_group").agg(
    tumours=pl.len(), lines=pl.col("lines").fill_null(0).sum(), events=pl.col("events").fill_null(0).sum()
)
