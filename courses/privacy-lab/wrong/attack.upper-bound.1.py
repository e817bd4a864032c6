# hint: This is the simple interval
def value(successes, attempts):
    from math import sqrt

    p, n = successes / attempts, attempts
    return round(p + 1.96 * sqrt(p * (1 - p) / n), 4)
