"""Failures of libraries told without their words: a message of theirs may show rows of patients, in a log as on a screen."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.errors import LakehouseError

HOUSE = Path(__file__).parents[1]
OURS = ("jobs", "quality")
# Libraries that handle rows; the Rust core of delta-rs calls itself `_internal`.
WORDY = frozenset({"_internal", "deltalake", "polars", "pyarrow", "pyspark", "py4j", "sqlalchemy"})


@contextmanager
def own_words() -> Iterator[None]:
    """Inside, a failure of a library that handles rows is a LakehouseError that says what failed and where, and no more."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in WORDY:
            raise
        raise LakehouseError(
            f"Expected storage, database and engine to do what they are asked, found {type(error).__name__} at {_where(error)}: check "
            "disk, memory, rights and network. Nothing half done is visible; run again."
        ) from None


def _where(error: Exception) -> str:
    """The last place in our own code on the way to a failure."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if any(Path(each.filename).is_relative_to(HOUSE / part) for part in OURS)]
    own = [each for each in ours if Path(each.filename) != Path(__file__)]
    return f"{Path(own[-1].filename).relative_to(HOUSE)}, line {own[-1].lineno}" if own else "an unknown place"
