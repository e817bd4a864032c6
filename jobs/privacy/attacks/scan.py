"""What must not stand in a release: identifiers and exact dates."""

import re
from collections.abc import Iterable, Mapping

import polars as pl

from jobs.landing.identifiers import HASH64, found_in, named_like_one
from jobs.privacy.attacks.figures import Figure

DATE = r"\b(?:\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{4}|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))\b"
# Numbers of patients in hospitals: eight digits and more, alone or after a letter or two.
IPP = r"^[A-Za-z]{0,2}\d{8,}$"
# A surname in capitals beside a first name, as hospital software writes it.
NAME = r"\b[A-ZÀ-Þ][A-ZÀ-Þ'-]{2,} [A-ZÀ-Þ][a-zà-ÿ]+\b|\b[A-ZÀ-Þ][a-zà-ÿ]+ [A-ZÀ-Þ][A-ZÀ-Þ'-]{2,}\b"
# A value that many share names nobody.
FEW = 11


def scanned(released: Mapping[str, pl.DataFrame], raw: pl.DataFrame) -> list[Figure]:
    """How many identifiers and exact dates there are; which column they stand in is said, never what they are."""
    known = _known(raw)
    places = [(f"{table}.{column}", count) for table, frame in released.items() for column, count in _identifiers(frame, known)]
    dates = [f"{table}.{name}" for table, frame in released.items() for name in _dated(frame)]
    return [
        Figure.at_most(
            "identifiers found",
            float(sum(count for _, count in places)),
            0.0,
            f"Found in {', '.join(name for name, _ in places)}: leave it out." if places else "No cell looks like one.",
        ),
        Figure.at_most(
            "columns of exact dates",
            float(len(dates)),
            0.0,
            f"Found {', '.join(dates)}: tell days since diagnosis, in bins." if dates else "All times are days since diagnosis.",
        ),
    ]


def _known(raw: pl.DataFrame) -> pl.Series:
    """The identifiers that the patients are known by inside: values of columns that end in `_id`."""
    own = [raw[name].drop_nulls() for name in raw.columns if name.endswith("_id") and raw.schema[name] == pl.String]
    return pl.concat([each.alias("") for each in own]).unique() if own else pl.Series("", [], dtype=pl.String)


def _identifiers(frame: pl.DataFrame, known: pl.Series) -> Iterable[tuple[str, int]]:
    named = named_like_one(frame.columns)
    for name in frame.columns:
        if name in named or name in ("patient_id", "person_id", "tumor_id"):
            yield name, frame.height
        elif frame.schema[name] == pl.String and (count := len(_suspects(frame[name], known))):
            yield name, count


def _suspects(column: pl.Series, known: pl.Series) -> list[str]:
    """The different values of a column that hold an identifier."""
    counted = column.drop_nulls().value_counts()
    values = counted[column.name]
    looks = values.is_in(known.implode()) | values.str.contains(IPP) | values.str.contains(HASH64)
    looks |= values.str.contains(NAME) & (counted["count"] < FEW)
    return sorted({*values.filter(looks).to_list(), *(values[at] for at in found_in(values, is_code=False))})


def _dated(frame: pl.DataFrame) -> list[str]:
    text = [name for name in frame.columns if frame.schema[name] == pl.String]
    written = [name for name in text if any(re.search(DATE, value) for value in frame[name].drop_nulls().unique().to_list())]
    return [name for name in frame.columns if frame.schema[name].is_temporal() or name in written]
