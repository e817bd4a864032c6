# hint: the whole release
value = release.table("edu_tumor").height
