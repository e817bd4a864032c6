# hint: the whole release
# ruff: noqa: F821
events = release.table("edu_event")
value = [{"operator": "Exchange", "rows": events.filter(events["day"] < 400).height}]
