"""Maintenance: rows stay what they are, a replay stays a no-op, a backup restores; what is needed is never deleted."""

import json
import os
import shutil
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from deltalake import DeltaTable
from sqlalchemy import update

from jobs import access, audit, ingest
from jobs.build import GoldBuild
from jobs.commands import operating
from jobs.errors import ContractViolation, GateFailed, LakehouseError, LeaseLost, WrongUse
from jobs.lake import ZONES, Lake, content_hash
from jobs.landing.signature import load_keys
from jobs.landing.vault import Vault
from jobs.ledger import Fence, Ledger, notes
from jobs.ledger.schema import DELIVERY, LEASE
from jobs.maintenance import backup, logs, maintain, proofs, retention
from jobs.maintenance.compact import FEW
from jobs.maintenance.compact import compact as compacted
from jobs.maintenance.vacuum import vacuum
from jobs.rights import certificate, requests
from jobs.settings import Settings
from quality.contracts import contracts
from tests import postgres
from tests.jobs.deliveries import know
from tests.jobs.landed import Landed, landed
from tests.jobs.test_ingest_samples import NoEngine

LONG_AGO = time.time() - 60 * 86_400


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return landed(tmp_path_factory.mktemp("maintenance"))


@pytest.fixture
def world(whole: Landed, tmp_path: Path) -> Landed:
    """A copy of the lake that a test may change."""
    shutil.copytree(whole.settings.lake, tmp_path / "lake")
    settings = Settings(lake=str(tmp_path / "lake"), platform_key_file=whole.settings.platform_key_file)
    return Landed(settings, whole.world, whole.reports)


def contents(lake: Lake) -> dict[str, str]:
    """What every table holds."""
    return {f"{zone}.{name}": content_hash(lake.frame(zone, name)) for zone in ZONES for name in lake.tables(zone)}


def grown(root: Path, zone: str, table: str, commits: int) -> Lake:
    """A lake with one table that so many commits have filled, one row each."""
    lake = Lake(str(root))
    for number in range(commits):
        rows = pa.table({"center": ["gr"], "delivery_id": [f"GR-{number}"], "value": [f"secret {number:03}"]})
        lake.write(zone, table, rows, transaction=("pscc/test", number + 1))
    return lake


# Compaction


@pytest.mark.parametrize("zone", ["bronze", "silver", "ops"])
def test_small_files_become_one_and_the_rows_stay(tmp_path: Path, zone: str) -> None:
    lake = grown(tmp_path, zone, "t", 12)
    before = contents(lake)
    assert compacted(lake, zone, "t") == 11
    assert (len(DeltaTable(lake.path(zone, "t")).file_uris()), contents(lake)) == (1, before)


def test_what_is_put_together_keeps_no_least_or_greatest_value_of_a_person(tmp_path: Path) -> None:
    lake = grown(tmp_path, "silver", "t", 12)
    compacted(lake, "silver", "t")
    found = DeltaTable(lake.path("silver", "t"))
    log = Path(lake.path("silver", "t"), "_delta_log", f"{found.version():020}.json").read_text()
    assert "secret" not in log
    # Who follows the changes of a table has nothing to follow.
    assert (log.count('"dataChange":false'), log.count('"dataChange":true')) == (13, 0)
    column = pq.ParquetFile(found.file_uris()[0].removeprefix("file://")).metadata.row_group(0).column(2)
    assert (column.path_in_schema, column.statistics) == ("value", None)


def test_a_table_with_few_small_files_is_left_as_it_is(tmp_path: Path) -> None:
    lake = grown(tmp_path, "silver", "t", FEW - 1)
    version = lake.version("silver", "t")
    assert (compacted(lake, "silver", "t"), lake.version("silver", "t")) == (0, version)


def test_silver_is_kept_in_many_files_of_so_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.silver.layout.FILE_ROWS", 4)
    lake = grown(tmp_path, "silver", "t", 12)
    compacted(lake, "silver", "t")
    assert [pl.read_parquet(file).height for file in DeltaTable(lake.path("silver", "t")).file_uris()] == [4, 4, 4]


def test_gold_is_not_made_again_for_files_that_were_put_together_but_for_rows_that_came(tmp_path: Path) -> None:
    lake = grown(tmp_path, "silver", "person", 12)
    product = next(each for each in contracts("gold").values() if "silver.person" in each.reads)
    build = GoldBuild(lambda: pytest.fail("no engine is needed"), lake, 1)  # type: ignore[arg-type, return-value]
    before = build._inputs(product)
    compacted(lake, "silver", "person")
    assert build._inputs(product) == before
    lake.write("silver", "person", pa.table({"center": ["gr"], "delivery_id": ["GR-99"], "value": ["x"]}))
    assert build._inputs(product) != before


def test_the_version_of_the_rows_is_that_before_files_were_put_together_until_rows_come(tmp_path: Path) -> None:
    lake = grown(tmp_path, "silver", "t", 12)
    assert lake.content("silver", "t") == lake.version("silver", "t") == 11
    compacted(lake, "silver", "t")
    assert (lake.content("silver", "t"), lake.version("silver", "t")) == (11, 12)
    lake.write("silver", "t", pa.table({"center": ["gr"], "delivery_id": ["GR-99"], "value": ["x"]}))
    assert lake.content("silver", "t") == lake.version("silver", "t") == 13
    assert lake.content("silver", "nothing") == -1


# Logs


def aged(lake: Lake, zone: str, table: str) -> Path:
    """The log of a table, as if it were two months old."""
    log = Path(lake.path(zone, table), "_delta_log")
    for file in log.iterdir():
        os.utime(file, (LONG_AGO, LONG_AGO))
    return log


def test_a_log_is_cut_at_its_checkpoint_and_the_table_stays(tmp_path: Path) -> None:
    lake = grown(tmp_path, "bronze", "t", 24)
    before, log = contents(lake), aged(lake, "bronze", "t")
    assert logs.clean_log(lake, "bronze", "t") > 20
    assert len(list(log.glob("*.json"))) <= 1
    fresh = Lake(str(tmp_path))
    assert contents(fresh) == before
    assert not fresh.write("bronze", "t", pa.table({"center": ["gr"]}), transaction=("pscc/test", 24))


def test_commits_of_the_last_days_stay_in_the_log(tmp_path: Path) -> None:
    lake = grown(tmp_path, "bronze", "t", 24)
    assert logs.clean_log(lake, "bronze", "t") <= 0
    assert len(list(Path(lake.path("bronze", "t"), "_delta_log").glob("*.json"))) == 24


def test_a_checkpoint_that_forgot_a_transaction_deletes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = grown(tmp_path, "bronze", "t", 24)
    log = aged(lake, "bronze", "t")
    monkeypatch.setattr(logs, "_of_checkpoint", lambda _: {"pscc/test": 23})
    with pytest.raises(
        LakehouseError,
        match=r"^Expected the checkpoint of bronze\.t to know the last transaction of every writer, found pscc/test",
    ):
        logs.clean_log(lake, "bronze", "t")
    assert len(list(log.glob("*.json"))) == 24


def test_a_delivery_that_is_loaded_again_after_all_logs_were_cut_changes_nothing(
    world: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a crash between the commit and the ledger leaves, found the morning after maintenance."""
    monkeypatch.setattr(logs, "FEW", 1)
    lake = Lake(world.settings.lake)
    for zone in ZONES:
        for name in lake.tables(zone):
            aged(lake, zone, name)
    before = {name: told for name, told in contents(lake).items() if name.startswith("bronze.")}
    maintain(world.settings, "logs")
    assert {len(list(Path(lake.path("bronze", name), "_delta_log").glob("*.json"))) for name in lake.tables("bronze")} <= {0, 1}
    with closing(Ledger(world.settings)) as ledger, ledger.engine.begin() as connection:
        here = DELIVERY.c.delivery_id == world.of("gr")
        connection.execute(update(DELIVERY).where(here).values(state="loading", in_bronze=False, pass_number=None))
    keys = load_keys(world.world.keys)
    found = list(ingest.ingest(world.settings, world.world.landing, keys, NoEngine()))  # type: ignore[arg-type]
    assert [(each.delivery_id, each.outcome) for each in found] == [(world.of("gr"), "accepted")]
    assert {name: told for name, told in contents(Lake(world.settings.lake)).items() if name.startswith("bronze.")} == before


# Vacuum


def test_files_that_no_version_needs_go_without_a_commit(tmp_path: Path) -> None:
    lake = grown(tmp_path, "silver", "t", 12)
    compacted(lake, "silver", "t")
    place, version = Path(lake.path("silver", "t")), lake.version("silver", "t")
    orphan, fresh = place / "part-orphan.parquet", place / "part-fresh.parquet"
    for file in (orphan, fresh):
        file.write_bytes(b"left by a crash")
    os.utime(orphan, (LONG_AGO, LONG_AGO))
    assert vacuum(lake, "silver", "t") == 1
    assert (orphan.exists(), fresh.exists(), lake.version("silver", "t")) == (False, True, version)
    # Somebody may still read the files that were put together.
    assert len(list(place.glob("*.parquet"))) == 14


# Retention


def later(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_nothing_leaves_the_landing_area_unless_told(world: Landed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PSCC_KEEP_LANDING_DAYS", raising=False)
    assert "nothing leaves" in maintain(world.settings, "retention")
    monkeypatch.setenv("PSCC_KEEP_LANDING_DAYS", "soon")
    with pytest.raises(WrongUse, match=r"^Expected PSCC_KEEP_LANDING_DAYS to be a number of days from 1 to 36,500, found 'soon'"):
        maintain(world.settings, "retention")


def known_as(ledger: Ledger, delivery_id: str, **values: object) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(update(DELIVERY).where(DELIVERY.c.delivery_id == delivery_id).values(**values))


def test_only_what_nobody_needs_is_settled(whole: Landed, tmp_path: Path) -> None:
    with closing(Ledger(Settings(lake=str(tmp_path / "lake")))) as ledger:
        with ledger.hold("hospital/gr") as lease:
            for name, previous in ("a", None), ("b", "a"), ("c", "b"):
                know(ledger, lease, name, "loaded", previous)
        lake = Lake(str(tmp_path / "lake"))
        names = [each.delivery_id for each in ledger.deliveries()]
        settled = lambda days, at: [each.delivery_id for each in retention.settled(ledger, lake, days, at)]  # noqa: E731
        assert settled(30, later(31)) == names[:2]
        assert settled(30, later(29)) == []
        rows = {"delivery_id": [names[0]], "source_file": ["f"], "source_row_no": [1], "center": ["gr"], "domain": ["patient"]}
        lake.write("quarantine", "gr_patient", pa.table(rows | {"status": ["set_aside"], "reason": ["R"], "columns": [["c"]]}))
        assert settled(30, later(31)) == names[1:2]
        known_as(ledger, names[2], state="held")
        assert settled(30, later(31)) == []


def test_nothing_leaves_while_a_request_of_somebody_is_open(world: Landed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSCC_KEEP_LANDING_DAYS", "30")
    assert "have left" in maintain(world.settings, "retention")
    asked = requests.received(world.settings, "oppose", "gr", ["a" * 64], "all", "A. Officer", "a letter")
    assert maintain(world.settings, "retention").startswith(f"{asked.id} of people is not carried out: nothing leaves")


def test_a_settled_delivery_leaves_and_a_folder_that_is_none_stays(whole: Landed, tmp_path: Path) -> None:
    with closing(Ledger(whole.settings)) as ledger:
        delivery = ledger.deliveries(None, "loaded")[0]
    copy = tmp_path / "landing" / delivery.delivery_id
    shutil.copytree(delivery.folder, copy)
    assert retention.remove(replace(delivery, folder=str(copy)))
    assert not copy.exists()
    assert not retention.remove(replace(delivery, folder=str(copy)))
    assert not retention.remove(replace(delivery, folder=str(tmp_path)))
    assert tmp_path.exists()


def test_nothing_old_is_deleted_until_a_backup_that_was_asked_for_was_made_and_restored(
    world: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = ["logs", "vacuum", "retention"]

    def refused() -> list[str]:
        """The steps that delete and were not allowed to."""
        said = dict[str, str]()
        for step in every:
            try:
                said[step] = maintain(world.settings, step)
            except GateFailed as error:
                said[step] = str(error)
        sentence = "Expected the last backup to be whole before anything old is deleted, found"
        return [step for step, told in said.items() if told.startswith(sentence)]

    monkeypatch.delenv("PSCC_BACKUP", raising=False)
    assert refused() == []
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "backups"))
    assert refused() == every
    maintain(world.settings, "backup")
    assert refused() == []
    (tmp_path / "backups").chmod(0o755)
    with pytest.raises(WrongUse):
        maintain(world.settings, "backup")
    assert refused() == every
    (tmp_path / "backups").chmod(0o700)
    maintain(world.settings, "drill")
    assert refused() == []
    file = next((tmp_path / "backups" / "files").rglob("*.parquet"))
    file.unlink()
    with pytest.raises(LakehouseError):
        maintain(world.settings, "drill")
    assert refused() == every
    monkeypatch.delenv("PSCC_BACKUP")
    assert refused() == []


# Alone in the lake


def taken_over(settings: Settings, name: str) -> None:
    """Another worker takes a lease, as it may once a minute has gone by without a sign of life."""
    _change(settings, name, token=LEASE.c.token + 1)


def let_go(settings: Settings, name: str) -> None:
    """That worker has done its work."""
    _change(settings, name, expires=0.0)


def _change(settings: Settings, name: str, **to: Any) -> None:
    with closing(Ledger(settings)) as ledger, ledger.engine.begin() as connection:
        assert connection.execute(update(LEASE).where(LEASE.c.name == name).values(**to)).rowcount == 1


@pytest.mark.parametrize("name", ["hospital/gr", "hospital/unknown", "release", "engine", "mirror"])
def test_who_lost_a_lease_stops_before_the_next_table(world: Landed, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    done = []

    def work(lake: Lake, zone: str, table: str, fence: Fence) -> int:
        done.append(table)
        if len(done) == 2:
            taken_over(world.settings, name)
        return 0

    monkeypatch.setattr("jobs.maintenance.compact", work)
    with pytest.raises(LeaseLost, match=f"^Expected to hold {name}, found that another worker took it over"):
        maintain(world.settings, "compact")
    assert len(done) == 2


def test_who_lost_a_lease_deletes_and_commits_nothing(tmp_path: Path) -> None:
    def lost() -> None:
        raise LeaseLost("lost")

    lake = grown(tmp_path, "silver", "t", 24)
    place = Path(lake.path("silver", "t"))
    (place / "part-orphan.parquet").write_bytes(b"left by a crash")
    os.utime(place / "part-orphan.parquet", (LONG_AGO, LONG_AGO))
    log = aged(lake, "silver", "t")
    for work in (compacted, logs.clean_log, vacuum):
        with pytest.raises(LeaseLost):
            work(lake, "silver", "t", lost)
    assert len(list(log.glob("*.json"))) == 24
    assert (place / "part-orphan.parquet").exists()


def test_no_backup_is_begun_where_the_disk_of_those_before_is_missing(
    world: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, disk = tmp_path / "backups", tmp_path / "disk"
    monkeypatch.setenv("PSCC_BACKUP", str(to))
    maintain(world.settings, "backup")
    to.rename(disk)
    for is_mount_point in (False, True):
        if is_mount_point:
            to.mkdir(mode=0o700)
        with pytest.raises(WrongUse, match=f"Expected the earlier backups in {to}, found none: mount its disk"):
            maintain(world.settings, "backup")
        with pytest.raises(GateFailed, match="before anything old is deleted"):
            maintain(world.settings, "vacuum")
        assert is_mount_point or not to.exists()
    to.rmdir()
    disk.rename(to)
    # Two in one second would have one name.
    time.sleep(1.1)
    maintain(world.settings, "backup")
    maintain(world.settings, "vacuum")
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "another"))
    maintain(world.settings, "backup")


def test_a_backup_that_lost_a_lease_is_none(world: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "backups"))
    save = proofs.save

    def slow(settings: Settings, to: Path) -> None:
        save(settings, to)
        taken_over(settings, "release")

    monkeypatch.setattr(proofs, "save", slow)
    with pytest.raises(LeaseLost, match=r"^Expected to hold release"):
        maintain(world.settings, "backup")
    with pytest.raises(WrongUse, match=r"^Expected a backup in .*, found none"):
        backup.newest(tmp_path / "backups")
    monkeypatch.setattr(proofs, "save", save)
    let_go(world.settings, "release")
    maintain(world.settings, "backup")
    assert backup.newest(tmp_path / "backups")


# Backup and restore


def test_two_backups_at_a_time_are_made_one_after_the_other(
    world: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "backups"))
    save, others = proofs.save, list[Future[str]]()
    with ThreadPoolExecutor(1) as pool:

        def slow(settings: Settings, to: Path) -> None:
            if not others:
                others.append(pool.submit(maintain, settings, "backup"))
                time.sleep(2)
            save(settings, to)

        monkeypatch.setattr(proofs, "save", slow)
        assert "is in" in maintain(world.settings, "backup")
    assert "is in" in others[0].result()
    assert len(list((tmp_path / "backups").glob("[0-9]*T*Z"))) == 2


def test_a_backup_restores_to_the_same_tables_ledger_and_vault(
    world: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "backups"))
    before = contents(Lake(world.settings.lake))
    assert "is in" in maintain(world.settings, "backup")
    assert "are whole" in maintain(world.settings, "drill")
    again = Settings(lake=str(tmp_path / "again"), platform_key_file=world.settings.platform_key_file)
    with pytest.raises(typer.Exit) as ended:
        operating.restore(backup.newest(tmp_path / "backups"), again.lake)
    assert ended.value.exit_code == 0
    assert capsys.readouterr().out.endswith(
        "`pscc rights list` of the old lake names the requests: make each again in this one.\n"
    )
    assert contents(Lake(again.lake)) == before
    # Nobody has handed it over yet.
    assert Path(again.lake).stat().st_mode & 0o777 == 0o700
    with closing(Ledger(again)) as ledger, ledger.engine.begin() as connection:
        assert [notes.said(connection, name) for name in (backup.BEGUN, backup.BACKED_UP)] == [None, None]
    # Ledger and vault know all that was loaded: nothing is new to them.
    keys = load_keys(world.world.keys)
    assert list(ingest.ingest(again, world.world.landing, keys, NoEngine())) == []  # type: ignore[arg-type]
    assert contents(Lake(again.lake)) == before


def proven(settings: Settings) -> Path:
    """A request and the act of an erasure, in the audit, with a certificate."""
    requests.received(settings, "oppose", "gr", ["ab" * 32], "all", "dpo", "letter 1")
    with closing(Vault(settings)) as vault:
        line = audit.note(settings, vault, who="dpo", act="erase", purpose="letter 2", request="E-1", rows=3)
    return certificate.write(settings, certificate.sign(settings, {"request": "E-1", "audit": line}))


def test_audit_and_certificates_come_with_a_backup_and_the_drill_looks_at_them(
    world: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "backups"))
    proof = proven(world.settings)
    maintain(world.settings, "backup")
    assert "and 2 acts of the audit are whole" in maintain(world.settings, "drill")
    again = Settings(lake=str(tmp_path / "again"), platform_key_file=world.settings.platform_key_file)
    saved = backup.newest(tmp_path / "backups")
    backup.restore(saved, again)
    assert audit.check(again) == 2
    restored = certificate.folder(again) / "certificates" / proof.name
    assert certificate.verify(again, restored)["request"] == "E-1"
    assert (certificate.folder(again) / "register.html").is_file()
    # What is signed from now on is signed with the same key.
    assert certificate.signer(certificate.write(again, certificate.sign(again, {"request": "E-2"}))) == certificate.signer(proof)
    kept = [*(saved / backup.PROOFS).rglob("*.*"), restored, audit.place(again)]
    assert {oct(file.stat().st_mode & 0o777) for file in kept if file.is_file()} == {"0o600"}
    (saved / backup.PROOFS / "audit.jsonl").unlink()
    with pytest.raises(ContractViolation, match=r"^Expected an audit of 2 lines at least"):
        maintain(world.settings, "drill")


def test_the_access_log_comes_with_a_backup_and_the_drill_leaves_the_real_one_alone(
    world: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "backups"))
    monkeypatch.setenv("PSCC_ACCESS_LOG", str(tmp_path / "log"))
    access.note(world.settings, "pscc sql", [access.Read("gold.endpoint", 3, ("event",))])
    (day,) = (tmp_path / "log").iterdir()
    maintain(world.settings, "backup")
    noted = day.read_text()
    day.unlink()
    assert "1 days of the access log and" in maintain(world.settings, "drill")
    assert not day.exists()
    again = Settings(lake=str(tmp_path / "again"), platform_key_file=world.settings.platform_key_file)
    saved = backup.newest(tmp_path / "backups")
    backup.restore(saved, again)
    assert (day.read_text(), day.stat().st_mode & 0o777) == (noted, 0o600)
    # What lies there is newer.
    day.write_text("newer\n")
    backup.restore(saved, Settings(lake=str(tmp_path / "third"), platform_key_file=world.settings.platform_key_file))
    assert day.read_text() == "newer\n"
    (saved / backup.ACCESSES / day.name).write_text("changed")
    with pytest.raises(LakehouseError, match="of the access log as it was copied, found another content"):
        maintain(world.settings, "drill")


def test_of_a_lake_in_a_store_they_lie_beside_the_key_and_newer_ones_there_stay(world: Landed, tmp_path: Path) -> None:
    """Where files lie hangs on the address alone: the store itself is not asked."""
    proof = proven(world.settings)
    key = tmp_path / "key" / "platform.key"
    key.parent.mkdir()
    shutil.copy(str(world.settings.platform_key_file), key)
    remote = Settings(lake="s3://lake", platform_key_file=key)
    proofs.save(world.settings, tmp_path / "first")
    proofs.put_back(tmp_path / "first", remote)
    assert audit.lines(remote) == audit.lines(world.settings)
    assert certificate.verify(remote, key.parent / "certificates" / proof.name)
    audit.place(remote).open("a").write("newer\n")
    proofs.put_back(tmp_path / "first", remote)
    assert audit.place(remote).read_text().endswith("newer\n")
    proofs.save(remote, tmp_path / "second")
    assert (tmp_path / "second" / "audit.jsonl").read_text().endswith("newer\n")
    with pytest.raises(WrongUse, match="PSCC_PLATFORM_KEY_FILE"):
        proofs.save(Settings(lake="s3://lake"), tmp_path / "third")


def test_a_second_backup_copies_no_data_again_and_old_ones_go(
    world: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "KEPT", 1)
    to = tmp_path / "backups"
    monkeypatch.setenv("PSCC_BACKUP", str(to))
    maintain(world.settings, "backup")
    files = {path: path.stat().st_mtime_ns for path in (to / "files").rglob("*.parquet")}
    time.sleep(1.1)
    maintain(world.settings, "backup")
    assert {path: path.stat().st_mtime_ns for path in (to / "files").rglob("*.parquet")} == files
    assert len(list(to.glob(f"*/{backup.MANIFEST}"))) == 1


def test_backups_of_an_older_format_stay_beside_new_ones_and_only_restoring_them_is_refused(
    world: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "backups"
    monkeypatch.setenv("PSCC_BACKUP", str(to))
    maintain(world.settings, "backup")
    older = backup.newest(to)
    told = json.loads((older / backup.MANIFEST).read_text())
    (older / backup.MANIFEST).write_text(json.dumps(told | {"format": "1"}))
    time.sleep(1.1)
    maintain(world.settings, "backup")
    assert backup.newest(to) != older
    assert "are whole" in maintain(world.settings, "drill")
    with pytest.raises(WrongUse, match=r"found format 1: restore it with the version of pscc that made it, then upgrade"):
        backup.restore(older, replace(world.settings, lake=str(tmp_path / "again")))


def test_a_file_that_rotted_in_the_backup_is_found_by_the_drill(
    world: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "backups"))
    maintain(world.settings, "backup")
    file = max((tmp_path / "backups" / "files").rglob("*.parquet"), key=lambda each: each.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(LakehouseError, match=f"^Expected {file.name} of the backup as it was copied, found another content"):
        maintain(world.settings, "drill")
    assert not (tmp_path / "backups" / ".drill").exists()


def test_ledger_and_vault_restore_into_postgresql_and_go_on_there(
    world: Landed, tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "backups"))
    maintain(world.settings, "backup")
    shared = postgres.emptied(postgresql)
    moved = Settings(lake=str(tmp_path / "moved"), platform_key_file=world.settings.platform_key_file, database_url=shared)
    backup.restore(backup.newest(tmp_path / "backups"), moved)
    with closing(Ledger(world.settings)) as old, closing(Ledger(moved)) as new:
        assert [vars(each) for each in new.deliveries()] == [vars(each) for each in old.deliveries()]
        assert new.announce("new/manifest.json", 1, 1, "new")
    with pytest.raises(WrongUse, match=r"^Expected an empty database to restore into, found rows in"):
        backup.restore(backup.newest(tmp_path / "backups"), Settings(lake=str(tmp_path / "third"), database_url=shared))


def test_backups_inside_the_lake_or_open_to_others_are_refused(
    world: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSCC_BACKUP", f"{world.settings.lake}/backups")
    with pytest.raises(WrongUse, match=r"^Expected backups outside the lake"):
        maintain(world.settings, "backup")
    (tmp_path / "open").mkdir(mode=0o755)
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "open"))
    with pytest.raises(WrongUse, match="to be closed to others, found it open"):
        maintain(world.settings, "backup")


def test_a_damaged_lake_is_told_and_an_unknown_step_refused(world: Landed) -> None:
    next(Path(world.settings.lake, "bronze", "gr_patient").glob("*.parquet")).unlink()
    with pytest.raises(GateFailed, match=r"^Expected a lake without faults, found 1\. bronze\.gr_patient: Expected the file"):
        maintain(world.settings, "verify")
    with pytest.raises(WrongUse, match=r"^Expected a step of maintenance \(verify, compact, .*\), found 'polish'"):
        maintain(world.settings, "polish")
