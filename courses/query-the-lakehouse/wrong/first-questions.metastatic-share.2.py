# hint: asks for a percentage
# ruff: noqa: F821
status = [each for each in release.of_cohort("edu_tumor", seed)["metastatic_at_dx"] if each is not None]
value = sum(status) / len(status)
