"""Persons of other hospitals follow a pass when their group is another one now."""

from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from jobs.silver import shared

STORED = {"p1": "p1", "p2": "gone", "p3": "p3", "p4": "p3", "p5": "gone", "mine": "mine"}


def regrouped(linked: dict[str, str], touched: tuple[str, ...] = ()) -> list[str]:
    """The persons outside a pass over `mine` that follow it, when `linked` says whose master is who."""
    current = pl.LazyFrame({"person_id": list(STORED), "master_person_id": list(STORED.values())})
    work = SimpleNamespace(
        people_ids=["mine"],
        touched=list(touched),
        identity=pl.DataFrame(
            {"person_id": list(linked), "master_person_id": list(linked.values()), "opposed": [[] for _ in linked]},
            schema_overrides={"opposed": pl.List(pl.String)},
        ),
        held_here=lambda _: current.filter(pl.col("person_id") == "mine"),
    )
    return sorted(shared._regrouped(cast(Any, work), current))


@pytest.mark.parametrize(
    ("linked", "touched", "follow"),
    [
        ({"p2": "gone", "p5": "gone", "p4": "p3"}, (), []),
        ({"p2": "gone", "p5": "gone", "p4": "p3", "p1": "mine"}, (), ["p1"]),
        ({"p2": "gone", "p5": "gone", "p4": "p3"}, ("p4",), ["p3", "p4"]),
        # The link was withdrawn with the delivery that brought it: no pass concerned them.
        ({"p4": "p3"}, (), ["p2", "p5"]),
        # A link that is in bronze alone waits for the pass that publishes it.
        ({"p2": "gone", "p5": "gone", "p4": "p3", "p1": "p3"}, (), []),
    ],
)
def test_people_follow_when_their_group_has_changed(linked: dict[str, str], touched: tuple[str, ...], follow: list[str]) -> None:
    assert regrouped(linked, touched) == follow
