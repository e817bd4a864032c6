# hint: They belong below the line
# ruff: noqa: F821
panel = [each for each in release.of_cohort("edu_tumor", seed)["panel"] if each is not None]
value = 100 * len(panel) / len(panel)
