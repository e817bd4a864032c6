# hint: how many classes there are
def value(rows, columns):
    sizes = {}
    for row in rows:
        key = tuple(row[name] for name in columns)
        sizes[key] = sizes.get(key, 0) + 1
    return len(sizes)
