# hint: reads or filters rows
value = "Scan parquet"
