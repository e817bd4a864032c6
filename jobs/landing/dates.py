"""Dates as hospitals write them: read, with the precision they have, and held against what is possible."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

FIRST = date(1900, 1, 1)
MOMENT = pl.Datetime("us", "UTC")
Mask = np.ndarray[Any, Any]
_PARTS = {"%d": "[0-9]{2}", "%m": "[0-9]{2}", "%Y": "[0-9]{4}"}


@dataclass(frozen=True)
class Limits:
    """The last day an event can have, and the last moment a technical date can have."""

    window_to: date
    created_at: datetime


def pattern(date_format: str) -> str:
    """What a date of this format looks like: the parser alone would take `1/2/20` too."""
    return "^" + re.sub("%[dmY]", lambda part: _PARTS[part[0]], date_format) + "$"


def read_days(text: pl.Series, date_format: str) -> pl.Series:
    """The day of each text, null where it is none."""
    return text.to_frame("text").select(_day(date_format)).to_series()


@cache
def _day(date_format: str) -> pl.Expr:
    return pl.when(pl.col("text").str.contains(pattern(date_format))).then("text").str.to_date(date_format, strict=False)


def read_partial(text: pl.Series, date_format: str) -> tuple[pl.Series, pl.Series]:
    """Day and precision of texts that may lack the day (then the 15th) or the month too (then the 1st of July)."""
    day = read_days(text, date_format)
    without_day = re.sub("%d[^%]|[^%Ymd]%d", "", date_format)
    is_month = text.str.contains(pattern(without_day)).fill_null(False)
    month = read_days(_filled(text, is_month, date_format.replace("%d", "15"), without_day), date_format)
    is_year = text.str.contains("^[0-9]{4}$").fill_null(False)
    july = date_format.replace("%d", "01").replace("%m", "07")
    year = read_days(_filled(text, is_year, july, "%Y"), date_format)
    found = pl.DataFrame({"day": day, "month": month, "year": year})
    precision = pl.when(pl.col("day").is_not_null()).then(pl.lit("day")).when(pl.col("month").is_not_null()).then(pl.lit("month"))
    precision = precision.when(pl.col("year").is_not_null()).then(pl.lit("year"))
    read = found.select(pl.coalesce("day", "month", "year").alias("day"), precision.alias("precision"))
    return read["day"], read["precision"]


def _filled(text: pl.Series, which: pl.Series, full: str, short: str) -> pl.Series:
    """Partial dates completed to full ones: `03/2020` behind `15/`."""
    before, _, after = full.partition(short)
    chosen = text.set(~which, None)
    return pl.select(pl.concat_str(pl.lit(before), chosen, pl.lit(after))).to_series()


def read_moments(text: pl.Series, date_format: str) -> pl.Series:
    """The civil time of `date HH:MM`, labelled UTC without shifting."""
    shape = pattern(date_format)[:-1] + " [0-9]{2}:[0-9]{2}$"
    shaped = text.set(~text.str.contains(shape).fill_null(False), None)
    return shaped.str.to_datetime(f"{date_format} %H:%M", strict=False, time_unit="us").dt.replace_time_zone("UTC")


def impossible(found: pl.Series, limits: Limits, *, is_technical: bool, precision: pl.Series | str = "day") -> Mask:
    """Where a date lies before 1900 or after the last possible day, compared as precisely as it was written."""
    if found.dtype == pl.Date:
        last = limits.created_at.date() if is_technical else limits.window_to
        return _days_out(found, last, precision)
    if is_technical:
        late = found > limits.created_at
        return ((found.dt.date() < FIRST) | late).fill_null(False).to_numpy()
    return _days_out(found.dt.date(), limits.window_to, precision)


def _days_out(days: pl.Series, last: date, precision: pl.Series | str) -> Mask:
    # A month or a year ends no earlier than the last day: where all lie inside, no precision needs to be looked at.
    least, most = days.min(), days.max()
    if least is None or (least >= FIRST and most <= last):  # type: ignore[operator]
        return np.zeros(len(days), bool)
    ends = {"day": last, "month": _end_of_month(last), "year": date(last.year, 12, 31)}
    if isinstance(precision, str):
        late = days > ends[precision]
    else:
        late = days > precision.replace_strict(list(ends), list(ends.values()), default=last, return_dtype=pl.Date)
    return ((days < FIRST) | late).fill_null(False).to_numpy()


def _end_of_month(day: date) -> date:
    return pl.Series([day]).dt.month_end()[0]


PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_ERA = (int(datetime(1, 1, 1, tzinfo=UTC).timestamp()), int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()))


def in_calendar(values: pa.Array) -> tuple[pl.Series, Mask]:
    """Timestamps of any unit as microseconds labelled UTC, null outside the years 1 to 9999; and where that was."""
    unit = values.type.unit
    ticks = values.cast(pa.int64()) if values.type.tz is None else values.cast(pa.timestamp(unit)).cast(pa.int64())
    seconds = pl.Series(pl.from_arrow(ticks)) // PER_SECOND[unit]
    beyond = ~seconds.is_between(*_ERA).fill_null(True)
    kept = pl.Series(pl.from_arrow(ticks)).set(beyond, None)
    micro = kept // 1000 if unit == "ns" else kept * (10**6 // PER_SECOND[unit])
    return micro.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"), beyond.to_numpy()


def iso(found: pl.Series, *, is_instant: bool) -> pl.Series:
    """Times as ISO text, those that are instants with their Z."""
    return found.dt.to_string("%Y-%m-%dT%H:%M:%S%.f" + ("Z" if is_instant else ""))


def months(found: pl.Series) -> pl.Series:
    """Months since year 0: two dates that are only month-precise are compared so."""
    return found.dt.year().cast(pl.Int32) * 12 + found.dt.month().cast(pl.Int32)
