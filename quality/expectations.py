"""What Great Expectations lacks. Importing this module imports Great Expectations, which takes seconds."""

from typing import Any, Literal

from great_expectations.compatibility.pyspark import functions as F
from great_expectations.execution_engine import PandasExecutionEngine, SparkDFExecutionEngine
from great_expectations.expectations.expectation import MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import MulticolumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import (
    multicolumn_condition_partial,
)


class MulticolumnFilled(MulticolumnMapMetricProvider):
    """Per row: whether all of some columns are filled."""

    condition_metric_name = "multicolumn_values.filled"
    condition_domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: Any, **kwargs: Any) -> Any:  # noqa: N805
        return column_list.notna().all(axis=1)

    @multicolumn_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column_list: Any, **kwargs: Any) -> Any:  # noqa: N805
        return F.expr(" AND ".join(f"`{name}` IS NOT NULL" for name in column_list.columns))


class ExpectColumnsToBeFilled(MulticolumnMapExpectation):
    """No row lacks a value in any of the columns: one expectation where a table would need twenty."""

    map_metric = "multicolumn_values.filled"
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "never"
    args_keys = ("column_list",)
