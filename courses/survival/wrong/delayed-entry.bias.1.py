# hint: The sign is turned
# ruff: noqa: F821
import numpy as np
import polars as pl
from lifelines import KaplanMeierFitter

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
drawn = (np.arange(1, len(mine) + 1) * 0.41421356237309515) % 1
mine["entry"] = np.where(drawn < 0.25, 0.0, np.floor((drawn - 0.25) / 0.75 * 1500) + 0.5)
genomic = mine[mine["entry"] < mine["days"]]
naive = KaplanMeierFitter().fit(genomic["days"], genomic["event"]).predict(1095)
truth = KaplanMeierFitter().fit(mine["days"], mine["event"]).predict(1095)
value = truth - naive
