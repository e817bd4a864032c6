# hint: reads or filters rows
# ruff: noqa: F821
value = "Scan parquet"
