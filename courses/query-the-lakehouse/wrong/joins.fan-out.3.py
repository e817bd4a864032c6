# hint: over the whole release
# ruff: noqa: F821
value = release.table("edu_line").join(release.table("edu_event"), on="tumor_no").height
