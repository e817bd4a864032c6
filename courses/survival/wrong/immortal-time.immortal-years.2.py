# hint: all the follow-up of the treated
# ruff: noqa: F821
import numpy as np
import polars as pl

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
drawn = (np.arange(1, len(mine) + 1) * 0.6180339887498949) % 1
mine["start"] = np.where(drawn < 0.75, np.floor(90 + 2000 * drawn) + 0.5, np.inf)
mine["treated"] = (mine["start"] < mine["days"]).astype(int)
value = mine.loc[mine["treated"] == 1, "days"].sum() / 365.25
