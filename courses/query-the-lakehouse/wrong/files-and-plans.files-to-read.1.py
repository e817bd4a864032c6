# hint: nothing is known of it
value = {
    "kind": "code",
    "name": "files_to_read",
    "source": """
def files_to_read(files, low, high):
    return [file["path"] for file in files if file["min"] and file["min"] <= high and file["max"] >= low]
""",
}
