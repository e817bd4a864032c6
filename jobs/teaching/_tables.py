"""The hierarchies that are declared as data, below `hierarchies/`."""

from functools import cache
from pathlib import Path

import polars as pl

FOLDER = Path(__file__).parent / "hierarchies"


@cache
def declared(name: str) -> pl.DataFrame:
    """A table of groups; every value is text."""
    return pl.read_csv(FOLDER / f"{name}.csv", infer_schema=False)
