# hint: the whole release
# ruff: noqa: F821
value = release.table("edu_tumor").height
