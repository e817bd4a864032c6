"""The contract language: what a table is, what its columns mean, and which rules its rows must keep."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Layer = Literal["silver", "gold", "teaching"]
Severity = Literal["critical", "warning"]
# How much a column says about a person. A column that declares none never leaves its zone.
Sensitivity = Literal["identifier", "quasi", "sensitive", "none"]
# The types a contract may use: each reads the same in Spark, delta-rs and DuckDB.
Type = Literal["string", "boolean", "integer", "long", "double", "date", "timestamp", "array<string>"]


@dataclass(frozen=True)
class Column:
    """A column: its type, what it means, and what a value must satisfy."""

    name: str
    type: Type
    meaning: str
    nullable: bool = True
    matches: str | None = None
    one_of: tuple[str | int, ...] = ()
    between: tuple[Any, Any] | None = None
    unit: str | None = None
    code_system: str | None = None
    sensitivity: Sensitivity | None = None


@dataclass(frozen=True)
class Rule:
    """An expectation about rows: Great Expectations' class name, its arguments, how grave a breach is, and why it holds.

    `flag` names the entry that a row breaking a `warning` rule carries in `dq_flags`; `breach` is then the SQL predicate that
    is true on such a row. `when` narrows the rule down to some rows, in words that pandas and Spark read alike (Great
    Expectations' own `row_condition` is written for one of them).
    """

    expectation: str
    severity: Severity
    why: str
    arguments: tuple[tuple[str, Any], ...] = ()
    flag: str | None = None
    breach: str | None = None
    # What holds on the rows it speaks about: `("t", "is not null")`, `("status", "==", "completed")`, `("n", "in", ("1", "2"))`.
    when: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True)
class Reference:
    """A foreign key: every filled `column` is the `key` of a current row of `table`."""

    column: str
    table: str
    key: str


@dataclass(frozen=True)
class Table:
    """A table of the lakehouse: one declaration from which schema, suite, dictionary page and ODCS export are made."""

    layer: Layer
    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    reads: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    references: tuple[Reference, ...] = ()
    # Columns whose values depend on when and how a pass ran, not on what the hospitals said: left out of content hashes.
    volatile: tuple[str, ...] = ()
    # The scopes of opposition that remove a person's rows from the table.
    hidden_by: tuple[str, ...] = ("all",)

    @property
    def address(self) -> str:
        """`layer.name`, as `pscc sql` knows it."""
        return f"{self.layer}.{self.name}"

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)
