# hint: Both ends count
value = {
    "kind": "code",
    "name": "files_to_read",
    "source": """
def files_to_read(files, low, high):
    return [
        file["path"] for file in files if file["min"] is None or file["max"] is None or (file["min"] < high and file["max"] > low)
    ]
""",
}
