# hint: These have no line
value = set(release.cohort(seed)["tumor_no"]) - set(release.table("edu_line")["tumor_no"])
