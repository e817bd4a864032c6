# hint: lines of treatment
# ruff: noqa: F821
value = release.of_cohort("edu_line", seed).height
