# hint: the mean among the treated
lines = release.of_cohort("edu_line", seed)
value = lines.height / lines["tumor_no"].n_unique()
