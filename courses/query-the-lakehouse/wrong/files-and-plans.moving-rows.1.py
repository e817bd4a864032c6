# hint: That one counts
value = "HashAggregate"
