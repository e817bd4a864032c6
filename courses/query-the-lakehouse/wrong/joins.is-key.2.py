# hint: glued into one text can collide
def is_key(rows, columns):
    keys = ["".join(str(row[column]) for column in columns) for row in rows]
    return len(set(keys)) == len(keys) and all(row[column] is not None for row in rows for column in columns)


value = is_key
