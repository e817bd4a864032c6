# hint: That one counts
# ruff: noqa: F821
value = "HashAggregate"
