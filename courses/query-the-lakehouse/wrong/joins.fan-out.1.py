# hint: You added lines and events
# ruff: noqa: F821
value = release.of_cohort("edu_line", seed).height + release.of_cohort("edu_event", seed).height
