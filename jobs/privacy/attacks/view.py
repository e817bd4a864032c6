"""What an attacker sees of a patient in a release, and the truth told in the same words."""

import re
from collections.abc import Callable, Mapping

import polars as pl

from jobs.errors import WrongUse

QUASI = ("sex", "age_band", "region", "dx_period", "tumor_group", "stage")
ADMINISTRATIVE = ("sex", "age_band", "region", "dx_period")
KEYS = ("patient_no", "tumor_no", "endpoint")
PARTS = ("edu_patient", "edu_tumor", "edu_survival")
# What raw rows may have instead of a column of the release, in the order in which they are looked for.
EXACT = {"age_band": ("age",), "dx_period": ("dx_year", "dx_date"), "region": ("residence_dept",)}
LAST_DAY, MONTH = 3650, 365.25 / 12
# How exact rows are told as the release tells them: the columns of the view.
Telling = Callable[[pl.DataFrame], pl.DataFrame]


def joined(released: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """All that a release tells of each patient in one row: groups, tumour and survival, without the keys."""
    if missing := [name for name in PARTS if name not in released]:
        raise WrongUse(f"Expected the tables {', '.join(PARTS)} in a release, found no {', '.join(missing)}.")
    view = released["edu_patient"]
    for name in PARTS[1:]:
        new = [column for column in released[name].columns if column not in view.columns]
        view = view.join(released[name].select("patient_no", *new), on="patient_no", how="left")
    return view.drop(KEYS, strict=False)


def binned(days: pl.Expr) -> pl.Expr:
    """The middle of the bin of some days: a month wide up to two years, three up to five, then six. A middle stays what it is."""
    month = (days / MONTH).floor().cast(pl.Int64)
    wide = pl.when(month >= 60).then(6).when(month >= 24).then(3).otherwise(1)
    begins = month - month % wide
    low, high = ((each * MONTH).ceil().cast(pl.Int64) for each in (begins, begins + wide))
    # The last bin ends where days do.
    middle = (low + pl.min_horizontal(high, LAST_DAY)) // 2
    return pl.when(days >= LAST_DAY).then(LAST_DAY).otherwise(middle)


def told_like(view: pl.DataFrame) -> Telling:
    """How a release tells exact values, read off its own labels: ages and years by the run they lie in, days by their bin.

    Values of other columns must come as they are told, or as one of the labels tells them by name.
    """

    def telling(exact: pl.DataFrame) -> pl.DataFrame:
        return exact.select(_told(view[name], exact) for name in view.columns)

    return telling


def _told(column: pl.Series, exact: pl.DataFrame) -> pl.Expr:
    name, labels = column.name, set(column.drop_nulls().unique().to_list())
    own = next((each for each in (name, *EXACT.get(name, ())) if each in exact.columns), None)
    if own is None:
        raise WrongUse(f"Expected the true values of {name} of every patient, found no column {name} nor {EXACT.get(name, ())}.")
    if labels == {"*"}:
        return pl.lit("*").alias(name)
    if name in ("days", "entry_days"):
        return binned(pl.col(own)).cast(column.dtype).alias(name)
    value = pl.col(own).dt.year() if exact.schema[own].is_temporal() else pl.col(own)
    if not exact.schema[own].is_numeric() and not exact.schema[own].is_temporal():
        return value.cast(column.dtype).alias(name)
    if column.dtype != pl.String:
        return value.cast(column.dtype).alias(name)
    runs = {label: run for label in labels if (run := _run(label)) is not None}
    found = pl.lit(None, pl.String)
    for label, (low, high) in runs.items():
        found = pl.when(value.is_between(low, high)).then(pl.lit(label)).otherwise(found)
    return found.alias(name)


def _run(label: str) -> tuple[float, float] | None:
    """The ends of `60–64`, `90+` or `2019`; None for other words."""
    if found := re.fullmatch(r"(\d+)\s*[–-]\s*(\d+)", label):
        return float(found[1]), float(found[2])
    if found := re.fullmatch(r"(\d+)\s*\+", label):
        return float(found[1]), float("inf")
    return (float(label), float(label)) if label.isdigit() else None


def shared(view: pl.DataFrame, truth: pl.DataFrame) -> tuple[str, float]:
    """The column whose true values are told least often in the release, and the share of patients whose value is told of anybody.

    Where it is small the truth was not told in the words of the release, and no attack could succeed.
    """
    shares = {
        name: truth[name].drop_nulls().is_in(view[name].drop_nulls().unique().implode()).mean() for name in _told_at_all(view)
    }
    known = {name: float(share) for name, share in shares.items() if isinstance(share, float)}
    worst = min(known, key=lambda name: known[name])
    return worst, known[worst]


def _told_at_all(view: pl.DataFrame) -> list[str]:
    return [name for name in view.columns if view[name].drop_nulls().len()]


def telling_columns(view: pl.DataFrame) -> list[str]:
    """The columns that tell patients apart: an attacker would not waste a question on others."""
    return [name for name in view.columns if view[name].n_unique() > 1]
