# hint: wilson(0, 0) must give None
def wilson(altered, tested):
    if tested == 0:
        return [0.0, 0.0]
    z, p, n = 1.96, altered / tested, tested
    half = z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    return [round(100 * (p + z**2 / (2 * n) + side * half) / (1 + z**2 / n), 1) for side in (-1, 1)]


value = wilson
