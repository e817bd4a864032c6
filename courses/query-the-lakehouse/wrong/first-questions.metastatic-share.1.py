# hint: each tumour with an unknown status
# ruff: noqa: F821
status = release.of_cohort("edu_tumor", seed)["metastatic_at_dx"].to_list()
value = 100 * sum(each is True for each in status) / len(status)
