# hint: nothing is known of it
def files_to_read(files, low, high):
    return [file["path"] for file in files if file["min"] and file["min"] <= high and file["max"] >= low]


value = files_to_read
