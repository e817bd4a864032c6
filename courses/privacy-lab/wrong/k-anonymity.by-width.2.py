# hint: a class of exactly 11 is not small
# ruff: noqa: F821
import numpy as np
import pandas as pd

patients = release.table("edu_patient").select("patient_no", "sex", "stage", "outcome")
tumors = release.of_cohort("edu_tumor", seed).select("tumor_no", "patient_no")
people = tumors.join(patients, on="patient_no").sort("tumor_no").head(800).to_pandas()
place = np.arange(1, len(people) + 1)
people["birth_year"] = 1935 + np.floor(60 * ((place * 0.6180339887498949) % 1)).astype(int)
people["department"] = 1 + np.floor(12 * ((place * 0.41421356237309515) % 1)).astype(int)
people["region"] = (people["department"] - 1) // 3
people["decade"] = (people["birth_year"] - 1935) // 10
people["died"] = people["outcome"].str.startswith("died")
found = []
for width in (1, 5, 10, 20, 60):
    told = people.assign(band=(people["birth_year"] - 1935) // width)
    size = told.groupby(["sex", "band", "region"])["tumor_no"].transform("size")
    found.append({"width": width, "k": int(size.min()), "small": int((size <= 11).sum())})
value = pd.DataFrame(found)
