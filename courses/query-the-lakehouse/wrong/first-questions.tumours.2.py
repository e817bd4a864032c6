# hint: lines of treatment
value = release.of_cohort("edu_line", seed).height
