# hint: a key has no holes
value = {
    "kind": "code",
    "name": "is_key",
    "source": """
def is_key(rows, columns):
    keys = [tuple(row[column] for column in columns) for row in rows]
    return len(set(keys)) == len(keys)
""",
}
