"""A silver table of an older contract, upgraded: its new column is empty first, and says what bronze says once silver was made again."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from sqlalchemy import update

from jobs.ingest import rebuild_silver
from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.ledger.schema import LAKE
from jobs.silver.difference import versions
from jobs.simulate import simulate
from jobs.upgrade import to_make_again, upgrade
from quality.contracts import contracts
from tests.flow.conftest import Lakehouse

pytestmark = pytest.mark.acceptance
NEW = "laterality"


def make_older(house: Lakehouse) -> None:
    """Take the column out of the table and out of what its rows' hashes are of, and let the ledger say format 1."""
    table = contracts("silver")["primary_cancer"]
    older = replace(table, columns=tuple(each for each in table.columns if each.name != NEW))
    lake = Lake.of(house.settings)
    rows = lake.frame("silver", "primary_cancer").drop(NEW)
    rows = rows.with_columns(row_hash=versions(rows, older)).to_arrow(compat_level=pl.CompatLevel.oldest())
    write_deltalake(lake.path("silver", "primary_cancer"), rows, mode="overwrite", schema_mode="overwrite")
    with Ledger(house.settings).engine.begin() as connection:
        connection.execute(update(LAKE).where(LAKE.c.name == "format").values(value="1"))


def current(house: Lakehouse) -> pl.DataFrame:
    rows = Lake.of(house.settings).frame("silver", "primary_cancer").filter("is_current")
    return rows.select("tumor_id", "icd10", NEW, "row_hash", "is_deleted").sort("tumor_id")


def test_a_column_of_silver_is_empty_after_an_upgrade_and_as_bronze_says_after_a_rebuild(
    lakehouse: Lakehouse, tmp_path: Path
) -> None:
    world = simulate(40, 1, 7, tmp_path / "hospitals")
    lakehouse.ingest(world.landing, world.keys)
    before = current(lakehouse)
    assert before[NEW].null_count() < before.height
    make_older(lakehouse)
    upgrade(lakehouse.settings, "M. Curie")
    assert current(lakehouse)[NEW].null_count() == before.height
    assert to_make_again(lakehouse.settings) == ["primary_cancer"]
    rebuild_silver(lakehouse.settings, lakehouse.engine)
    assert current(lakehouse).equals(before)
    assert to_make_again(lakehouse.settings) == []
    # History tells when it began to be known.
    assert Lake.of(lakehouse.settings).frame("silver", "primary_cancer").height == 2 * before.height
