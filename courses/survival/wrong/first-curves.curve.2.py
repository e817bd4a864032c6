# hint: This curve climbs
# ruff: noqa: F821
import matplotlib.pyplot as plt
import polars as pl
from lifelines import KaplanMeierFitter

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
curve = KaplanMeierFitter().fit(mine["days"], mine["event"]).survival_function_["KM_estimate"]
figure, value = plt.subplots()
value.step(curve.index, 1 - curve, where="post")
value.set_xlabel("days")
value.set_ylabel("share who died")
