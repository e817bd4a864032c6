# hint: ignores how long each was followed
# ruff: noqa: F821
import polars as pl

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
staged = mine[mine["stage"] != "unknown"].copy()
staged["advanced"] = staged["stage"].str.contains("III|IV").astype(int)
shares = staged.groupby("advanced")["event"].mean()
value = shares[1] / shares[0]
