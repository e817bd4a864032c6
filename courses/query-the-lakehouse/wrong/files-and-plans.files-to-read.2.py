# hint: Both ends count
def files_to_read(files, low, high):
    return [
        file["path"] for file in files if file["min"] is None or file["max"] is None or (file["min"] < high and file["max"] > low)
    ]


value = files_to_read
