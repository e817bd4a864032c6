# hint: These have no line
# ruff: noqa: F821
value = set(release.cohort(seed)["tumor_no"]) - set(release.table("edu_line")["tumor_no"])
