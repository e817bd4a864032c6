# hint: the ones who are safe
# ruff: noqa: F821
import numpy as np
import polars as pl

survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null())
dated = survival.sort("tumor_no").head(800).to_pandas()
place = np.arange(1, len(dated) + 1)
dated["end"] = np.floor(dated["days"] * (0.8 + 0.4 * ((place * 0.6180339887498949) % 1))).astype(int)
dated["opinion"] = np.floor(dated["end"] * ((place * 0.41421356237309515) % 1)).astype(int)
dated["month"] = dated["opinion"] // 30
value = int((dated.groupby(["month", "days"])["tumor_no"].transform("size") >= 11).sum())
