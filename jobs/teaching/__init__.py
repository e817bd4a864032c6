"""Teaching tables: `jobs/teaching/<table>.py` holds one function of the table's name, from gold and silver to what a release tells.

A function's parameters are the tables it reads, silver ones as their current rows, and `cohort`: the patients of the release, each with
their first cancer (`_cohort`). What comes back still has exact days and `patient_id`: `jobs.releases` coarsens, thins out and numbers it.
"""

import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import polars as pl
import pyarrow.dataset as ds

from jobs.lake import Lake
from quality.contracts import contracts

Product = Callable[..., pl.DataFrame]
COHORT = "cohort"


@cache
def tables() -> dict[str, Product]:
    """The function of every teaching table by its name, found by its file; a module whose name starts with `_` is a helper."""
    names = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return {name: getattr(import_module(f"{__name__}.{name}"), name) for name in names}


def read(lake: Lake, name: str) -> pl.DataFrame:
    """A table that a teaching table is made from: of gold, or the current rows of silver."""
    if name in contracts("gold"):
        return lake.frame("gold", name)
    return lake.frame("silver", name, where=ds.field("is_current") & ~ds.field("is_deleted"))


def made_from(product: Product) -> list[str]:
    """The names of the tables that a function reads."""
    return [name for name in inspect.signature(product).parameters if name != COHORT]
