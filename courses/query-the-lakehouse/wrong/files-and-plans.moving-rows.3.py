# hint: How does the plan call it
# ruff: noqa: F821
value = "shuffle"
