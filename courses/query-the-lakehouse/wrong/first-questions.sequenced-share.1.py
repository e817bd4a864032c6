# hint: They belong below the line
panel = [each for each in release.of_cohort("edu_tumor", seed)["panel"] if each is not None]
value = 100 * len(panel) / len(panel)
