"""A contract becomes a suite that catches every breach of it, and nothing else."""

import re
from dataclasses import replace

import pytest

from quality.contract import Column, Rule, Table
from quality.contracts import contracts
from quality.evaluate import evaluate, for_pandas
from quality.suites import SQL_PREDICATE, checks, in_words, portable
from tests.quality.contract_rows import arrow, broken, valid_row

TABLES = [*contracts("silver").values(), *contracts("gold").values()]


def results(table, rows):
    flags = {}
    for row in rows:
        for flag in row.get("dq_flags") or ():
            flags[flag] = flags.get(flag, 0) + 1
    return evaluate(table, for_pandas(arrow(table, rows)), "pandas", flags)


def test_there_are_contracts_to_test():
    assert len(TABLES) > 30


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.address)
def test_every_check_catches_its_seeded_row(table):
    seeded = [broken(table, check, number) for number, check in enumerate(checks(table), start=1)]
    found = results(table, [valid_row(table), *(row for rows in seeded for row in rows)])
    assert [each.sentence for each in found if each.passed] == []
    # A number below its least is also below its partner: the only way in which a row is caught twice.
    caught = [each.unexpected_count - len(rows) for each, rows in zip(found, seeded, strict=True)]
    assert all(more == 0 or (more > 0 and "Pair" in each.expectation) for more, each in zip(caught, found, strict=True))


# Those written as predicates are tested where Spark evaluates them: test_rules.py.
RULES = [(table, rule) for table in TABLES for rule in table.rules if rule.expectation != SQL_PREDICATE]


@pytest.mark.parametrize(("table", "rule"), RULES, ids=lambda each: getattr(each, "address", None) or each.flag or in_words(each))
def test_without_its_rule_a_seeded_row_passes(table, rule):
    check = checks(table)[table.rules.index(rule) - len(table.rules)]
    rows = broken(table, check, 1)
    assert [each.sentence for each in results(table, rows) if not each.passed] == [check.sentence]
    without = replace(table, rules=tuple(each for each in table.rules if each is not rule))
    assert [each.sentence for each in results(without, rows) if not each.passed] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.address)
def test_a_row_that_keeps_the_contract_breaks_nothing(table):
    assert [each.sentence for each in results(table, [valid_row(table)]) if not each.passed] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.address)
def test_a_reference_names_the_whole_key_of_a_table_of_its_layer_or_the_one_below(table):
    known = contracts("silver") | (contracts("gold") if table.layer == "gold" else {})
    for reference in table.references:
        assert known[reference.table.rpartition(".")[2]].key == (reference.key,)
        assert reference.column in table.names


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"^C\d{2}(\.\d)?$", ["C50", "C50.9"], ["C50.9\n", "C5", "C٥٠", "xC50"]),
        (r"^(0[1-9]|2A)$", ["01", "2A"], ["012A", "2A2A", "1"]),
        (r"^[\w.]+$", ["a.b_1"], ["é", "a b"]),
        (r"^a|b$", ["a", "ab", "xb"], ["xa", "b\n"]),
        (r"^\S+$", ["abc"], ["a c", "a\n"]),
        (r"^[(|)]$", ["(", "|"], ["x", "(|"]),
        ("mid", ["amid", "middle"], ["m"]),
    ],
)
def test_a_pattern_means_the_same_in_every_dialect(pattern, matching, other):
    assert [text for text in [*matching, *other] if re.search(portable(pattern), text)] == matching


def test_a_rule_may_speak_of_some_rows_only():
    filled = Rule("ExpectColumnValuesToNotBeNull", "critical", "why", (("column", "b"),), when=(("a", "!=", "x"),))
    table = Table("silver", "t", "g", ("a",), (Column("a", "string", "m"), Column("b", "string", "m")), rules=(filled,))
    assert checks(table)[-1].sentence == "b is not empty where a != x"
    for rows, passed in [([("x", None), (None, None), ("y", "1")], True), ([("y", None)], False)]:
        assert results(table, [{"a": a, "b": b} for a, b in rows])[-1].passed is passed


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (Rule("ExpectColumnValuesToNotBeNull", "critical", "why", (("column", "c"),)), "found c"),
        (Rule("UnexpectedRowsExpectation", "warning", "why", breach="a = 1"), "found none: why"),
    ],
)
def test_a_rule_that_cannot_be_judged_is_refused(rule, found):
    table = Table("silver", "t", "g", ("a",), (Column("a", "string", "m"),), rules=(rule,))
    with pytest.raises(ValueError, match=found):
        checks(table)


def test_limits_on_a_list_are_refused():
    table = Table("silver", "t", "g", ("a",), (Column("a", "array<string>", "m", one_of=("x",)),))
    with pytest.raises(ValueError, match="found them on a"):
        checks(table)
