# hint: That changes nothing.
def value(days, width):
    return days
