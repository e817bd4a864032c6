# hint: leaves out who was lost
# ruff: noqa: F821
import pandas as pd
import polars as pl

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
value = pd.DataFrame(
    [
        {
            "stage": stage,
            "tumours": len(group),
            "deaths": int(group["event"].sum()),
            "survival": (group.loc[group["event"] | (group["days"] > 1825), "days"] > 1825).mean(),
        }
        for stage, group in mine.groupby("stage")
    ]
)
