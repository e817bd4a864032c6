# hint: since the first load
# ruff: noqa: F821
import random
import re
from pathlib import Path

import polars as pl

lesson = (Path(__file__).parents[1] / "05-time-travel.md").read_text(encoding="utf-8")
made = {"pl": pl, "random": random}
exec(re.search(r"\n# generator\n(.*?)```", lesson, re.DOTALL)[1], made)
versions = [frame for _, frame in made["versions"](release.of_cohort("edu_line", seed), seed)]
before, after = ({row["line_no"]: row for row in frame.to_dicts()} for frame in (versions[0], versions[-1]))
value = {line for line in before.keys() | after.keys() if before.get(line) != after.get(line)}
