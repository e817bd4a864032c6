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


@pytest.mark.parametrize(
    ("patients", "opposed", "told"),
    [
        ({"mine": "current"}, [], ["mine p1", "old p3"]),
        # Deleted, waiting, or not sent again since an opposition was lifted.
        ({"mine": "ended"}, [], ["old p3"]),
        ({}, [], ["old p3"]),
        ({"mine": "current"}, ["p1"], ["old p3"]),
        ({"mine": "current"}, ["p3", "old"], ["mine p1"]),
    ],
)
def test_a_link_is_told_of_people_who_are_in_silver(patients: dict[str, str], opposed: list[str], told: list[str]) -> None:
    pairs = [("mine", "p1", "token"), ("mine", "elsewhere", "token"), ("old", "p3", "merge"), ("p9", "p3", "token")]
    link = pl.DataFrame(pairs, schema=["person_id", "other_person_id", "method"], orient="row")
    held = pl.LazyFrame({"person_id": ["p1", "p3", "p9", "mine"], "is_current": [True, True, False, True]})
    work = SimpleNamespace(
        people_ids=["mine"],
        states=pl.DataFrame(
            {"domain": ["patient"] * len(patients), "state": list(patients.values()), "person_id": list(patients)},
            schema_overrides=dict.fromkeys(("domain", "state", "person_id"), pl.String),
        ),
        identity=pl.DataFrame(
            {"person_id": opposed, "master_person_id": opposed, "opposed": [["all"] for _ in opposed]},
            schema_overrides={"person_id": pl.String, "master_person_id": pl.String, "opposed": pl.List(pl.String)},
        ),
        held=lambda _: held,
        lake=SimpleNamespace(exists=lambda *_: True, frame=lambda *_: link),
    )
    found = shared.person_link(cast(Any, work))
    assert found is not None
    rows = cast(pl.DataFrame, found[0])
    assert sorted(rows.select(pl.format("{} {}", "person_id", "other_person_id")).to_series()) == told
