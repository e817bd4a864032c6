# hint: That is a stage.
value = "IV"
