"""A table that somebody wants to take out: which columns group, which count people, which measure something."""

import re
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from quality.contracts import contracts

# No cell tells of fewer people than this: the rule of the French secure access centres.
LEAST = 11
# More rows than that are a data set, whatever their columns are called.
MOST_ROWS = 2_000
PSEUDONYM = r"^[0-9a-fA-F]{16,}$"


@dataclass(frozen=True)
class Behind:
    """By row, how many patients have a value that a mean is taken of, and in how many rows; and which part of them a quantile leaves beyond it."""

    people: list[int]
    rows: list[int]
    beyond: float = 0.5


@dataclass(frozen=True)
class Output:
    """Rows of a query, and which of their columns are counts of people; the first count is that of everybody in the row.

    Whole numbers, texts, dates and yes or no group; fractions are measures of the people of the row (a mean, a median, a share).
    With `totals`, a grouping column without a value stands for all its values, as ROLLUP and CUBE write them.
    """

    rows: pl.DataFrame
    counts: tuple[str, ...]
    totals: bool = False
    # Who stands behind a mean, and which two counts make a share.
    behind: dict[str, Behind] = field(default_factory=dict)
    shares: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # The columns of gold by which the rows are grouped, whatever they are called here.
    grouped_by: tuple[str, ...] = ()

    @property
    def people(self) -> str:
        """The count of everybody in a row."""
        return self.counts[0]

    @cached_property
    def measures(self) -> tuple[str, ...]:
        kinds = self.rows.schema
        return tuple(name for name in kinds if name not in self.counts and (kinds[name].is_float() or kinds[name].is_decimal()))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        return tuple(name for name in self.rows.columns if name not in (*self.counts, *self.measures))

    @property
    def about(self) -> tuple[str, ...]:
        """The columns of gold that group, or those here where they are not known."""
        return self.grouped_by or self.groups

    @cached_property
    def keys(self) -> list[tuple[object, ...]]:
        """What each row is about."""
        return list(self.rows.select(self.groups).iter_rows()) if self.groups else [()] * self.rows.height

    def is_total(self, row: int) -> bool:
        """True for a row that stands over others."""
        return self.totals and None in self.keys[row]

    @cached_property
    def sums(self) -> "list[Sum]":
        """Every total with the rows of one finer grouping that it stands over."""
        places: dict[frozenset[str], list[int]] = {}
        for row, key in enumerate(self.keys):
            places.setdefault(self._open(key), []).append(row)
        return [
            Sum(row, tuple(parts), wide - fine)
            for wide, totals in places.items()
            for fine, rows in places.items()
            if self.totals and fine < wide
            for row in totals
            if (parts := [each for each in rows if self._within(each, row)])
        ]

    def _open(self, key: tuple[object, ...]) -> frozenset[str]:
        """The grouping columns over which a row goes."""
        return frozenset(name for name, value in zip(self.groups, key, strict=True) if value is None)

    def _within(self, row: int, total: int) -> bool:
        return all(wide in (None, own) for own, wide in zip(self.keys[row], self.keys[total], strict=True))


@dataclass(frozen=True)
class Sum:
    """A row that stands over others, and the columns by which these divide it."""

    total: int
    parts: tuple[int, ...]
    divided_by: frozenset[str]


def no_table(output: Output) -> list[str]:
    """Why rows are no aggregated table, each in a sentence without a value of them; nothing where they are one."""
    rows = output.rows
    absent = [name for name in output.counts if name not in rows.columns]
    if absent or not output.counts:
        return [f"Expected a column {(absent or ['n'])[0]} that counts people, found none: name the count with --count."]
    found = [
        f"Expected whole numbers in {name}, found something else: count people with count(DISTINCT patient_id)."
        for name in output.counts
        if not rows.schema[name].is_integer()
    ]
    found += [
        f"Expected values that stand alone, found lists or records in {name}." for name in rows.columns if _nested(rows, name)
    ]
    found += [
        f"Expected no pseudonyms, found them in {name}: leave the column out."
        for name in rows.columns
        if _names_people(rows, name)
    ]
    if rows.height > MOST_ROWS:
        found.append(f"Expected at most {MOST_ROWS:,} rows, found {rows.height:,}: group wider; rows of people never leave.")
    if not rows.height:
        found.append("Expected rows, found none: nobody is counted.")
    if not found and len(set(output.keys)) < len(output.keys):
        found.append(
            "Expected one row for each group, found several: name what is unknown with coalesce(…), and count with GROUP BY."
        )
    return found


def _nested(rows: pl.DataFrame, name: str) -> bool:
    return rows.schema[name].is_nested() or rows.schema[name] == pl.Binary


def _names_people(rows: pl.DataFrame, name: str) -> bool:
    """True for a column that a contract calls a pseudonym, or that looks like one."""
    if name in _identifiers():
        return True
    return rows.schema[name] == pl.String and bool(rows[name].str.contains(PSEUDONYM).any())


def _identifiers() -> frozenset[str]:
    tables = [*contracts("silver").values(), *contracts("gold").values()]
    return frozenset(column.name for table in tables for column in table.columns if column.sensitivity == "identifier")


def without_pseudonyms(query: str) -> str:
    """A query as it may be kept: what looks like a pseudonym is cut out of it."""
    return re.sub(r"[0-9a-fA-F]{16,}", "…", query)
