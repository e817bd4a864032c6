# hint: divide by the number of claims instead
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
inside = people.iloc[4::5][["tumor_no", "sex", "birth_year", "department"]]
other = np.arange(1, len(inside) + 1)
outside = pd.DataFrame(
    {
        "tumor_no": 0,
        "sex": np.where(other % 2 == 0, "M", "F"),
        "birth_year": 1935 + np.floor(60 * ((other * 0.7320508075688772) % 1)).astype(int),
        "department": 1 + np.floor(12 * ((other * 0.6180339887498949) % 1)).astype(int),
    }
)
register = pd.concat([inside, outside], ignore_index=True)
register["name"] = [f"N{number * 7919 % 10007:05d}" for number in range(len(register))]
keys = ["sex", "birth_year", "department"]
single = people.drop_duplicates(keys, keep=False)[[*keys, "tumor_no"]]
found = register.merge(single, on=keys, suffixes=("_true", "_claimed"))
right = found[found["tumor_no_true"] == found["tumor_no_claimed"]]
value = len(right) / len(inside)
