# hint: Deaths never become fewer.
# ruff: noqa: F821
from matplotlib.figure import Figure

deaths = release.of_cohort("edu_survival", seed).filter("event").group_by("days").len().sort("days")
value = Figure()
value.add_subplot(xlabel="days", ylabel="deaths").step(deaths["days"], deaths["len"], where="post")
