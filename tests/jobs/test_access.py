"""The access log: what a statement reads, without a word of what it asks; what came of it; how long it is kept."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql import SparkSession

from hub_config.access import TOLD, AccessLog, note_entry
from jobs import access
from jobs.access import Read
from jobs.errors import WrongUse
from jobs.lake import Lake
from jobs.settings import Settings
from jobs.silver.engine import Engine


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(str(tmp_path / "lake"))
    rows = pl.DataFrame({"person_id": ["p1"], "sex": ["F"], "birth_date": ["1950-01"]}).to_arrow()
    for _ in range(2):
        made.write("silver", "person", rows)
    made.write("gold", "patient_summary", rows)
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT sex FROM silver.person WHERE birth_date = '1950-01'", [Read("silver.person", 1, ("sex", "birth_date"))]),
        ("SELECT * FROM `silver` . `person`", [Read("silver.person", 1, ("*",))]),
        ("SELECT count(*), 2 * 3 FROM silver.person -- sex", [Read("silver.person", 1, ())]),
        ("SELECT sex FROM silver.person VERSION AS OF 0", [Read("silver.person", None, ("sex",))]),
        ("WITH p AS (FROM silver.person) SELECT person_id FROM gold.patient_summary JOIN p USING (person_id)", 2),
        ("SELECT 'silver.person'", []),
        ("SELECT 1 AS sex FROM silver.nothing", []),
        ("SELECT sex FROM delta.`/lake/silver/person`", [Read("?", None, ()), Read("silver.person", 1, ("sex",))]),
        ("SELECT * FROM parquet.`/lake/s*/p*`", [Read("?", None, ())]),
        # Spark reads these otherwise than an expression does: that something was read is noted all the same.
        ("SELECT /*+ COALESCE(1) */ * FROM silver/*c*/.person", [Read("?", None, ())]),
        ("SELECT '\\\\' FROM silver -- c\n.person", [Read("?", None, ())]),
    ],
)
def test_a_statement_names_what_it_reads(lake: Lake, query: str, found: list[Read] | int) -> None:
    told = access.reads(lake, query)
    assert (len(told) if isinstance(found, int) else told) == found


def test_a_build_says_the_version(lake: Lake) -> None:
    assert access.reads(lake, "SELECT sex FROM gold.patient_summary", {"patient_summary": 7}) == [
        Read("gold.patient_summary", 7, ("sex",))
    ]


def test_what_a_command_reads_is_noted_by_the_user_whom_the_system_knows(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "somebody else")
    monkeypatch.setenv("LOGNAME", "somebody else")
    settings = Settings(lake=lake.root)
    access.note(settings, "pscc sql", access.reads(lake, "SELECT sex FROM silver.person WHERE person_id = 'p1'"))
    access.note(settings, "pscc sql", [])
    (told,) = access.listed([access.place(settings)])
    assert (told.table, told.version, told.columns, told.through) == ("silver.person", 1, ("person_id", "sex"), "pscc sql")
    assert told.who
    assert "somebody" not in told.who
    (file,) = access.place(settings).iterdir()
    assert "p1" not in file.read_text()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_query_of_a_person_is_noted_before_it_is_asked(lake: Lake, spark: SparkSession) -> None:
    settings = Settings(lake=lake.root)
    engine = Engine(settings)
    engine._spark = spark
    assert engine.sql("SELECT sex FROM silver.person WHERE birth_date = '1950-01'").num_rows == 2
    with pytest.raises(WrongUse, match="changes or runs something"):
        engine.sql("DELETE FROM silver.person")
    (told,) = access.listed([access.place(settings)])
    assert (told.table, told.version, told.columns) == ("silver.person", 1, ("sex", "birth_date"))
    assert "1950-01" not in next(access.place(settings).iterdir()).read_text()


def test_what_cannot_be_noted_is_not_read(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PSCC_ACCESS_LOG", str(tmp_path / "file"))
    with pytest.raises(WrongUse, match=r"^Expected to note this in the access log .* Nothing was read"):
        access.note(Settings(lake=lake.root), "pscc sql", [Read("silver.person", 1, ())])
    monkeypatch.delenv("PSCC_ACCESS_LOG")
    with pytest.raises(WrongUse, match="Expected PSCC_ACCESS_LOG to name a folder"):
        access.place(Settings(lake="s3a://clinical/lake"))


def lines_of_engine(folder: Path) -> None:
    """A query that its client first has understood and then asks for its rows, and one that is refused."""
    log = AccessLog(folder, now=lambda: datetime(2026, 3, 1, tzinfo=UTC))
    known = {"who": "ada", "session": "s"}
    read = {"event": "read", "table": "gold.endpoint", "version": 3, "columns": ["event"]}
    ended = {"event": "ended", "client": "python", "rows": 12}
    for line in (
        known | read | {"operation": "1"},
        known | ended | {"operation": "1", "outcome": "understood"},
        known | read | {"operation": "2"},
        known | ended | {"operation": "2", "outcome": "answered"},
        known | ended | {"operation": "3", "outcome": "refused", "rows": 0},
        known | ended | {"operation": "4", "outcome": "answered", "rows": 3},
    ):
        log.write(TOLD + json.dumps(line).encode() + b"\n")


def test_nobody_hides_a_read_by_giving_another_query_its_number(tmp_path: Path) -> None:
    log = AccessLog(tmp_path, now=lambda: datetime(2026, 3, 1, tzinfo=UTC))
    ada = {"who": "ada", "session": "s", "operation": "1"}
    for line in (
        ada | {"event": "read", "table": "gold.endpoint", "version": 3, "columns": ["event"]},
        ada | {"event": "ended", "client": "python", "rows": 12, "outcome": "answered"},
        ada | {"event": "ended", "client": "python", "rows": 0, "outcome": "understood"},
        ada | {"who": "bob", "event": "ended", "client": "python", "rows": 0, "outcome": "understood"},
    ):
        log.write(TOLD + json.dumps(line).encode() + b"\n")
    assert [(each.who, each.table, each.outcome, each.rows) for each in access.listed([tmp_path])] == [
        ("ada", "gold.endpoint", "answered", 12)
    ]


def test_a_query_that_spark_understands_in_steps_is_a_line_for_each_table(tmp_path: Path) -> None:
    log = AccessLog(tmp_path, now=lambda: datetime(2026, 3, 1, tzinfo=UTC))
    ada = {"who": "ada", "session": "s", "operation": "1"}
    read = ada | {"event": "read", "table": "gold.endpoint", "version": 3}
    ended = ada | {"event": "ended", "client": "python", "rows": 12, "outcome": "answered"}
    for line in (
        read | {"columns": ["event", "days"]},
        read | {"columns": ["days", "entry_days"]},
        read | {"table": "gold.cohort", "columns": ["subject_id"]},
        read | {"version": 2, "columns": ["event"]},
        ended,
        # Another query, under the number of the first.
        read | {"columns": ["event"]},
        ended,
    ):
        log.write(TOLD + json.dumps(line).encode() + b"\n")
    assert [(each.table, each.version, each.columns) for each in access.listed([tmp_path])] == [
        ("gold.endpoint", 3, ("event", "days", "entry_days")),
        ("gold.cohort", 3, ("subject_id",)),
        ("gold.endpoint", 2, ("event",)),
        ("gold.endpoint", 3, ("event",)),
    ]


def test_a_command_inside_of_what_was_only_understood_is_listed(tmp_path: Path) -> None:
    log = AccessLog(tmp_path, now=lambda: datetime(2026, 3, 1, tzinfo=UTC))
    ada = {"who": "ada", "session": "s", "operation": "1"}
    read = ada | {"event": "read", "table": "gold.endpoint", "version": 3, "columns": ["event"]}
    ended = ada | {"event": "ended", "client": "python", "rows": 0, "outcome": "understood"}
    for line in (read, read | {"runs": True}, ended):
        log.write(TOLD + json.dumps(line).encode() + b"\n")
    assert [(each.table, each.outcome) for each in access.listed([tmp_path])] == [("gold.endpoint", "understood")]


def test_a_query_of_the_engine_is_one_read_with_what_came_of_it(tmp_path: Path) -> None:
    lines_of_engine(tmp_path)
    found = list(access.listed([tmp_path]))
    assert [(each.table, each.outcome, each.rows, each.client) for each in found] == [
        ("gold.endpoint", "answered", 12, "python"),
        (None, "refused", 0, "python"),
    ]


def test_who_came_into_the_academy_of_the_services_is_listed_beside_the_reads(tmp_path: Path) -> None:
    settings, services = Settings(lake=str(tmp_path / "lake")), tmp_path / "services"
    access.note(settings, "pscc sql", [Read("gold.endpoint", 3, ("event",))])
    state = services / "academy" / "state"
    note_entry(state, "log-in", who=None, client="192.0.2.1", outcome="log-in refused")
    note_entry(state, "server", who="ana", client="192.0.2.1", outcome="server started")
    more = {"through": "portal", "table": "academy.attempts", "rows": 12}
    note_entry(state, "view", who="marie", client="192.0.2.1", outcome="shown", **more)
    found = list(access.listed(access.folders(settings, services)))
    assert [(each.through, each.table, each.outcome) for each in found] == [
        ("pscc sql", "gold.endpoint", "read"),
        ("hub", None, "log-in refused"),
        ("hub", None, "server started"),
        ("portal", "academy.attempts", "shown"),
    ]
    assert [each.outcome for each in access.listed(access.folders(settings, services), who="ana")] == ["server started"]
    assert access.of_academy(services / "academy") == [state / "access"]


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"table": "gold.endpoint"}, 1),
        ({"table": "gold.other"}, 0),
        ({"who": "ada"}, 2),
        ({"who": "ben"}, 0),
        ({"since": date(2026, 3, 1)}, 2),
        ({"since": date(2026, 3, 2)}, 0),
    ],
)
def test_the_officer_asks_by_table_person_and_day(tmp_path: Path, asked: dict, number: int) -> None:
    lines_of_engine(tmp_path)
    assert len(list(access.listed([tmp_path], **asked))) == number


def test_a_line_that_was_cut_short_hides_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines_of_engine(tmp_path)
    with (tmp_path / "2026-03-01.jsonl").open("a") as log:
        log.write('{"at": "2026-')
    assert len(list(access.listed([tmp_path]))) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_twelve_months_are_kept_and_no_day_less(tmp_path: Path) -> None:
    for day in ("2025-03-01", "2025-11-20", "2026-11-26"):
        (tmp_path / f"{day}.jsonl").touch()
    assert access.forget(tmp_path, 12, date(2026, 11, 27)) == 1
    (tmp_path / "2025-03-01.jsonl").touch()
    AccessLog(tmp_path, 12, lambda: datetime(2026, 11, 27, tzinfo=UTC)).write(TOLD + b'{"event": "read"}')
    assert sorted(file.name for file in tmp_path.iterdir()) == ["2025-11-20.jsonl", "2026-11-26.jsonl", "2026-11-27.jsonl"]


@pytest.mark.parametrize("told", ["5", "13", "a year", "-6"])
def test_less_than_six_months_or_more_than_a_year_are_refused(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSCC_ACCESS_MONTHS", told)
    with pytest.raises(WrongUse, match=r"^Expected PSCC_ACCESS_MONTHS to be a number of months from 6 to 12"):
        access.months()
