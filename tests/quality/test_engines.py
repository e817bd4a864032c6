"""One suite, two engines: pandas and Spark say the same of nulls, dates, decimals and regular expressions."""

from datetime import UTC, date, datetime
from itertools import cycle

from quality.contract import Column, Rule, Table
from quality.gate import Audit
from tests.quality.contract_rows import Pass

NEVER = date(2999, 12, 31)
TABLE = Table(
    "silver",
    "thing",
    "a thing",
    ("thing_id", "part"),
    (
        Column("thing_id", "string", "id", nullable=False, matches=r"^[A-Z]\d{2}$"),
        Column("part", "integer", "part", nullable=False, between=(1, 900)),
        Column("text", "string", "any", matches=r"^\w+(\.\d)?$"),
        Column("code", "string", "code", one_of=("a", "b")),
        Column("digit", "integer", "digit", one_of=(0, 1)),
        Column("number", "double", "number", between=(0, 0.3)),
        Column("large", "long", "large", between=(None, 2**40)),
        Column("start_date", "date", "day", between=(date(1900, 1, 1), NEVER)),
        Column("end_date", "date", "day"),
        Column("at", "timestamp", "time", between=(datetime(1900, 1, 1, tzinfo=UTC), None)),
        Column("known", "boolean", "known"),
        Column("is_current", "boolean", "current", nullable=False),
        Column("dq_flags", "array<string>", "flags", nullable=False),
    ),
    rules=(
        Rule(
            "ExpectColumnPairValuesAToBeGreaterThanB",
            "critical",
            "w",
            (("column_A", "end_date"), ("column_B", "start_date"), ("or_equal", True)),
        ),
        Rule(
            "ExpectColumnPairValuesAToBeGreaterThanB",
            "critical",
            "w",
            (("column_A", "at"), ("column_B", "start_date"), ("or_equal", True)),
        ),
        Rule("ExpectColumnValuesToNotBeNull", "warning", "w", (("column", "text"),), when=(("code", "!=", "a"),)),
        Rule(
            "ExpectColumnValuesToBeNull",
            "warning",
            "w",
            (("column", "text"),),
            when=(("code", "not in", ("a", "c")), ("known", "==", False)),
        ),
        Rule(
            "ExpectColumnValuesToBeInSet",
            "warning",
            "w",
            (("column", "digit"), ("value_set", (1,))),
            when=(("start_date", ">=", NEVER),),
        ),
        Rule("ExpectColumnValuesToNotMatchRegex", "warning", "w", (("column", "thing_id"), ("regex", r"^Z|9$"))),
        Rule("UnexpectedRowsExpectation", "warning", "w", flag="ODD", breach="number > 1"),
    ),
)
GOOD = {
    "thing_id": "A11", "part": 1, "text": "a.1", "code": "a", "digit": 1, "number": 0.1 + 0.2 - 1e-16, "large": 2**40, "start_date": date(1900, 1, 1),
    "end_date": NEVER, "at": datetime(2999, 1, 1, tzinfo=UTC), "known": True, "is_current": True, "dq_flags": [],
}  # fmt: skip
EMPTY = dict.fromkeys(("text", "code", "digit", "number", "large", "start_date", "end_date", "at", "known"))
# Each line holds one table of rows, as what differs from GOOD.
CASES = [
    [{}],
    [EMPTY],
    [{}, EMPTY],
    [{"thing_id": "A11\n"}, {"thing_id": "A١١"}],
    [{"text": "é"}, {"text": "a.1\n"}, {"text": "a b"}, {"text": ""}],
    [{"code": "A"}, {"code": "a "}, {"code": ""}],
    [{"digit": 2}, {"digit": None}],
    [{"number": 0.1 + 0.2}, {"number": float("inf")}, {"number": -0.0}],
    [{"large": 2**40 + 1}, {"large": None}],
    [{"start_date": date(1899, 12, 31)}, {"start_date": date(1, 1, 1)}],
    [{"start_date": date(2020, 1, 2), "end_date": date(2020, 1, 1)}, {"start_date": None}, {"end_date": None}],
    [{"at": datetime(1899, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)}, {"at": None}],
    [{"start_date": date(2020, 1, 1), "at": datetime(2019, 12, 31, 23, 59, tzinfo=UTC)}],
    [{"text": None, "code": "b"}, {"text": None, "code": None}],
    [{"code": "b", "known": False}, {"code": None, "known": False}, {"code": "b", "known": None}],
    [{"digit": 0, "start_date": NEVER}, {"digit": 0}],
    [{"thing_id": "Z11"}, {"thing_id": "A19"}],
    [{}, {"part": 1}, {"is_current": False, "part": 1}],
    [{"is_current": False}, {"is_current": False}],
    [{"dq_flags": ["ODD"]}, {"dq_flags": None}, {"dq_flags": ["OTHER", "ODD"]}],
    [{"is_current": None}],
]  # fmt: skip


def rows(case):
    """The rows of a case, with a key of their own where the case does not say otherwise."""
    part = cycle(range(1, 900))
    return [GOOD | {"part": next(part)} | changed for changed in case]


def test_pandas_and_spark_give_the_same_verdicts(spark, tmp_path):
    caught = set()
    for number, case in enumerate(CASES):
        work = Pass(tmp_path / str(number))
        work.stage(TABLE, rows(case))
        by_pandas = Audit(work.lake, work.staged, {TABLE.address: TABLE}).check(TABLE)
        by_spark = Audit(work.lake, work.staged, {TABLE.address: TABLE}, spark, pandas_rows=0).check(TABLE)
        assert (by_pandas.engine, by_spark.engine) == ("pandas", "spark")
        assert by_pandas.results == by_spark.results, case
        caught |= {each.sentence for each in by_pandas.results if not each.passed}
    # Every check was broken by some case, so agreement means something; types are tested elsewhere.
    assert caught >= {each.sentence for each in by_pandas.results} - {
        "columns and types are those of the contract",
        "part is never empty",
        "part is between 1 and 900",
        "thing_id is never empty",
    }
