# hint: The standardised column is the crude one
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
tumours = tumor.unique("tumor_no", keep="last").with_columns(
    treated=pl.col("tumor_no").is_in(line["tumor_no"].unique().to_list())
)
crude = {name: 100 * rows["treated"].mean() for (name,), rows in tumours.group_by("hospital")}
value = pl.DataFrame({"hospital": list(crude), "crude": list(crude.values()), "standardised": list(crude.values())})
