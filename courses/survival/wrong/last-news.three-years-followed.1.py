# hint: mixes survival into follow-up
# ruff: noqa: F821
import polars as pl

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
value = (mine["days"] > 1095).mean()
