# hint: a key has no holes
def is_key(rows, columns):
    keys = [tuple(row[column] for column in columns) for row in rows]
    return len(set(keys)) == len(keys)


value = is_key
