"""Upgrades: a lake of format 1, as the first version made it, becomes what a new one is; killed anywhere, it ends the same."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from sqlalchemy import Engine, inspect, select
from sqlalchemy.engine import Inspector

from jobs import audit
from jobs.analyst import open_gold
from jobs.cli import main
from jobs.errors import LakehouseError, WrongUse
from jobs.failpoint import VARIABLE
from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.landing import vault as vaults
from jobs.landing.bronze import RECORD, bronze_schema
from jobs.landing.stage import staged_schema
from jobs.landing.vault import Vault
from jobs.ledger import Format, Ledger, schema
from jobs.ledger.schema import LAKE
from jobs.settings import LAKE_FORMAT, Settings
from jobs.silver.tables import delta_schema
from jobs.upgrade import MIGRATIONS, due, to_make_again, upgrade
from quality.contracts import contracts
from tests import postgres

HERE = Path(__file__).parent
LOADED = """
INSERT INTO {0}lake (name, value) VALUES ('format', '1'), ('platform_key', '0123');
INSERT INTO {0}announcement (id, path, size, mtime_ns, folder, found_at) VALUES (1, 'm', 10, 1, 'f', '2026-01-01T00:00:00.000Z');
INSERT INTO {0}delivery (center, delivery_id, announcement_id, folder, canonical_sha256, created_at, window_to, content, pseudonym_key_id, state,
    reason_codes, predecessor, chain_position, attempts, approved, in_bronze, gate_waived, report, since)
VALUES ('gr', 'GR-20200101-001', 1, 'f', 'ab', '2026-01-01T00:00:00+00:00', '2025-12-31', 'full', 'gr-1', 'loaded',
    '[]', '', 1, 1, FALSE, TRUE, FALSE, '{{}}', '2026-01-01T00:00:00.000Z');
INSERT INTO {0}transition (center, delivery_id, from_state, to_state, reason_codes, at, by)
VALUES ('gr', 'GR-20200101-001', 'verifying', 'loading', '[]', '2026-01-01T00:00:00.000Z', 'host:1:2');
INSERT INTO {1}identity (center, person_id, token_key) VALUES ('gr', 'p1', 't1');
"""
PLACES = ["upgrade_begun", "upgrade_table", "upgrade_tables", "upgrade_vault", "upgrade_ledger"]


def make_old(settings: Settings) -> None:
    """Ledger and vault as the first version made them, with a delivery in them."""
    if settings.database_url:
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            connection.execute((HERE / "format_1.postgresql.sql").read_text())
            connection.execute(LOADED.format("ledger.", "vault."))
        return
    said = LOADED.format("", "").split("INSERT INTO identity")
    for file, name, rows in (
        ("ledger.sqlite", "ledger", said[0]),
        ("vault/vault.sqlite", "vault", f"INSERT INTO identity{said[1]}"),
    ):
        path = Path(settings.lake, file)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript((HERE / f"format_1.{name}.sqlite.sql").read_text() + rows)


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A lake of format 1."""
    shared = postgres.emptied(request.getfixturevalue("postgresql")) if request.param == "postgresql" else None
    settings = Settings(lake=str(tmp_path / "lake"), database_url=shared)
    make_old(settings)
    return settings


@pytest.fixture
def lake(tmp_path: Path) -> Settings:
    """A lake of format 1 in SQLite."""
    settings = Settings(lake=str(tmp_path / "lake"))
    make_old(settings)
    return settings


def described(engine: Engine, place: str) -> dict[str, Any]:
    """Every table of a database: columns, keys, what is unique, indexes."""
    found, where = inspect(engine), place if engine.dialect.name == "postgresql" else None
    return {table: _table(found, table, where) for table in sorted(found.get_table_names(schema=where))}


def _table(found: Inspector, table: str, where: str | None) -> dict[str, Any]:
    columns = {
        each["name"]: (str(each["type"]), each["nullable"], each["default"]) for each in found.get_columns(table, schema=where)
    }
    return {
        "columns": columns,
        "key": found.get_pk_constraint(table, schema=where)["constrained_columns"],
        "unique": sorted(each["column_names"] for each in found.get_unique_constraints(table, schema=where)),
        "foreign": [
            (each["constrained_columns"], each["referred_table"]) for each in found.get_foreign_keys(table, schema=where)
        ],
        "indexes": sorted(
            (each["name"], each["column_names"], each["unique"]) for each in found.get_indexes(table, schema=where)
        ),
    }


def both(settings: Settings, *, older: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ledger and vault of a lake as they are."""
    with closing(Ledger(settings, older=older)) as ledger, closing(Vault(settings)) as vault:
        return described(ledger.engine, "ledger"), described(vault.engine, "vault")


def test_a_lake_of_format_1_becomes_what_a_new_one_is_column_by_column_and_keeps_its_rows(old: Settings, tmp_path: Path) -> None:
    assert "alert" not in both(old, older=True)[0]
    assert [each.number for each in upgrade(old, "M. Curie")] == [each.number for each in MIGRATIONS]
    upgraded = both(old)
    with closing(Ledger(old, create=False)) as ledger:
        assert ledger.format == Format(int(LAKE_FORMAT))
        assert [(each.delivery_id, each.state) for each in ledger.deliveries()] == [("GR-20200101-001", "loaded")]
        assert [each.run for each in ledger.steps("GR-20200101-001")] == [None]
    with closing(Vault(old)) as vault:
        with vault.transaction() as tx:
            assert [row["token_key"] for row in vaults.rows_of(tx, vaults.identity)] == ["t1"]
        assert audit.verify(old, vault) == 1
    shared = postgres.emptied(old.database_url) if old.database_url else None
    assert upgraded == both(Settings(lake=str(tmp_path / "new"), database_url=shared))


def test_the_frozen_ledger_is_older_than_todays(lake: Settings) -> None:
    with closing(sqlite3.connect(Path(lake.lake, "ledger.sqlite"))) as connection:
        made = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert made < set(schema.METADATA.tables)


def test_the_second_upgrade_does_nothing(lake: Settings) -> None:
    upgrade(lake, "M. Curie")
    before = Path(lake.lake, "ledger.sqlite").read_bytes()
    assert upgrade(lake, "M. Curie") == []
    assert Path(lake.lake, "ledger.sqlite").read_bytes() == before
    assert [(line["act"], line["who"], line["request"]) for line in audit.lines(lake)] == [("upgrade", "M. Curie", "format 2")]


def test_the_format_of_a_new_lake_is_that_of_the_last_migration(tmp_path: Path) -> None:
    assert [each.number for each in MIGRATIONS] == list(range(2, int(LAKE_FORMAT) + 1))
    with closing(Ledger(Settings(lake=str(tmp_path / "new")))) as ledger:
        assert ledger.format == Format(MIGRATIONS[-1].number)


# Refusals


def say(settings: Settings, value: str) -> None:
    with closing(sqlite3.connect(Path(settings.lake, "ledger.sqlite"))) as connection, connection:
        connection.execute("UPDATE lake SET value = ? WHERE name = 'format'", [value])


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("1", "found format 1: .*`pscc upgrade`"),
        ("1 to 2", r"an upgrade from format 1 to 2 that has not ended: .*`pscc upgrade` again"),
        ("3", "at most .*found format 3: a newer version .*never taken back"),
        ("2 to 3", "at most .*found format 2 to 3: a newer version"),
        ("new", "found 'new': restore a backup"),
    ],
)
def test_a_lake_of_another_format_is_refused_by_who_writes_and_by_who_reads(lake: Settings, said: str, sentence: str) -> None:
    say(lake, said)
    for create in (True, False):
        with pytest.raises(WrongUse, match=sentence):
            Ledger(lake, create=create)


@pytest.mark.parametrize("said", ["3", "2 to 3"])
def test_a_newer_lake_is_not_upgraded_either(lake: Settings, said: str) -> None:
    say(lake, said)
    for refused in (lambda: due(lake), lambda: upgrade(lake, "M. Curie")):
        with pytest.raises(WrongUse, match="a lake is never taken back"):
            refused()


COMMANDS = [
    "verify",
    "maintain",
    "metrics",
    "build",
    "status",
    "rebuild silver",
    "decide ID approve --by A --why B",
    "sql SELECT",
    "tables",
    "builds",
    "cite 1",
    "changes 1",
    "export SELECT --to out.csv --purpose P",
    "release list",
    "cohort list",
    "rights list",
    "audit verify",
    "access list",
    "quarantine list",
    "delivery show ID",
    "alerts",
    "lineage gold.endpoint",
    "keys list",
    "keys rotate certificate --by A",
]


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a platform key and a lake that a newer version has made."""
    folder = tmp_path_factory.mktemp("newer")
    (folder / "platform.key").write_text("11" * 32)
    (folder / "platform.key").chmod(0o600)
    made = Settings(lake=str(folder / "lake"))
    make_old(made)
    say(made, "3")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_opens_a_lake_refuses_a_newer_one(
    newer: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(newer / "lake"))
    monkeypatch.setenv("PSCC_PLATFORM_KEY_FILE", str(newer / "platform.key"))
    monkeypatch.chdir(newer)
    monkeypatch.setattr(sys, "argv", ["pscc", *command.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2, capsys.readouterr()
    assert "found format 3" in capsys.readouterr().err


def test_a_notebook_refuses_a_newer_lake(lake: Settings) -> None:
    say(lake, "3")
    with pytest.raises(WrongUse, match="format 3"):
        open_gold(lake.lake)


def test_who_waited_for_an_upgrade_to_a_newer_format_works_on_no_further(tmp_path: Path) -> None:
    settings = Settings(lake=str(tmp_path / "lake"))
    with closing(Ledger(settings)) as ledger:
        say(settings, "3")
        with pytest.raises(WrongUse, match="format 3"), ledger.hold("engine"):
            pytest.fail("held a lake that is not known")
        say(settings, LAKE_FORMAT)
        with ledger.hold("engine"):
            pass


# Tables


def lacking(settings: Settings, zone: str, name: str, columns: pa.Schema, *without: str) -> Lake:
    """A table with one row, without some columns (`_read.x`: a field of a struct) that its declaration has."""
    kept = [_part(each, without) for each in columns if each.name not in without]
    rows = pa.Table.from_pylist([{}], pa.schema([pa.field(each.name, each.type) for each in kept]))
    lake = Lake.of(settings)
    write_deltalake(lake.path(zone, name), rows)
    return lake


def _part(column: pa.Field, without: tuple[str, ...]) -> pa.Field:
    if not pa.types.is_struct(column.type):
        return column
    return pa.field(column.name, pa.struct([each for each in column.type if f"{column.name}.{each.name}" not in without]))


PATIENT = next(each for each in hospitals()["gr"].feeds if each.domain == "patient")


@pytest.mark.parametrize(
    ("zone", "name", "columns", "without"),
    [
        ("silver", "primary_cancer", pa.schema(delta_schema(contracts("silver")["primary_cancer"])), ("laterality",)),
        ("bronze", "record", RECORD, ("content_hash",)),
        ("bronze", "gr_patient", bronze_schema(staged_schema(hospitals()["gr"], PATIENT)), ("SEXE", "_read.SEXE")),
    ],
)
def test_a_table_gets_the_columns_that_its_declaration_gained_and_keeps_its_rows(
    lake: Settings, zone: str, name: str, columns: pa.Schema, without: tuple[str, ...]
) -> None:
    found = lacking(lake, zone, name, columns, *without)
    upgrade(lake, "M. Curie")
    table = found.table(zone, name)
    assert (table.version(), sorted(each.name for each in table.schema().fields)) == (1, sorted(columns.names))
    rows = found.read(zone, name)
    assert rows.num_rows == 1
    assert rows.schema.field(without[0]).type == columns.field(without[0]).type
    for struct in (each for each in columns if pa.types.is_struct(each.type)):
        assert {each.name for each in rows.schema.field(struct.name).type} == {each.name for each in struct.type}
    assert to_make_again(lake) == ([name] if zone == "silver" else [])


def test_a_column_of_another_type_stops_the_upgrade_before_any_table_changes(lake: Settings) -> None:
    found = lacking(lake, "bronze", "record", RECORD, "content_hash")
    write_deltalake(found.path("bronze", "link"), pa.table({"center": ["gr"], "confidence": ["high"]}))
    with pytest.raises(LakehouseError, match=r"bronze\.link\.confidence"):
        upgrade(lake, "M. Curie")
    assert found.version("bronze", "record") == 0
    with pytest.raises(WrongUse, match="has not ended"):
        Ledger(lake)


# Killed


def run(settings: Settings, failpoint: str = "") -> int:
    """`pscc upgrade` in a process of its own, killed at a place; how it ended."""
    environment = os.environ | {VARIABLE: failpoint}
    words = ["upgrade", "--by", "M. Curie", "--lake", settings.lake]
    return subprocess.run(
        [sys.executable, "-m", "jobs.cli", *words], env=environment, capture_output=True, check=False
    ).returncode


def state(settings: Settings) -> dict[str, Any]:
    """What an upgrade leaves: databases, tables, audit."""
    with closing(Ledger(settings)) as ledger, ledger.engine.begin() as connection:
        told = {row.name: row.value for row in connection.execute(select(LAKE))}
    lake = Lake.of(settings)
    columns = {name: sorted(each.name for each in lake.table("silver", name).schema().fields) for name in lake.tables("silver")}
    versions = {name: lake.version("silver", name) for name in lake.tables("silver")}
    acts = [(line["act"], line["request"]) for line in audit.lines(settings)]
    return {"both": both(settings), "told": told, "columns": columns, "versions": versions, "acts": acts}


def made(folder: Path) -> Settings:
    """A lake of format 1 with two silver tables that lack a column."""
    settings = Settings(lake=str(folder / "lake"))
    make_old(settings)
    for name, gone in (("primary_cancer", "laterality"), ("surgery", "valid_to")):
        lacking(settings, "silver", name, pa.schema(delta_schema(contracts("silver")[name])), gone)
    return settings


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an upgrade leaves that nobody killed."""
    settings = made(tmp_path_factory.mktemp("undisturbed"))
    upgrade(settings, "M. Curie")
    return state(settings)


@pytest.mark.parametrize(
    "place",
    [pytest.param(each, marks=() if each == "upgrade_vault" else pytest.mark.acceptance) for each in PLACES],
)
def test_killed_anywhere_and_run_again_an_upgrade_ends_the_same(undisturbed: dict[str, Any], place: str, tmp_path: Path) -> None:
    settings = made(tmp_path)
    assert run(settings, place) == -signal.SIGKILL
    with pytest.raises(WrongUse, match="upgrade from format 1 to 2 that has not ended"):
        Ledger(settings)
    assert run(settings) == 0
    assert state(settings) == undisturbed
    assert undisturbed["told"] == {"format": "2", "platform_key": "0123", "silver_to_make_again": "primary_cancer surgery"}
    assert undisturbed["versions"] == {"primary_cancer": 1, "surgery": 1}
