# hint: Unknown is no stage.
# ruff: noqa: F821
value = set(release.table("edu_tumor")["stage"])
