"""The contracts of silver hold together: everything is explained, every reference leads somewhere."""

import pytest

from quality.contract import Table
from quality.contracts import contracts
from quality.contracts.silver._common import COMMON
from quality.value_sets import VALUE_SETS

SILVER = contracts("silver")
WITHOUT_DELIVERY = {"person_link", "ref_center", "vocab_map", "vocab_unmapped"}
every_table = pytest.mark.parametrize("table", SILVER.values(), ids=lambda table: table.name)


def test_silver_has_its_28_tables():
    assert len(SILVER) == 28


@every_table
def test_every_column_says_what_it_means_and_how_much_it_tells_about_a_person(table: Table):
    silent = [column.name for column in table.columns if not column.meaning.endswith((".", "?")) or column.sensitivity is None]
    assert silent == []


@every_table
def test_no_column_is_declared_twice(table: Table):
    assert len(set(table.names)) == len(table.names)


@every_table
def test_the_key_is_among_the_columns_and_never_empty(table: Table):
    assert all(not table[name].nullable for name in table.key)


@every_table
def test_every_reference_leads_from_a_column_to_the_column_of_a_table(table: Table):
    for reference in table.references:
        assert reference.column in table.names
        assert reference.key in SILVER[reference.table].names


@every_table
def test_a_row_says_which_delivery_it_came_with(table: Table):
    common = {column.name for column in COMMON}
    assert common <= set(table.names) or table.name in WITHOUT_DELIVERY


@every_table
def test_every_partial_date_has_its_precision(table: Table):
    dates = [column.name for column in table.columns if column.type == "date"]
    assert [name for name in dates if f"{name}_precision" not in table.names] == []


@every_table
def test_a_warning_names_its_flag_and_says_when_it_is_raised(table: Table):
    warnings = [rule for rule in table.rules if rule.severity == "warning"]
    assert [rule.why for rule in warnings if not (rule.flag and rule.breach)] == []


@every_table
def test_a_warning_about_a_patient_or_tumour_can_find_it(table: Table):
    known = {reference.table for reference in table.references}
    for rule in table.rules:
        for other in ("person", "primary_cancer"):
            assert f"{other}." not in (rule.breach or "") or other in known


@pytest.mark.parametrize("column", VALUE_SETS)
def test_every_value_set_has_its_column_with_source_value_and_null_reason(column: str):
    table, _, name = column.rpartition(".")
    companions = ["_source_value", "_null_reason"]
    if any(value.code for value in VALUE_SETS[column].values()):
        companions += ["_code", "_system"]
    assert {name, *(name + companion for companion in companions)} <= set(SILVER[table].names)
    assert SILVER[table][name].one_of == tuple(VALUE_SETS[column])


def test_rows_of_a_person_who_opposes_genetic_research_are_hidden_where_genes_are():
    hidden = {name for name, table in SILVER.items() if "genetics" in table.hidden_by}
    assert hidden == {"molecular_analysis", "variant"}
