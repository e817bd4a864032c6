# hint: must leave the denominator
# ruff: noqa: F821
import matplotlib.pyplot as plt
import polars as pl

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
times = sorted(mine.loc[mine["event"], "days"].unique())
survival = [1 - (mine["event"] & (mine["days"] <= time)).mean() for time in times]
figure, value = plt.subplots()
value.step([0, *times], [1, *survival], where="post")
value.set_xlabel("days")
value.set_ylabel("survival")
