# hint: forgives nothing
# ruff: noqa: F821
import random
import re
from pathlib import Path

import polars as pl

lesson = (Path(__file__).parents[1] / "01-expectations.md").read_text(encoding="utf-8")
made = {"pl": pl, "random": random}
exec(re.search(r"\n# generator\n(.*?)\n```", lesson, re.DOTALL)[1], made)
mine = [release.table(name).join(cohort, on="tumor_no", how="semi") for name in ("edu_tumor", "edu_line", "edu_survival")]
tumor, line = made["delivery"](release.table("edu_patient"), *mine, seed)
suite = [
    ("a tumour comes once", tumor, "tumor_no", pl.col("tumor_no").is_unique(), 1.0),
    ("sex is M or F", tumor, "sex", pl.col("sex").is_in(["M", "F"]), 0.99),
    ("days are not negative", tumor, "days", pl.col("days") >= 0, 1.0),
    ("a line ends after it starts", line, "end_day", pl.col("end_day") >= pl.col("start_day"), 0.9),
    ("a line ends within twenty years", line, "end_day", pl.col("end_day") <= 7300, 1.0),
]
found = []
for name, table, column, predicate, _mostly in suite:
    kept = table.select(predicate).to_series()
    there = table[column].count()
    checked, unexpected = there, kept.to_list().count(False)
    found.append({"expectation": name, "checked": checked, "unexpected": unexpected, "passed": unexpected == 0})
value = pl.DataFrame(found)
