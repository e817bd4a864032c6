# hint: A share is no count.
value = 0.8
