# hint: That one counts
# ruff: noqa: F821
events = release.table("edu_event").join(cohort, on="tumor_no", how="semi")
value = [{"operator": "HashAggregate", "rows": events.filter(events["day"] < 400).height}]
