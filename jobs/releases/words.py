"""What is true of patients, in one row each, and how a release would tell it."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from jobs.privacy.attacks.view import PARTS, is_fact, with_facts
from jobs.teaching._cohort import UNKNOWN
from jobs.teaching._days import LAST, ends, middles

# What is told, by what it is told from; the same column where nothing is said.
FROM = {"age_band": "age", "region": "residence_dept", "dx_period": "dx_year"}
DAYS = ("days", "entry_days")


def truth(raw: Mapping[str, pl.DataFrame], view: pl.DataFrame) -> pl.DataFrame:
    """Everything that is known of each patient, a row each; of kinds of facts, those that the view of a release has."""
    first, *others = (raw[name] for name in PARTS)
    for each in others:
        first = first.join(
            each.select("patient_id", *(name for name in each.columns if name not in first.columns)), on="patient_id"
        )
    return with_facts(first.drop("endpoint"), raw, "patient_id", only=view.columns)


@dataclass(frozen=True)
class Words:
    """By column of a release: how it tells a true value most often."""

    view: pl.DataFrame
    known: Mapping[str, Mapping[object, object]]

    @classmethod
    def of(cls, true: pl.DataFrame, view: pl.DataFrame) -> "Words":
        """Learnt from the patients of a release, of whom both are known, row by row."""
        known = {}
        for name in view.columns:
            pairs = pl.DataFrame({"true": _exact(true, name), "told": view[name]}).drop_nulls("told")
            counted = pairs.group_by("true", "told").len().sort("len", "told", descending=[True, False])
            most = counted.unique("true", keep="first", maintain_order=True)
            known[name] = dict(zip(most["true"].to_list(), most["told"].to_list(), strict=True))
        return cls(view, known)

    def tell(self, true: pl.DataFrame) -> pl.DataFrame:
        """True rows as the release tells them, before a fact is taken out."""
        return pl.DataFrame(
            {
                name: pl.Series(name, [self.known[name].get(value) for value in _exact(true, name).to_list()], dtype=dtype)
                for name, dtype in self.view.schema.items()
            }
        )


def _exact(true: pl.DataFrame, name: str) -> pl.Series:
    """What a column is told from; of days the finest bin, and how it ended, of a tumour group who has it. Empty where nobody has such a fact."""
    if is_fact(name) and name not in true.columns:
        return pl.Series([None] * true.height, dtype=pl.String)
    if name == "event":
        return true.select(pl.col("event") & (pl.col("days") < LAST)).to_series()
    if name == "tumor_group":
        # Where one sex is rare in a group, it alone is told as `other`.
        return true.select(pl.concat_str(pl.col("sex", name).fill_null(UNKNOWN), separator=" ").alias(name)).to_series()
    if name.endswith((" day", "_day")):
        return pl.Series([None if day is None else _bin(day, None) for day in true[name].to_list()], dtype=pl.String)
    if name not in DAYS:
        return true[FROM.get(name, name)]
    days = zip(true[name].to_list(), true["event"].to_list(), strict=True)
    return pl.Series(
        [None if day is None else _bin(day, died if name == "days" else None) for day, died in days], dtype=pl.String
    )


def _bin(day: int, died: bool | None) -> str:
    """The finest bin of a day; of the end of a follow-up with what it was."""
    finest = middles(day) if died is None else ends(day, died and day < LAST)
    return f"{LAST if day >= LAST else finest[-1]} {'' if died is None else 'died' if died else 'alive'}"
