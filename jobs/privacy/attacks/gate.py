"""The gate of a teaching release: attacks that must fail, and what the release is still good for."""

from collections.abc import Mapping

import polars as pl

from jobs.errors import WrongUse
from jobs.privacy.attacks.attack import attacked
from jobs.privacy.attacks.figures import DEFAULT, Bounds, Figure, refused
from jobs.privacy.attacks.scan import scanned
from jobs.privacy.attacks.utility import useful
from jobs.privacy.attacks.view import QUASI, Telling, is_fact, joined, shared

__all__ = ["DEFAULT", "Bounds", "Figure", "examine", "refused"]


def examine(
    released: Mapping[str, pl.DataFrame],
    raw: pl.DataFrame,
    control: pl.DataFrame,
    telling: Telling,
    bounds: Bounds = DEFAULT,
) -> list[Figure]:
    """The figures of a release; it may be published when `refused()` finds none among them.

    `raw` has a row for each released patient with what is true, `control` the same of patients who are not in the release. `telling`
    says exact rows as the release says them, before any fact is taken out. WrongUse where the frames cannot be compared.
    """
    view = joined(released)
    if view.height != raw.height or not control.height:
        raise WrongUse(
            f"Expected a true row for each of {view.height} released patients and some of patients kept aside, found {raw.height} and "
            f"{control.height}."
        )
    words = [pl.col(name).cast(dtype) for name, dtype in view.schema.items()]
    truth, aside = (telling(rows).select(words) for rows in (raw, control))
    _check_groups(view, truth)
    exact = raw.select(name for name in raw.columns if not name.endswith("_id") and not is_fact(name))
    return [
        *scanned(released, raw),
        _levels(view, truth, bounds),
        *attacked(view, truth, aside, exact, bounds),
        *useful(view, truth, raw, control, aside, bounds),
    ]


def _levels(view: pl.DataFrame, truth: pl.DataFrame, bounds: Bounds) -> Figure:
    column, share = shared(view, truth)
    return Figure.at_least(
        "true values in the words of the release",
        share,
        bounds.levels,
        f"Least often in {column}. Where it is low the attacks compare different words and prove nothing: say how values are told.",
    )


def _check_groups(view: pl.DataFrame, truth: pl.DataFrame) -> None:
    """WrongUse unless the quasi-identifiers, of which nothing is taken out, are those of the same patients in the same words.

    Else attacks would ask for words that the truth does not have, fail, and seem to prove something.
    """
    for name in (each for each in QUASI if each in view.columns):
        if not view[name].value_counts().sort(name).equals(truth[name].value_counts().sort(name)):
            raise WrongUse(
                f"Expected the true {name} of the released patients told as in the release, found other words or other patients: "
                "give `telling`, or the column as it is told."
            )
