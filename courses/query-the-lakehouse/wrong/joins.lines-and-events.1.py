# hint: A fan-out: each line
# ruff: noqa: F821
import polars as pl

rows = release.of_cohort("edu_tumor", seed)
for table in ("edu_line", "edu_event"):
    rows = rows.join(release.table(table).drop("patient_no"), on="tumor_no", how="left")
value = rows.group_by("tumor_group").agg(
    tumours=pl.n_unique("tumor_no"), lines=pl.col("line_no").count(), events=pl.col("event_no").count()
)
