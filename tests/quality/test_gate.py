"""The gate lets nothing pass that it has not judged, and nothing that contradicts the table that would result."""

import subprocess
import sys
from dataclasses import replace
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quality import evaluate, gate, suites
from quality.contract import Column, Reference, Rule, Table
from quality.gate import Verdict, check_pass, publishable, record
from quality.verdicts import RuleResult, recorded
from tests.quality.contract_rows import Pass

PERSON = Table(
    "silver",
    "person",
    "a patient",
    ("person_id",),
    (Column("person_id", "string", "id", nullable=False), Column("is_current", "boolean", "current", nullable=False)),
)
TUMOUR = Table(
    "silver",
    "tumour",
    "a tumour",
    ("tumor_id",),
    (
        Column("tumor_id", "string", "id", nullable=False),
        Column("person_id", "string", "whose", nullable=False),
        Column("side", "string", "side", one_of=("left", "right")),
        Column("size", "double", "size", between=(0, 500)),
        Column("dx_date", "date", "date", between=(date(1900, 1, 1), None)),
        Column("is_current", "boolean", "current", nullable=False),
    ),
    rules=(Rule("ExpectColumnValuesToNotBeNull", "warning", "why", (("column", "side"),)),),
    references=(Reference("person_id", "person", "person_id"),),
)


def person(name):
    return {"person_id": name, "is_current": True}


def tumour(name, of="p1", **values):
    return {"tumor_id": name, "person_id": of, "side": "left", "size": 1.0, "dx_date": None, "is_current": True} | values


@pytest.fixture
def work(tmp_path):
    return Pass(tmp_path)


def judged(work, table=TUMOUR):
    (verdict,) = check_pass([table], work.lake, work.staged)
    return verdict


def failures(verdict):
    return [(each.expectation, each.column, each.unexpected_count) for each in verdict.failures]


def test_rows_that_keep_the_contract_may_be_published(work):
    work.stage(PERSON, [person("p1")])
    work.stage(TUMOUR, [tumour("t1"), tumour("t2")])
    verdicts = check_pass([PERSON, TUMOUR], work.lake, work.staged)
    assert [(each.table, each.passed, each.rows, each.engine) for each in verdicts] == [
        ("silver.person", True, 1, "pandas"),
        ("silver.tumour", True, 2, "pandas"),
    ]
    assert publishable(verdicts, [PERSON, TUMOUR])


def test_a_broken_warning_is_kept_and_stops_nothing(work):
    work.publish(PERSON, [person("p1")])
    work.stage(TUMOUR, [tumour("t1", side=None), tumour("t2")])
    verdict = judged(work)
    assert verdict.passed
    assert [(each.sentence, each.unexpected_count) for each in verdict.results if not each.passed] == [("side is not empty", 1)]


def test_a_critical_breach_is_counted_and_fails_the_table(work):
    work.publish(PERSON, [person("p1")])
    work.stage(TUMOUR, [tumour("t1", side="below"), tumour("t2", size=-1.0), tumour("t3", size=501.0)])
    assert failures(judged(work)) == [
        ("ExpectColumnValuesToBeInSet", "side", 1),
        ("ExpectColumnValuesToBeBetween", "size", 2),
    ]


@pytest.mark.parametrize(
    ("staged", "found"),
    [
        ([("t2", "insert"), ("t2", "insert")], 1),
        ([("t1", "insert")], 1),
        ([("t1", "close"), ("t1", "insert")], 0),
        ([("t1", "delete")], None),
        ([("t1", "keep"), ("t3", "insert")], 0),
    ],
)
def test_a_key_is_unique_in_the_table_that_would_result(work, staged, found):
    work.publish(PERSON, [person("p1")])
    work.publish(TUMOUR, [tumour("t1"), tumour("t0", is_current=False)])
    for name, action in staged:
        work.stage(TUMOUR, [tumour(name)], action)
    counted = [each.unexpected_count for each in judged(work).results if each.expectation == gate.KEY_AFTER]
    assert counted == ([] if found is None else [found])


@pytest.mark.parametrize(
    ("people", "tumours", "dangling"),
    [
        ([("p2", "insert")], [("t2", "p2", "insert")], []),
        ([], [("t2", "p2", "insert")], [1]),
        ([("p1", "delete")], [("t2", "p1", "insert"), ("t1", "p1", "delete")], [1]),
        # The person goes, and with it what the tumour that stays refers to.
        ([("p1", "delete")], [], [1]),
        ([("p1", "purge")], [("t1", "p1", "purge")], []),
        ([("p1", "close"), ("p1", "insert")], [], []),
    ],
)
def test_references_resolve_in_the_state_that_would_result(work, people, tumours, dangling):
    work.publish(PERSON, [person("p1"), person("p0") | {"is_current": False}])
    work.publish(TUMOUR, [tumour("t1")])
    work.stage(PERSON, [], "insert")
    work.stage(TUMOUR, [], "insert")
    for name, action in people:
        work.stage(PERSON, [person(name)], action)
    for name, of, action in tumours:
        work.stage(TUMOUR, [tumour(name, of)], action)
    verdict = judged(work)
    assert [each.unexpected_count for each in verdict.failures if each.expectation == gate.REFERENCE_AFTER] == dangling
    assert verdict.passed is not bool(dangling)


def test_a_whole_staged_table_is_not_compared_with_the_one_it_replaces(work):
    gold = replace(PERSON, layer="gold", name="patient")
    work.publish(gold, [person("p1")])
    folder = work.root / "staging" / "patient"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"person_id": ["p1"], "is_current": [True]}), folder / "0.parquet")
    assert judged(work, gold).passed


@pytest.mark.parametrize(
    ("column", "values", "named"),
    [
        ("size", pa.array([1, 2]), "size"),
        ("extra", pa.array(["a", "b"]), "extra"),
        ("size", pa.array([1.0, float("nan")]), "size"),
    ],
)
def test_other_columns_or_types_fail_before_any_rule_is_asked(work, column, values, named):
    work.publish(PERSON, [person("p1")])
    path = f"{work.stage(TUMOUR, [tumour('t1'), tumour('t2')])}/0.parquet"
    table = pq.read_table(path)
    table = table.drop_columns([column]) if column in table.column_names else table
    pq.write_table(table.append_column(column, values), path)
    verdict = judged(work)
    assert failures(verdict) == [(gate.TYPES, named, 1)]
    assert len(verdict.results) == 1


def test_an_expectation_that_raises_publishes_nothing(work):
    """Dividing a text is an error inside Great Expectations, which it would put away in exception_info."""
    wrong = Rule(
        "ExpectColumnValueZScoresToBeLessThan", "critical", "why", (("column", "side"), ("threshold", 3), ("double_sided", True))
    )
    table = replace(TUMOUR, rules=(wrong,))
    work.publish(PERSON, [person("p1")])
    work.stage(table, [tumour("t1")])
    verdict = judged(work, table)
    assert [(each.expectation, each.passed, each.unexpected_count) for each in verdict.failures] == [
        ("ExpectColumnValueZScoresToBeLessThan", False, None)
    ]
    assert not publishable([verdict], [table])


def test_an_exception_counts_even_where_the_expectation_calls_itself_a_success(monkeypatch, work):
    answer = evaluate._answer

    def raised(result):
        result.exception_info = {"some metric": {"raised_exception": True}}
        return answer(result)

    monkeypatch.setattr(evaluate, "_answer", raised)
    work.publish(PERSON, [person("p1")])
    work.stage(TUMOUR, [tumour("t1")])
    verdict = judged(work)
    judged_by_suite = [each for each in verdict.results if each.expectation.startswith("Expect")]
    assert judged_by_suite
    assert not any(each.passed for each in judged_by_suite)


def test_a_check_without_an_answer_has_failed(monkeypatch, work):
    monkeypatch.setattr(evaluate, "_validate", lambda *_: [])
    work.publish(PERSON, [person("p1")])
    work.stage(TUMOUR, [tumour("t1")])
    assert len(judged(work).failures) == sum(each.severity == "critical" for each in suites.checks(TUMOUR))


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([("silver.person", True), ("silver.tumour", True)], True),
        ([("silver.person", True)], False),
        ([], False),
        ([("silver.person", True), ("silver.tumour", False)], False),
        ([("silver.person", True), ("silver.tumour", False), ("silver.tumour", True)], False),
    ],
)
def test_every_table_needs_a_verdict_and_none_against_it(verdicts, expected):
    given = [Verdict(table, passed, 1, (), 0.0) for table, passed in verdicts]
    assert publishable(given, [PERSON, TUMOUR]) is expected


def test_verdicts_are_kept_with_counts_and_no_value(work):
    work.publish(PERSON, [person("p1")])
    work.stage(TUMOUR, [tumour("secret-id", side="secret-side", size=123.456, dx_date=date(1888, 8, 8))])
    verdict = judged(work)
    record(work.lake, 7, [verdict])
    record(work.lake, 8, [Verdict("silver.person", True, 0, (), 0.0)])
    kept = recorded(work.lake)
    assert kept.filter(pl.col("expectation") == "*").select("pass_number", "table", "passed", "rows").sort(
        "pass_number"
    ).rows() == [
        (7, "silver.tumour", False, 1),
        (8, "silver.person", True, 0),
    ]
    assert kept.filter(~pl.col("passed")).height == 1 + 2
    text = kept.write_csv() + repr(verdict)
    assert not [value for value in ("secret", "123.456", "1888") if value in text]


def test_without_new_rows_great_expectations_is_not_even_imported(work):
    work.stage(TUMOUR, [tumour("t1")], "keep")
    code = f"""
import sys
from quality.gate import check_pass
from tests.quality.test_gate import TUMOUR
assert [each.passed for each in check_pass([TUMOUR], {work.lake!r}, {work.staged!r})] == [True]
assert "great_expectations" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr == ""


def test_a_result_says_in_words_what_was_expected():
    assert [each.sentence for each in suites.checks(TUMOUR)] == [
        "tumor_id is never empty",
        "person_id is never empty",
        "side is one of left, right",
        "size is between 0 and 500",
        "dx_date is at least 1900-01-01",
        "is_current is never empty",
        "tumor_id occurs once",
        "side is not empty",
    ]
    assert RuleResult("X", "a", "critical", True, 0).sentence == ""
