# hint: A share is at most 1.
import polars as pl

value = pl.DataFrame({"gene": ["TP53"], "tested": [3], "share": [30.0]})
