# hint: take the mean over people
# ruff: noqa: F821
value = release.table("edu_patient").to_pandas().groupby(["sex", "stage"]).size().mean()
