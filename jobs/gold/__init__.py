"""Gold: what analysts read. `jobs/gold/<table>.py` holds one function of the table's name, from silver to the product.

A function's parameters are the tables it reads: silver tables arrive as their current rows (nobody opposed, nothing
deleted), gold tables as they were just built, and `patient_key` as the map from master person to patient_id.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Product = Callable[..., "DataFrame"]


@cache
def tables() -> dict[str, Product]:
    """The function of every gold table by its name, found by its file; a module whose name starts with `_` is a helper."""
    names = [module.name for module in iter_modules(__path__) if not module.name.startswith("_")]
    return {name: getattr(import_module(f"{__name__}.{name}"), name) for name in names}
