# hint: This looks like p ± 1.96
def wilson(altered, tested):
    if tested == 0:
        return None
    p = altered / tested
    half = 1.96 * (p * (1 - p) / tested) ** 0.5
    return [round(100 * (p - half), 1), round(100 * (p + half), 1)]


value = wilson
