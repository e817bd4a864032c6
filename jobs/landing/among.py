"""A condition on a column of a Delta table: one of these values."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds


def among(column: str, values: Iterable[Any], kind: pa.DataType | None = None) -> ds.Expression:
    """True where the column has one of the values; no values are of text, too, or pyarrow would refuse them."""
    return ds.field(column).isin(pa.array(list(values), kind or pa.string()))
