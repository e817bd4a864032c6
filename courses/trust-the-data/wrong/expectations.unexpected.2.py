# hint: None breaks nothing here
def unexpected(rows, column, allowed):
    return sorted(row["row_no"] for row in rows if row[column] not in allowed)


value = unexpected
