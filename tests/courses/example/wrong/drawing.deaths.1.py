# hint: Name the axes.
# ruff: noqa: F821
from matplotlib.figure import Figure

deaths = release.of_cohort("edu_survival", seed).filter("event").group_by("days").len().sort("days")
value = Figure()
value.add_subplot().step(deaths["days"], deaths["len"].cum_sum(), where="post")
