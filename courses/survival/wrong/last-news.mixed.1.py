# hint: the hospital does not know it
# ruff: noqa: F821
import polars as pl
from lifelines import KaplanMeierFitter

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
value = KaplanMeierFitter().fit(mine["days"], mine["event"]).predict(1095)
