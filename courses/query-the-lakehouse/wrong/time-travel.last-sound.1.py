# hint: the number of the version
# ruff: noqa: F821
import random
import re
from pathlib import Path

import polars as pl

lesson = (Path(__file__).parents[1] / "05-time-travel.md").read_text(encoding="utf-8")
made = {"pl": pl, "random": random}
exec(re.search(r"\n# generator\n(.*?)```", lesson, re.DOTALL)[1], made)
versions = [frame for _, frame in made["versions"](release.of_cohort("edu_line", seed), seed)]
bad = [frame.filter(pl.col("end_day") < pl.col("start_day")).height for frame in versions]
value = bad.count(0) - 1 if bad[-1] else [n > 0 for n in bad].index(True) - 1
