# hint: forgets when they happened
# ruff: noqa: F821
import pandas as pd
import polars as pl
from scipy.stats import chi2_contingency

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
staged = mine[mine["stage"] != "unknown"].copy()
staged["advanced"] = staged["stage"].str.contains("III|IV").astype(int)
value = chi2_contingency(pd.crosstab(staged["advanced"], staged["event"]), correction=False).statistic
