# hint: the join with cohort is missing
# ruff: noqa: F821
panel = release.table("edu_tumor")["panel"].to_list()
value = 100 * sum(each is not None for each in panel) / len(panel)
