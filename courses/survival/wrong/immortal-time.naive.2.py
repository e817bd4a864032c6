# hint: ahead of the lesson
# ruff: noqa: F821
import numpy as np
import pandas as pd
import polars as pl
from lifelines import CoxTimeVaryingFitter

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
mine = (
    survival.join(release.table("edu_patient").select("patient_no", "sex", "stage"), on="patient_no").sort("tumor_no").to_pandas()
)
drawn = (np.arange(1, len(mine) + 1) * 0.6180339887498949) % 1
mine["start"] = np.where(drawn < 0.75, np.floor(90 + 2000 * drawn) + 0.5, np.inf)
mine["treated"] = (mine["start"] < mine["days"]).astype(int)
before = pd.DataFrame(
    {
        "tumor_no": mine["tumor_no"],
        "begin": 0.0,
        "end": np.minimum(mine["start"], mine["days"]),
        "on": 0,
        "event": mine["event"] & (mine["treated"] == 0),
    }
)
after = pd.DataFrame({"tumor_no": mine["tumor_no"], "begin": mine["start"], "end": mine["days"], "on": 1, "event": mine["event"]})
split = pd.concat([before, after[mine["treated"] == 1]])
fitted = CoxTimeVaryingFitter().fit(split, id_col="tumor_no", start_col="begin", stop_col="end", event_col="event")
value = float(np.exp(fitted.params_["on"]))
