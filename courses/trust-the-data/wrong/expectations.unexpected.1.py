# hint: m is not M until
def unexpected(rows, column, allowed):
    return sorted(row["row_no"] for row in rows if row[column] is not None and str(row[column]).upper() not in allowed)


value = unexpected
