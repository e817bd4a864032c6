# hint: number of different combinations
# ruff: noqa: F821
import numpy as np

patients = release.table("edu_patient").select("patient_no", "sex", "stage", "outcome")
tumors = release.of_cohort("edu_tumor", seed).select("tumor_no", "patient_no")
people = tumors.join(patients, on="patient_no").sort("tumor_no").head(800).to_pandas()
place = np.arange(1, len(people) + 1)
people["birth_year"] = 1935 + np.floor(60 * ((place * 0.6180339887498949) % 1)).astype(int)
people["department"] = 1 + np.floor(12 * ((place * 0.41421356237309515) % 1)).astype(int)
people["region"] = (people["department"] - 1) // 3
people["decade"] = (people["birth_year"] - 1935) // 10
people["died"] = people["outcome"].str.startswith("died")
value = people.groupby(["sex", "birth_year", "department"]).ngroups
