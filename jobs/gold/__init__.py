"""Gold: what analysts read. `jobs/gold/<table>.py` holds one function of the table's name, from silver to the product.

A function's parameters are the tables it reads: silver tables arrive as their current rows (nobody opposed, nothing
deleted), gold tables as they were just built, and `patient_key` as the map from master person to patient_id.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Product = Callable[..., "DataFrame"]


@cache
def tables() -> dict[str, Product]:
    """The function of every gold table by its name, found by its file; a module whose name starts with `_` is a helper."""
    names = [name for name in _modules() if not name.startswith("_")]
    return {name: getattr(import_module(f"{__name__}.{name}"), name) for name in names}


def source(table: str) -> str:
    """The text of the code that makes a gold table: its own module and every helper, as any of them may have a part in it."""
    return "\n".join(_text(name) for name in _modules() if name == table or name.startswith("_"))


def _modules() -> list[str]:
    return sorted(module.name for module in iter_modules(__path__))


def _text(module: str) -> str:
    return Path(__path__[0], f"{module}.py").read_text(encoding="utf-8")
