# hint: whole release
# ruff: noqa: F821
from statistics import median

import polars as pl

wide = {
    (tumour, number): (start, end)
    for tumour, number, start, end in release.table("edu_line").select("tumor_no", "line_number", "start_day", "end_day").rows()
}
waits = [
    days[0] - wide[tumour, 1][0]
    for (tumour, number), days in wide.items()
    if number == 2 and wide.get((tumour, 1), (None, None))[0] is not None
]
value = pl.DataFrame({"tumours": [len(waits)], "median_days": [median(waits)]})
