# hint: the mean among the treated
# ruff: noqa: F821
lines = release.of_cohort("edu_line", seed)
value = lines.height / lines["tumor_no"].n_unique()
