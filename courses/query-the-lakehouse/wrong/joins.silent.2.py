# hint: neither … nor
# ruff: noqa: F821
both = set(release.table("edu_line")["tumor_no"]) & set(release.table("edu_event")["tumor_no"])
value = set(release.cohort(seed)["tumor_no"]) - both
