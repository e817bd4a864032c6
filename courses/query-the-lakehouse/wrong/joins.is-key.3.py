# hint: Zero is a value
def is_key(rows, columns):
    keys = [tuple(row[column] for column in columns) for row in rows]
    # no None, no hole
    return len(set(keys)) == len(keys) and all(all(key) for key in keys)


value = is_key
