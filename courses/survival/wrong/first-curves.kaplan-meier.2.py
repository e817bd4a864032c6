# hint: divide by those still at risk
# ruff: noqa: B905
def value(days, event):
    steps, survival = [], 1.0
    for t in sorted({day for day, dead in zip(days, event) if dead}):
        survival -= sum(day == t and dead for day, dead in zip(days, event)) / len(days)
        steps.append([float(t), round(survival, 4)])
    return steps
