# hint: rule of three
def value(successes, attempts):
    n = attempts
    return 3 / n
