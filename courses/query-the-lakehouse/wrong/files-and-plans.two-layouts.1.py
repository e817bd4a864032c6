# hint: wholly inside your days
# ruff: noqa: F821
import random
import re
from pathlib import Path

import polars as pl

lesson = (Path(__file__).parents[1] / "06-files-and-plans.md").read_text(encoding="utf-8")
made = {"pl": pl, "random": random}
exec(re.search(r"\n# generator\n(.*?)```", lesson, re.DOTALL)[1], made)
first, last = made["wanted"](release.of_cohort("edu_event", seed), seed)
found = []
for layout, by_day in (("as it came", False), ("by day", True)):
    parts = made["parts"](release.of_cohort("edu_event", seed), seed, by_day)
    read = [part for part in parts if part["day"].min() >= first and part["day"].max() <= last]
    found.append({"layout": layout, "files": len(read), "rows": sum(part.height for part in read)})
value = pl.DataFrame(found)
