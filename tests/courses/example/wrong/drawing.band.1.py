# hint: Bands are cut, not rounded.
def value(days, width):
    return round(days / width) * width
