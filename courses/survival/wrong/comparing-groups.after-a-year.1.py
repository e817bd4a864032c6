# hint: over the whole follow-up
# ruff: noqa: F821
import polars as pl
from lifelines import CoxPHFitter

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
staged = mine[mine["stage"] != "unknown"].copy()
staged["advanced"] = staged["stage"].str.contains("III|IV").astype(int)
value = (
    CoxPHFitter().fit(staged[["days", "event", "advanced"]], duration_col="days", event_col="event").hazard_ratios_["advanced"]
)
