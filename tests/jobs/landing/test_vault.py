"""The vault, in SQLite and in PostgreSQL: it keeps what it is told, alone, and says no when it only should look."""

import stat
from pathlib import Path

import pytest

from jobs.landing.vault import Vault, child_key, put, remove, rows_of
from jobs.settings import Settings
from tests import postgres
from tests.jobs.landing.staging import settings

KEY = {"center": "gr", "domain": "analysis", "row_id": "r1"}


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A lake whose vault will lie in either database."""
    if request.param == "sqlite":
        return settings(tmp_path)
    return Settings(lake=str(tmp_path / "lake"), database_url=postgres.emptied(request.getfixturevalue("postgresql")))


def test_nobody_else_may_open_the_vault(tmp_path: Path) -> None:
    Vault(settings(tmp_path))
    folder = tmp_path / "lake" / "vault"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "vault.sqlite").stat().st_mode) == 0o600


def test_a_row_written_again_replaces_the_first_and_another_process_sees_it(anywhere: Settings) -> None:
    with Vault(anywhere).transaction() as tx:
        put(tx, child_key, [KEY | {"person_id": "p1"}])
        put(tx, child_key, [KEY | {"person_id": "p2"}])
    with Vault(anywhere).transaction() as tx:
        assert [row["person_id"] for row in rows_of(tx, child_key, center="gr", row_id=["r1", "r2"])] == ["p2"]


def test_a_look_at_what_would_be_leaves_nothing_behind(anywhere: Settings) -> None:
    vault = Vault(anywhere)
    with vault.transaction(keep=False) as tx:
        put(tx, child_key, [KEY | {"person_id": "p1"}])
    with vault.transaction() as tx:
        assert rows_of(tx, child_key) == []


def test_rows_are_removed_by_the_columns_given(anywhere: Settings) -> None:
    with Vault(anywhere).transaction() as tx:
        put(tx, child_key, [KEY | {"person_id": "p1"}, KEY | {"row_id": "r2", "person_id": "p2"}])
        remove(tx, child_key, [{"center": "gr", "person_id": "p1"}])
        assert [row["row_id"] for row in rows_of(tx, child_key)] == ["r2"]


def test_more_rows_than_a_statement_takes_are_found(anywhere: Settings) -> None:
    many = [f"r{number}" for number in range(12_000)]
    with Vault(anywhere).transaction() as tx:
        put(tx, child_key, [KEY | {"row_id": each, "person_id": "p1"} for each in many])
        assert len(rows_of(tx, child_key, center="gr", row_id=many)) == 12_000
