# hint: the end counts
# ruff: noqa: B905
def value(entry, days, t):
    return sum(a < t < b for a, b in zip(entry, days))
