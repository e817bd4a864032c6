# hint: How does the plan call it
value = "shuffle"
