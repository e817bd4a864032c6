"""Running a suite on rows: one answer for every check, from pandas or from Spark, without keeping a single value."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from quality import suites
from quality.contract import Table
from quality.suites import Check
from quality.verdicts import Engine, RuleResult

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

Places = tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """Whether a check passed, and on how many rows it did not (None where nobody counted)."""

    passed: bool
    count: int | None = None

    def failed(self) -> "Answer":
        return Answer(False, self.count)


FAILED = Answer(False)


def evaluate(table: Table, frame: "pd.DataFrame | DataFrame", engine: Engine, flagged: Mapping[str, int]) -> list[RuleResult]:
    """A result for every check of a table; one that raised, or that gave no answer, has failed.

    `flagged` says how many rows carry each flag: what a predicate in SQL has found, and no reason to count again.
    """
    known = suites.checks(table)
    answers = dict.fromkeys(range(len(known)), FAILED)
    for places, answer in _validate(suites.suite(table), frame, engine, "BOOLEAN_ONLY"):
        answers |= dict.fromkeys(places, answer) if answer.passed else _one_by_one(table, places, known, frame, engine, flagged)
    answers |= {place: Answer(each.flag not in flagged) for place, each in enumerate(known) if each.by_flag}
    return [_result(check, answers[place], flagged) for place, check in enumerate(known)]


def _one_by_one(
    table: Table, places: Places, known: tuple[Check, ...], frame: Any, engine: Engine, flagged: Mapping[str, int]
) -> dict[int, Answer]:
    """Which of the checks behind a failed expectation fail, and on how many rows. Never which rows, never what stands in them."""
    uncounted = [place for place in places if known[place].flag not in flagged]
    if not uncounted:
        return dict.fromkeys(places, FAILED)
    again = {one[0]: answer for one, answer in _validate(suites.suite_of_single(table, uncounted), frame, engine, "SUMMARY")}
    # One of them is at fault: if none confesses, it was an exception, and all are.
    someone = len(places) > 1 and any(not answer.passed for answer in again.values())
    return {place: again.get(place, FAILED) if someone else again.get(place, FAILED).failed() for place in places}


def columns(table: Table) -> list[str]:
    """The columns that some check needs: the others are not read."""
    used = {name for check in suites.checks(table) for name in check.column.split(", ")}
    used |= {condition[0] for check in suites.checks(table) for condition in check.when}
    return [name for name in table.names if name in used]


def for_pandas(rows: pa.Table) -> "pd.DataFrame":
    """The rows as pandas compares them without surprise.

    Days and times become instants in UTC: days would be compared one by one, and nanoseconds overflow in 2262. A list
    becomes its length, which is all a check can ask (is it there?): Great Expectations would pickle the whole frame for it.
    """
    for place, column in enumerate(rows.schema):
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            rows = rows.set_column(place, column.name, pc.cast(rows.column(place), pa.timestamp("us", "UTC")))
        elif pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            rows = rows.set_column(place, column.name, pc.list_value_length(rows.column(place)))
    return rows.to_pandas()


def _result(check: Check, answer: Answer, flagged: Mapping[str, int]) -> RuleResult:
    count = 0 if answer.passed else flagged.get(check.flag or "", answer.count)
    return RuleResult(check.expectation, check.column, check.severity, answer.passed, count, check.sentence)


def _validate(suite: Any, frame: Any, engine: Engine, form: Literal["BOOLEAN_ONLY", "SUMMARY"]) -> list[tuple[Places, Answer]]:
    """An answer for each expectation, with the places of the checks it stands for."""
    batch = _batches(engine).get_batch(batch_parameters={"dataframe": frame})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answered = batch.validate(suite, result_format={"result_format": form, "partial_unexpected_count": 0})
    return [(tuple(each.expectation_config.meta["checks"]), _answer(each)) for each in answered.results]


def _answer(result: Any) -> Answer:
    """An exception inside an expectation is put away in `exception_info`, one entry a metric; it must not be taken for a pass."""
    told = result.exception_info or {}
    raised = any(each.get("raised_exception") for each in (told, *told.values()) if isinstance(each, dict))
    return Answer(bool(result.success) and not raised, (result.result or {}).get("unexpected_count"))


@cache
def _batches(engine: Engine) -> Any:
    """Where frames are handed over: one context a process, in memory only."""
    context = suites.engine().get_context(mode="ephemeral")
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # By default Spark frames are persisted, and never released.
    sources = context.data_sources
    source = sources.add_pandas("staged") if engine == "pandas" else sources.add_spark("staged", persist=False)
    return source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
