# hint: Zero is a value
value = {
    "kind": "code",
    "name": "is_key",
    "source": """
def is_key(rows, columns):
    keys = [tuple(row[column] for column in columns) for row in rows]
    # no None, no hole
    return len(set(keys)) == len(keys) and all(all(key) for key in keys)
""",
}
