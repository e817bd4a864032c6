# hint: news that the hospital never had
# ruff: noqa: F821
import numpy as np
import polars as pl

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
mine["visit"] = np.floor(3000 * ((np.arange(1, len(mine) + 1) * 0.7320508075688772) % 1)) + 100.5
mine["mixed_days"] = np.where(mine["event"], mine["days"], np.minimum(mine["days"], mine["visit"]))
mine["outcome"] = np.where(mine["event"], "dead", "alive")
mine["over"] = (mine["days"] - mine["visit"]).clip(lower=0) / 365.25
value = mine.groupby("outcome", as_index=False).agg(tumours=("tumor_no", "size"), after_visit=("over", "sum"))
