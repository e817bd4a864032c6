# hint: This forgets entry
def value(entry, days, t):
    return sum(t <= b for b in days)
