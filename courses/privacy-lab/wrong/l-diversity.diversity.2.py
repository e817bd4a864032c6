# hint: look at each class
def value(rows, columns, sensitive):
    return len({row[sensitive] for row in rows})
