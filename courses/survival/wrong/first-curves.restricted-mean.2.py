# hint: days are asked
# ruff: noqa: F821
import polars as pl
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
value = restricted_mean_survival_time(KaplanMeierFitter().fit(mine["days"], mine["event"]), t=1825) / 365.25
