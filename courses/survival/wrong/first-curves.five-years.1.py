# hint: survival comes out too high
# ruff: noqa: F821
import polars as pl

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
value = 1 - (mine["event"] & (mine["days"] <= 1825)).mean()
