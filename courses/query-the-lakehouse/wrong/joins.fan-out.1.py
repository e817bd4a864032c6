# hint: You added lines and events
value = release.of_cohort("edu_line", seed).height + release.of_cohort("edu_event", seed).height
