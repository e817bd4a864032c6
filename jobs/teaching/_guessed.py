"""Facts held back where the row of a patient itself would decide what is guessed of that patient.

Of the classes with the most of this a fact is told one step more coarsely, or not at all, until one's own row gives away no more than
`MOST` of what is left to be guessed. What is taken out makes other facts rarer or commoner, so the whole is told again until it holds.
"""

import numpy as np
import polars as pl

from jobs.privacy.own_row import guessed, numbers
from jobs.teaching import _told
from jobs.teaching._quasi import MOST, QUASI
from jobs.teaching._told import Tables

# By fact the column that tells it. The outcome is not among them: what is told of it is settled with the classes.
SECRETS = {
    "survival": ("edu_survival", "days"),
    "n_lines": ("edu_tumor", "n_lines"),
    "metastatic_at_dx": ("edu_tumor", "metastatic_at_dx"),
    "morphology_group": ("edu_tumor", "morphology_group"),
    "grade": ("edu_tumor", "grade"),
    "panel": ("edu_tumor", "panel"),
}
# Coarser than in years no curve can be drawn: where that still tells too much, the gate says so.
MOST_HELD = 3


def told(raw: Tables, quasi: pl.DataFrame, k: int) -> Tables:
    """The tables of a release, as `_told.told` makes them, with no secret that the rows of patients give away themselves."""
    classes = numbers(quasi.select(pl.concat_str(QUASI, separator="|")).to_series())
    held = {fact: np.zeros(quasi.height, dtype=np.int64) for fact in SECRETS}
    while True:
        made = _told.told(raw, quasi, k, held)
        more = {fact: _too_telling(_values(made, quasi, fact), classes) & (held[fact] < MOST_HELD) for fact in SECRETS}
        if not any(each.any() for each in more.values()):
            return made
        # Never fewer than before: it comes to an end.
        for fact, each in more.items():
            held[fact] += each


def _values(made: Tables, quasi: pl.DataFrame, fact: str) -> pl.Series:
    """What is told of a fact, by patient in the order of `quasi`."""
    table, column = SECRETS[fact]
    return quasi.select("patient_id").join(made[table], on="patient_id", how="left", maintain_order="left")[column]


def _too_telling(values: pl.Series, classes: np.ndarray) -> np.ndarray:
    """By patient: whether less of this fact is to be told in the class."""
    asked, number = values.is_not_null().to_numpy(), int(classes.max(initial=-1)) + 1
    found = guessed(numbers(values.drop_nulls()), classes[asked], number)
    left = np.ones(number, dtype=bool)
    for each in np.argsort(-found.gain, kind="stable"):
        if found.risk(left) <= MOST:
            break
        left[each] = False
    return ~left[classes] & asked
