"""A build of gold: what landing tells it of oppositions."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jobs.build import patient_keys_are_fresh, write_patient_keys
from jobs.lake import Lake
from jobs.silver.passes import IDENTITY
from quality.contracts import contracts
from tests.quality.contract_rows import arrow, valid_row

KEY = bytes(32)


def fill(lake: Lake, name: str, *rows: dict[str, Any]) -> None:
    """The current rows of a silver table; what is not said is as in any valid row."""
    table = contracts("silver")[name]
    lake.write(
        "silver", name, arrow(table, [valid_row(table, number) | row for number, row in enumerate(rows)]), mode="overwrite"
    )


def people(lake: Lake, *pairs: str) -> None:
    """Persons with their master person, each written as `person master`."""
    split = (pair.split() for pair in pairs)
    fill(lake, "person", *({"person_id": person, "master_person_id": master} for person, master in split))


def opposed(lake: Lake, **scopes: list[str]) -> None:
    """What landing knows of oppositions, by person; each is their own master."""
    rows = [{"center": "gr", "person_id": each, "master_person_id": each, "opposed": said} for each, said in scopes.items()]
    lake.write("bronze", "identity", pl.DataFrame(rows, schema=IDENTITY).to_arrow(), mode="overwrite")


def keys(lake: Lake) -> list[tuple[str, bool]]:
    found = lake.frame("bronze", "patient_key", ["master_person_id", "industry_use_opposed"])
    return sorted(found.iter_rows())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_who_opposes_the_use_by_companies_is_known_from_landing_not_from_the_newest_list(lake: Lake) -> None:
    people(lake, "a a", "b a", "c c")
    # Nobody stands in silver.rights_register any more; what b said at another hospital holds for a.
    rows = [{"center": "curie", "person_id": "b", "master_person_id": "a", "opposed": ["industry"]}]
    lake.write("bronze", "identity", pl.DataFrame(rows, schema=IDENTITY).to_arrow())
    write_patient_keys(lake, KEY)
    assert keys(lake) == [("a", True), ("c", False)]


def test_an_opposition_of_a_delivery_that_waits_reaches_gold_although_silver_did_not_change(lake: Lake) -> None:
    people(lake, "a a", "c c")
    opposed(lake, a=["industry"])
    write_patient_keys(lake, KEY)
    assert patient_keys_are_fresh(lake)
    opposed(lake, a=["industry"], c=["genetics", "industry"])
    assert not patient_keys_are_fresh(lake)
    write_patient_keys(lake, KEY)
    assert keys(lake) == [("a", True), ("c", True)]


def test_patient_keys_that_are_right_are_not_written_again_and_those_of_an_older_lake_are(lake: Lake) -> None:
    people(lake, "a a")
    lake.write("bronze", "patient_key", pl.DataFrame({"master_person_id": ["a"], "patient_id": ["A"]}).to_arrow())
    write_patient_keys(lake, KEY)
    assert (keys(lake), lake.version("bronze", "patient_key")) == ([("a", False)], 1)
    write_patient_keys(lake, KEY)
    assert lake.version("bronze", "patient_key") == 1
