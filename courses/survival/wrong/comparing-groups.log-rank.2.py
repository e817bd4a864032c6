# hint: the statistic is asked
# ruff: noqa: F821
import polars as pl
from lifelines.statistics import logrank_test

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
staged = mine[mine["stage"] != "unknown"].copy()
staged["advanced"] = staged["stage"].str.contains("III|IV").astype(int)
early, late = staged[staged["advanced"] == 0], staged[staged["advanced"] == 1]
value = logrank_test(early["days"], late["days"], early["event"], late["event"]).p_value
