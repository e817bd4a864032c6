"""From a contract to what Great Expectations is asked: the checks of a table, readable without it, and the suite made of them.

Importing Great Expectations costs seconds of CPU, so nothing here does it before a suite is needed.
"""

import logging
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from typing import TYPE_CHECKING, Any

from quality.contract import Column, Rule, Severity, Table

if TYPE_CHECKING:
    import great_expectations as gx

PAIR = "ExpectColumnPair"
# The expectation of a rule whose `breach` is a predicate in SQL, which the pandas engine cannot answer.
SQL_PREDICATE = "UnexpectedRowsExpectation"
# What the end of a text is for Python and Java alike: `$` would let a line feed behind it pass.
END = r"(?![\s\S])"
SHORTHANDS = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\r\f\x0b"}


@dataclass(frozen=True)
class Check:
    """One thing a table is held to: a rule of its contract, or what the declaration of a column implies.

    `sentence` says it in words for people who read verdicts; it names columns and limits, never a value of a row.
    """

    expectation: str
    arguments: tuple[tuple[str, Any], ...]
    severity: Severity
    sentence: str
    why: str
    when: tuple[tuple[Any, ...], ...] = ()
    flag: str | None = None

    @property
    def column(self) -> str:
        """The column it speaks of, or its columns joined by a comma."""
        named = dict(self.arguments)
        if "column" in named:
            return str(named["column"])
        pair = [named[side] for side in ("column_A", "column_B") if side in named]
        return ", ".join(pair or named.get("column_list", ()))

    @property
    def is_plain_not_null(self) -> bool:
        """True where all it asks is that every row has a value."""
        return (
            self.expectation == "ExpectColumnValuesToNotBeNull"
            and self.severity == "critical"
            and len(self.arguments) == 1
            and not self.when
        )

    @property
    def by_flag(self) -> bool:
        """True for a predicate in SQL: the pass that staged the rows has evaluated it, and `dq_flags` says on which it holds."""
        return self.expectation == SQL_PREDICATE


@cache
def checks(table: Table) -> tuple[Check, ...]:
    """Everything a table is held to, in the order of its contract: columns, key, rules."""
    declared = [check for column in table.columns for check in _declared(column)]
    return (*declared, _unique_key(table), *(_ruled(rule, table) for rule in table.rules))


def _declared(column: Column) -> list[Check]:
    made = []
    if not column.nullable:
        made.append(_of_column("ExpectColumnValuesToNotBeNull", column, "is never empty"))
    if (column.one_of or column.matches or column.between) and column.type.startswith("array"):
        raise ValueError(f"expected limits only where a row has one value, found them on {column.name} ({column.type})")
    if column.one_of:
        said = f"is one of {_some(column.one_of)}"
        made.append(_of_column("ExpectColumnValuesToBeInSet", column, said, value_set=column.one_of))
    if column.matches:
        said = f"matches {column.matches}"
        made.append(_of_column("ExpectColumnValuesToMatchRegex", column, said, regex=portable(column.matches)))
    if column.between:
        limits = {"min_value": _limit(column.between[0]), "max_value": _limit(column.between[1])}
        made.append(_of_column("ExpectColumnValuesToBeBetween", column, f"is {in_range(*column.between)}", **limits))
    return made


def _of_column(expectation: str, column: Column, sentence: str, **arguments: Any) -> Check:
    said = f"{column.name} {sentence}"
    return Check(expectation, (("column", column.name), *arguments.items()), "critical", said, column.meaning)


def _unique_key(table: Table) -> Check:
    when = (("is_current", "==", True),) if "is_current" in table.names else ()
    sentence = f"{', '.join(table.key)} occurs once"
    if len(table.key) == 1:
        return Check("ExpectColumnValuesToBeUnique", (("column", table.key[0]),), "critical", sentence, table.grain, when)
    return Check("ExpectCompoundColumnsToBeUnique", (("column_list", table.key),), "critical", sentence, table.grain, when)


def _ruled(rule: Rule, table: Table) -> Check:
    if rule.expectation == SQL_PREDICATE and (rule.flag is None or "dq_flags" not in table.names):
        raise ValueError(f"expected a predicate of {table.address} to be a flag of its dq_flags, found none: {rule.why}")
    arguments = dict(rule.arguments)
    for name in ("regex", "regex_list"):
        if name in arguments:
            given = arguments[name]
            arguments[name] = portable(given) if isinstance(given, str) else tuple(portable(each) for each in given)
    for name in ("min_value", "max_value"):
        if name in arguments:
            arguments[name] = _limit(arguments[name])
    if rule.expectation.startswith(PAIR):
        # With one side missing the engines disagree: pandas calls the row a breach, Spark does not.
        arguments.setdefault("ignore_row_if", "either_value_is_missing")
    check = Check(rule.expectation, tuple(arguments.items()), rule.severity, "", rule.why, rule.when, rule.flag)
    unknown = [name for name in check.column.split(", ") if name and name not in table.names]
    if unknown:
        raise ValueError(f"expected a rule of {table.address} to speak of its columns, found {', '.join(unknown)}")
    return Check(check.expectation, check.arguments, check.severity, in_words(rule), check.why, check.when, check.flag)


def in_words(rule: Rule) -> str:
    """A rule in a few words: `end_date >= start_date`, `grade is not empty where system is not empty`."""
    named = dict(rule.arguments)
    if rule.expectation == SQL_PREDICATE:
        return f"no row is flagged {rule.flag}"
    if rule.expectation == "ExpectColumnPairValuesAToBeGreaterThanB":
        said = f"{named['column_A']} {'>=' if named.get('or_equal') else '>'} {named['column_B']}"
    elif rule.expectation in PHRASES:
        said = f"{named['column']} {PHRASES[rule.expectation]} {_object(named)}".rstrip()
    else:
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", rule.expectation.removeprefix("Expect")).lower()
        said = f"{words}: {', '.join(f'{key} {_said(value)}' for key, value in named.items())}"
    where = " and ".join(_condition_in_words(each) for each in rule.when)
    return f"{said} where {where}" if where else said


PHRASES = {
    "ExpectColumnValuesToNotBeNull": "is not empty",
    "ExpectColumnValuesToBeNull": "is empty",
    "ExpectColumnValuesToBeInSet": "is one of",
    "ExpectColumnValuesToNotBeInSet": "is none of",
    "ExpectColumnValuesToMatchRegex": "matches",
    "ExpectColumnValuesToNotMatchRegex": "does not match",
    "ExpectColumnValuesToBeBetween": "is",
}


def _object(named: dict[str, Any]) -> str:
    if "value_set" in named:
        return _some(tuple(named["value_set"]))
    if "regex" in named:
        return str(named["regex"])
    if "min_value" in named or "max_value" in named:
        return in_range(named.get("min_value"), named.get("max_value"))
    return ""


def _condition_in_words(condition: tuple[Any, ...]) -> str:
    column, operator, *value = condition
    return f"{column} {operator} {_said(value[0])}" if value else f"{column} {operator}"


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _some(values: tuple[Any, ...]) -> str:
    return ", ".join(map(str, values[:12])) + (f" … ({len(values)} in all)" if len(values) > 12 else "")


def in_range(low: Any, high: Any) -> str:
    """Limits in words, either of which may be missing."""
    if high is None:
        return f"at least {low}"
    return f"at most {high}" if low is None else f"between {low} and {high}"


def _limit(value: Any) -> Any:
    """A limit as both engines read it: a day or a time as text in UTC."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).isoformat()
    return datetime.combine(value, time(), UTC).isoformat() if isinstance(value, date) else value


def portable(pattern: str) -> str:
    """The pattern as Python's and Java's regular expressions read it alike: ASCII classes, a strict end, no captures.

    `\\d` is any digit of any script in Python and only 0-9 in Java, and `$` lets a line feed pass in both.
    """
    out, position, in_class = [], 0, False
    while position < len(pattern):
        pair = pattern[position : position + 2]
        if pair[0] == "\\" and len(pair) == 2:
            out.append(_shorthand(pair, in_class))
            position += 2
            continue
        in_class = pair[0] == "[" or (in_class and pair[0] != "]")
        spelled = {"(": "(" if pair == "(?" else "(?:", "$": END}
        out.append(pair[0] if in_class else spelled.get(pair[0], pair[0]))
        position += 1
    return "".join(out)


def _shorthand(escape: str, in_class: bool) -> str:
    known = SHORTHANDS.get(escape[1].lower())
    if known is None or (in_class and escape[1].isupper()):
        return escape
    return known if in_class else f"[{'^' if escape[1].isupper() else ''}{known}]"


@cache
def engine() -> Any:
    """The module great_expectations, imported late, without its telemetry, its log and its progress bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations

    # Its own import sets the level anew.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    return great_expectations


@cache
def suite(table: Table) -> "gx.ExpectationSuite":
    """The checks of a table as one suite for both engines; `meta.checks` are the places among `checks(table)`.

    What is to be filled is asked in one expectation: each one costs the same few milliseconds, whatever it asks.
    """
    known = dict(enumerate(checks(table)))
    filled = [place for place, check in known.items() if check.is_plain_not_null]
    made = [_expectation(check, place) for place, check in known.items() if place not in filled and not check.by_flag]
    return engine().ExpectationSuite(
        name=table.address, expectations=[*_all_filled([known[each] for each in filled], filled), *made]
    )


def suite_of_single(table: Table, places: Iterable[int]) -> "gx.ExpectationSuite":
    """A suite with one expectation for each of these checks, to learn which of them fail and on how many rows."""
    known = checks(table)
    made = [_expectation(known[place], place) for place in sorted(places)]
    return engine().ExpectationSuite(name=f"{table.address} one by one", expectations=made)


def _all_filled(filled: list[Check], places: list[int]) -> list[Any]:
    if not filled:
        return []
    from great_expectations.expectations.metadata_types import FailureSeverity

    from quality.expectations import ExpectColumnsToBeFilled

    columns = [check.column for check in filled]
    return [ExpectColumnsToBeFilled(column_list=columns, severity=FailureSeverity.CRITICAL, meta={"checks": places})]


def _expectation(check: Check, place: int) -> Any:
    kind = getattr(engine().expectations, check.expectation)
    arguments = {key: list(value) if isinstance(value, tuple) else value for key, value in check.arguments}
    if check.when:
        arguments["row_condition"] = _row_condition(check.when)
    return kind(**arguments, severity=check.severity, meta={"checks": [place]})


def _row_condition(when: tuple[tuple[Any, ...], ...]) -> Any:
    from great_expectations.expectations.row_conditions import AndCondition

    made = [part for each in when for part in _conditions(*each)]
    return made[0] if len(made) == 1 else AndCondition(conditions=made)


def _conditions(column: str, operator: str, value: Any = None) -> list[Any]:
    from great_expectations.expectations.row_conditions import Column as Named
    from great_expectations.expectations.row_conditions import ComparisonCondition, Operator

    named = Named(column)
    simple = {"is null": named.is_null, "is not null": named.is_not_null}
    if operator in simple:
        return [simple[operator]()]
    spelled = Operator({"in": "IN", "not in": "NOT_IN"}.get(operator, operator))
    limit = list(value) if isinstance(value, tuple) else _limit(value)
    compared = ComparisonCondition(column=named, operator=spelled, parameter=limit)
    # "is another value" holds for an empty one in pandas and does not in Spark.
    return [named.is_not_null(), compared] if operator in ("!=", "not in") else [compared]
