"""What a person says of a table that is to be made anonymous: a TOML file that names every column once.

k = 11
l = 3
mode = "local"                  # or "global": one level a column
sensitive = ["stage"]
keep = ["n_samples"]            # told as it is
drop = ["patient_id"]           # not told at all

[quasi_identifiers.age]         # no more said: numbers are told by runs, other values are told or not
[quasi_identifiers.height]
bands = [20, 10]
[quasi_identifiers.diagnosed]
periods = ["year", "quarter"]
[quasi_identifiers.topography]
prefixes = [3]
[quasi_identifiers.grade]
order = ["low", "middle", "high"]
[quasi_identifiers.department]
table = "departments.csv"       # beside this file: the value, then its groups from coarse to fine
"""

import csv
import math
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from jobs.errors import WrongUse
from jobs.privacy import hierarchy
from jobs.privacy.anonymise import Bounds
from jobs.privacy.hierarchy import Hierarchy


def _is_width(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _is_length(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


# How a quasi-identifier may be told: what its list holds, in words too, and of which columns it can be said.
KINDS: dict[str, tuple[Callable[[object], bool], str, Callable[[pl.DataType], bool], str]] = {
    "bands": (_is_width, "numbers above 0", lambda held: held.is_numeric(), "numbers"),
    "periods": (_is_text, "names of periods", lambda held: held.is_temporal(), "days"),
    "prefixes": (_is_length, "whole numbers above 0", lambda held: held == pl.String, "text"),
    "order": (_is_text, "words, from low to high", lambda held: held == pl.String, "text"),
    "table": (_is_text, "the name of a file", lambda held: True, "anything"),
}
SAID = ("k", "l", "mode", "sensitive", "keep", "drop", "quasi_identifiers")
MODES = ("local", "global")


@dataclass(frozen=True)
class Spec:
    """How a table is made anonymous."""

    bounds: Bounds
    mode: str = "local"
    sensitive: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    # By column: nothing, or one of KINDS with its value.
    quasi_identifiers: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Where its tables lie.
    folder: Path = Path()

    @classmethod
    def read(cls, path: Path) -> "Spec":
        """The spec in a file; WrongUse for one that cannot be followed."""
        try:
            said = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise WrongUse(
                f"Expected a TOML file that says how to anonymise at {path}, found none that can be read: {error}"
            ) from None
        if unknown := sorted(set(said) - set(SAID)):
            raise WrongUse(f"Expected {', '.join(SAID)} in {path}, found {', '.join(unknown)}: correct the spelling.")
        sensitive, keep, drop = (_names(said, name, path) for name in ("sensitive", "keep", "drop"))
        bounds = Bounds(_number(said, "k", 11), _number(said, "l", 1))
        found = cls(bounds, said.get("mode", "local"), sensitive, keep, drop, said.get("quasi_identifiers", {}), path.parent)
        found._check(path)
        return found

    def _check(self, path: Path) -> None:
        if self.mode not in MODES:
            raise WrongUse(f"Expected mode {' or '.join(MODES)} in {path}, found {self.mode!r}.")
        if not isinstance(self.quasi_identifiers, dict) or not self.quasi_identifiers:
            raise WrongUse(f"Expected at least one table [quasi_identifiers.<column>] in {path}, found none.")
        if self.bounds.diverse > 1 and not self.sensitive:
            raise WrongUse(f"Expected sensitive columns in {path} for l = {self.bounds.diverse}, found none.")
        for column, said in self.quasi_identifiers.items():
            _check_told(column, said, path)

    def check_columns(self, columns: Sequence[str]) -> None:
        """WrongUse unless every column of a table is named once: one that nobody thought of could tell who somebody is."""
        named = Counter([*self.quasi_identifiers, *self.sensitive, *self.keep, *self.drop])
        faults = {
            "not named": sorted(set(columns) - set(named)),
            "named but not there": sorted(set(named) - set(columns)),
            "named twice": sorted(name for name, times in named.items() if times > 1),
        }
        if told := [f"{what}: {', '.join(names)}" for what, names in faults.items() if names]:
            raise WrongUse(f"Expected every column of the table to be named once in the spec, found {'; '.join(told)}.")

    def hierarchies(self, values: pl.DataFrame | Mapping[str, pl.Series]) -> list[Hierarchy]:
        """The hierarchy of each quasi-identifier over the values that a table has; WrongUse where a column is not of that kind."""
        try:
            return [self._hierarchy(values[column], said) for column, said in self.quasi_identifiers.items()]
        except (TypeError, ValueError, AttributeError) as error:
            raise WrongUse(f"{error}") from None

    def _hierarchy(self, column: pl.Series, said: dict[str, Any]) -> Hierarchy:
        _check_held(column, said)
        values = column.unique().to_list()
        match said:
            case {"bands": widths}:
                return hierarchy.bands(column.name, values, widths)
            case {"periods": names}:
                return hierarchy.periods(column.name, values, names)
            case {"prefixes": lengths}:
                return hierarchy.prefixes(column.name, values, lengths)
            case {"order": order}:
                return hierarchy.ordered(column.name, values, order)
            case {"table": name}:
                return hierarchy.groups(column.name, values, _table(self.folder / name))
        return hierarchy.halves(column.name, values) if column.dtype.is_numeric() else hierarchy.flat(column.name, values)


def _names(said: dict[str, Any], name: str, path: Path) -> tuple[str, ...]:
    found = said.get(name, [])
    if not isinstance(found, list) or not all(map(_is_text, found)):
        raise WrongUse(f"Expected {name} in {path} to be a list of columns, found something else.")
    return tuple(found)


def _check_told(column: str, said: object, path: Path) -> None:
    """WrongUse unless one quasi-identifier is told in one of the ways there are, or none is said."""
    if not isinstance(said, dict):
        raise WrongUse(f"Expected a table [quasi_identifiers.{column}] in {path}, found something else.")
    if len(said) > 1 or set(said) - set(KINDS):
        raise WrongUse(f"Expected one of {', '.join(KINDS)}, or nothing, for {column} in {path}, found {', '.join(said)}.")
    for kind, told in said.items():
        fits, words, *_ = KINDS[kind]
        listed = [told] if kind == "table" else told
        if not isinstance(listed, list) or not listed or not all(map(fits, listed)):
            raise WrongUse(f"Expected {kind} of {column} in {path} to be {words}, found something else.")


def _check_held(column: pl.Series, said: dict[str, Any]) -> None:
    """WrongUse where the values of a column are not what can be told so."""
    for kind in said:
        *_, can_tell, words = KINDS[kind]
        if not can_tell(column.dtype):
            raise WrongUse(f"Expected {words} in {column.name}, which the spec tells by {kind}, found {column.dtype}.")
    if column.dtype.is_float() and not column.drop_nulls().is_finite().all():
        raise WrongUse(f"Expected finite numbers in {column.name}, found some that are not (NaN or infinite): leave them empty.")


def _number(said: dict[str, Any], name: str, usual: int) -> int:
    found = said.get(name, usual)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise WrongUse(f"Expected {name} to be a whole number from 1, found {found!r}.")
    return found


def _table(path: Path) -> dict[str, list[str]]:
    """The groups above each value, from coarse to fine."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            _, *rows = csv.reader(lines)
    except (OSError, ValueError):
        raise WrongUse(f"Expected a CSV table with a header at {path}, found none that can be read.") from None
    if len({len(row) for row in rows}) != 1:
        raise WrongUse(f"Expected as many groups for every value in {path}, found lines of different lengths.")
    return {value: above for value, *above in rows}
