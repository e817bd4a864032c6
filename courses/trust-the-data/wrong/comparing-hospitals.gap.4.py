# hint: but for the rounding
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
tumours = tumor.unique("tumor_no", keep="last")
lines = line.join(tumours.select("tumor_no", "hospital"), on="tumor_no")
found = []
for rows, column in ((tumours, "stage"), (lines, "regimen"), (lines, "end_day")):
    for (hospital,), theirs in rows.group_by("hospital"):
        found.append({"hospital": hospital, "column": column, "percent": theirs[column].count() / theirs.height})
worst = min(found, key=lambda each: each["percent"])
rows = tumours if worst["column"] == "stage" else lines
elsewhere = rows.filter(pl.col("hospital") != worst["hospital"])[worst["column"]]
here = rows.filter(pl.col("hospital") == worst["hospital"])[worst["column"]]
lost = here.len() * elsewhere.count() / elsewhere.len() - here.count()
# Whole, and never by chance the estimate itself.
value = [{"hospital": worst["hospital"], "column": worst["column"], "lost": round(lost) + (0.01 if lost == round(lost) else 0)}]
