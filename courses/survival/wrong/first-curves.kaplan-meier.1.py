# hint: compare with `>=`
# ruff: noqa: B905
def value(days, event):
    steps, survival = [], 1.0
    for t in sorted({day for day, dead in zip(days, event) if dead}):
        at_risk = sum(day > t for day in days)
        deaths = sum(day == t and dead for day, dead in zip(days, event))
        survival *= 1 - deaths / max(at_risk, 1)
        steps.append([float(t), round(survival, 4)])
    return steps
