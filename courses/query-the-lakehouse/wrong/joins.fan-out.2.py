# hint: a row for each pair
# ruff: noqa: F821
value = len(set(release.of_cohort("edu_line", seed)["tumor_no"]) & set(release.of_cohort("edu_event", seed)["tumor_no"]))
