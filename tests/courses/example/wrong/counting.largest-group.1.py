# hint: The name is asked for.
value = "42"
