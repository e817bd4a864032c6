"""DESCRIBE says in SQL what the contracts say: of every table what a row is, of every column what it means."""

import pytest

from jobs.lake import Lake
from jobs.query import rows, rows_of_build
from jobs.silver import tables
from quality.contracts import contracts
from tests.quality.contract_rows import arrow, valid_row


@pytest.mark.parametrize("address", ["silver.person", "gold.cohort"])
def test_describe_tells_what_rows_and_columns_mean(spark, tmp_path, address: str) -> None:
    lake, (layer, _, name) = Lake(str(tmp_path)), address.partition(".")
    table = contracts(layer)[name]  # type: ignore[index]
    tables.ensure_table(lake, table)
    if layer == "gold":
        # As a build replaces it.
        written = arrow(table, [valid_row(table)]).cast(tables.arrow_schema(table))
        lake.write(layer, name, written, mode="overwrite", anew=True)
    told = rows(spark, lake, f"DESCRIBE TABLE EXTENDED {address}").to_pylist()
    comments = {each["col_name"]: each["comment"] for each in reversed(told)}
    assert {each.name: comments[each.name] for each in table.columns} == {each.name: each.meaning for each in table.columns}
    assert [each["data_type"] for each in told if each["col_name"] == "Comment"] == [table.grain]
    if layer == "gold":
        then = rows_of_build(spark, lake, f"DESCRIBE {address}", {name: lake.version("gold", name)}).to_pylist()
        assert {each["col_name"]: each["comment"] for each in then} == {each.name: each.meaning for each in table.columns}
