# hint: the share of the treated
# ruff: noqa: F821
known = [each for each in release.of_cohort("edu_tumor", seed)["n_lines"] if each is not None]
value = 100 * sum(each > 0 for each in known) / len(known)
