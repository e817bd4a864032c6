# hint: compares women with men
# ruff: noqa: F821
import polars as pl
from lifelines import CoxPHFitter

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
mine["female"] = (mine["sex"] == "F").astype(int)
fitted = CoxPHFitter().fit(mine[["days", "event", "female", "stage"]], duration_col="days", event_col="event", strata=["stage"])
value = fitted.hazard_ratios_["female"]
