# hint: There are several.
value = ["IV"]
