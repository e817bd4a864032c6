# hint: This is the difference
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
everybody = (
    release.table("edu_tumor").select("tumor_no", "patient_no").join(release.table("edu_patient"), on="patient_no").to_pandas()
)
control = everybody[~everybody["tumor_no"].isin(people["tumor_no"])].copy()
control["died"] = control["outcome"].str.startswith("died")
guess = (people.groupby(["sex", "stage"])["died"].mean() > 0.5).rename("guess").reset_index()
attacked, controlled = (part.merge(guess, on=["sex", "stage"]) for part in (people, control))
attack_rate, control_rate = ((part["died"] == part["guess"]).mean() for part in (attacked, controlled))
value = attack_rate - control_rate
