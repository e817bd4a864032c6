# hint: Day 0 is a day
def route(row, last_day):
    if not last_day:
        return "orphan"
    if row["end_day"] and row["end_day"] < row["start_day"]:
        return "ends before start"
    if row["start_day"] and row["start_day"] > last_day:
        return "starts after last news"
    return None


value = route
