# hint: This is what is missing
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
names = ["sex", "tumor_group", "stage", "metastatic_at_dx", "days"]
value = pl.DataFrame({"column": names, "percent": [100 * tumor[name].null_count() / tumor.height for name in names]})
