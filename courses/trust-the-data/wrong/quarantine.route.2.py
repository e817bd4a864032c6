# hint: same day is no breach
def route(row, last_day):
    if last_day is None:
        return "orphan"
    if row["end_day"] is not None and row["start_day"] is not None and row["end_day"] <= row["start_day"]:
        return "ends before start"
    if row["start_day"] is not None and row["start_day"] >= last_day:
        return "starts after last news"
    return None


value = route
