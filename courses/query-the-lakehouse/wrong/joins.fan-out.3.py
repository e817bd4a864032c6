# hint: over the whole release
value = release.table("edu_line").join(release.table("edu_event"), on="tumor_no").height
