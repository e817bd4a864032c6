# hint: not of the largest
def value(rows, columns):
    sizes = {}
    for row in rows:
        key = tuple(row[name] for name in columns)
        sizes[key] = sizes.get(key, 0) + 1
    return max(sizes.values(), default=0)
