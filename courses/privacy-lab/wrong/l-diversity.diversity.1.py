# hint: two rows with one value are one value
def value(rows, columns, sensitive):
    from collections import Counter

    return min(Counter(tuple(row[name] for name in columns) for row in rows).values(), default=0)
