"""The command line: wrong use gets one sentence and exit code 2, and looking at the help costs nothing."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from sqlalchemy.exc import OperationalError

from jobs import cli, show_analysts
from jobs.errors import ContractViolation, GateFailed, LakehouseError, LeaseLost, WrongUse
from jobs.landing.model import Finding, Judgement
from jobs.ledger import Ledger
from jobs.services import users
from jobs.settings import Settings

ROOT = Path(__file__).parents[2]
Command = Callable[..., tuple[int, str, str]]
# What no message may show.
PATIENT = "born 1950-03"


@pytest.fixture
def pscc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in an empty folder; exit code, stdout, stderr."""
    for name in ("PSCC_PLATFORM_KEY_FILE", "PSCC_DATABASE_URL", "LAKE_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "landing").mkdir()
    (tmp_path / "keys.json").write_text("{}")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pscc", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("ingest landing --keys keys.json", "Expected PSCC_PLATFORM_KEY_FILE to name a file"),
        ("ingest landing --keys nothing.json", "Expected a key register"),
        ("validate nothing --keys keys.json", "Expected a delivery folder"),
        ("validate landing --keys nothing.json", "Expected a key register"),
        ("status", "Expected a lake in"),
        ("status --lake nothing", "Expected a lake in"),
        ("build --lake nothing", "Expected a lake in"),
        ("rebuild silver --lake nothing", "Expected a lake in"),
        ("sql SELECT --lake nothing", "Expected a lake in"),
        ("release make --from nothing", "Expected a lake in"),
        ("release list --lake nothing", "Expected a lake in"),
        ("release approve small-20260301 --by NAME --lake nothing", "Expected a lake in"),
        ("rights list --lake nothing", "Expected a lake in"),
        ("rights show RIGHTS-20260301-001 --lake nothing", "Expected a lake in"),
        ("audit verify --lake nothing", "Expected a lake in"),
        ("release make --size huge", "Invalid value for '--size'"),
        ("status --lake s3a://bucket/lake", "Expected a PostgreSQL ledger for the lake s3a://bucket/lake"),
        ("status --lake gs://bucket/lake", "Expected a folder or an address like s3a://bucket/folder, found gs://bucket/lake"),
        ("decide GR-20200101-001 approve --by X --why Y", "Expected PSCC_PLATFORM_KEY_FILE"),
        ("key nothing/platform.key", "Expected a folder"),
    ],
)
def test_wrong_use_gets_a_sentence(pscc: Command, command: str, sentence: str) -> None:
    code, out, err = pscc(*command.split())
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        "deliver",
        "ingest",
        "ingest landing",
        "rebuild gold",
        "decide X perhaps --by A --why B",
        "status --jsn",
        "sql SELECT --format xml",
    ],
)
def test_what_is_no_command_ends_with_2_and_no_traceback(pscc: Command, command: str) -> None:
    code, _, err = pscc(*command.split())
    assert code == 2
    assert "Traceback" not in err
    assert err.strip()


def test_a_platform_key_that_is_none_gets_a_sentence(pscc: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret")
    (tmp_path / "key").chmod(0o600)
    monkeypatch.setenv("PSCC_PLATFORM_KEY_FILE", str(tmp_path / "key"))
    code, _, err = pscc("ingest", "landing", "--keys", "keys.json")
    assert code == 2
    assert "64 lower-case hex digits" in err
    assert "secret" not in err


def test_a_landing_folder_that_is_not_there_gets_a_sentence(pscc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    pscc("key", "platform.key")
    monkeypatch.setenv("PSCC_PLATFORM_KEY_FILE", "platform.key")
    code, _, err = pscc("ingest", "nowhere", "--keys", "keys.json")
    assert (code, "Expected a landing folder" in err) == (2, True)


def test_a_lake_of_another_version_gets_a_sentence(pscc: Command, tmp_path: Path) -> None:
    Ledger(Settings(lake=str(tmp_path / "lake"))).close()
    with sqlite3.connect(tmp_path / "lake" / "ledger.sqlite") as database:
        database.execute("UPDATE lake SET value = '0'")
    code, _, err = pscc("status")
    assert (code, "Expected a lake of format" in err) == (2, True)


def test_a_full_disk_gets_a_sentence_and_another_exit_code(pscc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jobs.status.status", full)
    code, _, err = pscc("status")
    assert (code, "No space left on device" in err) == (3, True)


@pytest.mark.parametrize(("kind", "code"), [(GateFailed, 1), (ContractViolation, 1), (WrongUse, 2), (LeaseLost, 3)])
def test_a_refusal_is_no_traceback_and_its_exit_code_says_of_what_kind_it_is(
    pscc: Command, monkeypatch: pytest.MonkeyPatch, kind: type[LakehouseError], code: int
) -> None:
    def refuse(*_: object) -> None:
        raise kind("Expected gold.endpoint to keep its contract, found broken rules.")

    monkeypatch.setattr("jobs.ingest.build", refuse)
    assert pscc("build")[::2] == (code, "Expected gold.endpoint to keep its contract, found broken rules.\n")


@pytest.mark.parametrize(
    "error",
    [pl.exceptions.ComputeError(PATIENT), pa.ArrowInvalid(PATIENT), OperationalError("insert", {"person": PATIENT}, Exception())],
)
def test_what_a_library_says_of_rows_is_not_repeated(pscc: Command, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("jobs.status.status", fail)
    code, _, err = pscc("status")
    assert (code, PATIENT in err) == (3, False)
    assert f"found {type(error).__name__} at jobs/commands/lake.py, line " in err


def test_an_empty_landing_folder_is_no_fault(pscc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    pscc("key", "platform.key")
    monkeypatch.setenv("PSCC_PLATFORM_KEY_FILE", "platform.key")
    assert pscc("ingest", "landing", "--keys", "keys.json", "--json")[:2] == (0, "")
    code, out, _ = pscc("status", "--json")
    assert (code, json.loads(out)["deliveries"]) == (0, [])


def test_a_key_is_private_and_never_overwritten(pscc: Command, tmp_path: Path) -> None:
    assert pscc("key", "platform.key")[0] == 0
    made = (tmp_path / "platform.key").read_text()
    assert len(bytes.fromhex(made.strip())) == 32
    # Root's is read by the user of its services too.
    assert stat.S_IMODE((tmp_path / "platform.key").stat().st_mode) == (0o640 if os.geteuid() == 0 else 0o600)
    assert (tmp_path / "platform.key").stat().st_gid == (users.CLINICAL_UID if os.geteuid() == 0 else os.getegid())
    assert pscc("key", "platform.key")[0] == 2
    assert (tmp_path / "platform.key").read_text() == made


@pytest.mark.parametrize(
    ("findings", "code", "outcome"),
    [([], 0, "accepted"), ([Finding(6, "FORMAT_INVALID", "Expected 12 fields.", "GR_PATIENT.csv.gz", 4, "SEXE")], 1, "rejected")],
)
def test_validate_says_the_verdict_by_its_exit_code(
    pscc: Command, monkeypatch: pytest.MonkeyPatch, findings: list[Finding], code: int, outcome: str
) -> None:
    found = Judgement("GR-20200101-001", "gr", None, None, findings)
    monkeypatch.setattr("jobs.landing.validate.validate", lambda *_: found)
    monkeypatch.setattr("jobs.landing.signature.load_keys", lambda _: {})
    assert pscc("validate", "landing", "--keys", "keys.json")[0] == code
    ended, out, _ = pscc("validate", "landing", "--keys", "keys.json", "--json")
    said = json.loads(out)
    assert (ended, said["outcome"], len(said["findings"])) == (code, outcome, len(findings))


def test_validate_does_not_promise_that_a_delivery_will_be_loaded(pscc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Judgement("GR-20200101-001", "gr", None, None)
    monkeypatch.setattr("jobs.landing.validate.validate", lambda *_: found)
    said = " ".join(pscc("validate", "landing", "--keys", "keys.json")[1].split())
    assert "no reason to refuse it was found here" in said
    assert "judged on arrival" in said


def test_validate_says_how_many_of_all_findings_it_shows(pscc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [Finding(6, "FORMAT_INVALID", "Expected 12 fields.", "GR_PATIENT.csv.gz", row) for row in range(1, 71)]
    found = Judgement("GR-20200101-001", "gr", None, None, lines, more_findings=930)
    monkeypatch.setattr("jobs.landing.validate.validate", lambda *_: found)
    out = pscc("validate", "landing", "--keys", "keys.json")[1]
    assert "Why: the first 50 of 1,000" in out
    assert "--json lists 70" in out
    assert json.loads(pscc("validate", "landing", "--keys", "keys.json", "--json")[1])["not_listed"] == {"findings": 930}


def test_validate_says_once_what_it_says_of_a_whole_column(pscc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    removed, nulled = "This was another day than the 15th.", "This is no code."
    births = [Finding(9, "BIRTH_DAY_REMOVED", removed, "GR_PATIENT.csv.gz", row, "DATE_NAISSANCE") for row in range(1, 71)]
    sexes = [Finding(9, "VALUE_NULLED", nulled, "GR_PATIENT.csv.gz", row, "SEXE") for row in (4, 9)]
    warnings = {"BIRTH_DAY_REMOVED": births, "VALUE_NULLED": sexes}
    found = Judgement("GR-20200101-001", "gr", None, None, warnings=warnings, more_warnings=Counter(BIRTH_DAY_REMOVED=930))
    monkeypatch.setattr("jobs.landing.validate.validate", lambda *_: found)
    monkeypatch.setattr("jobs.landing.signature.load_keys", lambda _: {})
    lines = [" ".join(line.split()) for line in pscc("validate", "landing", "--keys", "keys.json")[1].splitlines()]
    assert f"BIRTH_DAY_REMOVED GR_PATIENT.csv.gz 1, 2, 3 … DATE_NAISSANCE 1,000 rows. {removed}" in lines
    assert [line for line in lines if line.startswith("VALUE_NULLED")] == [
        f"VALUE_NULLED GR_PATIENT.csv.gz {row} SEXE {nulled}" for row in (4, 9)
    ]
    assert "--json lists 72" in lines


def test_names_that_look_like_markup_are_shown_as_they_are(pscc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [Finding(4, "FILE_UNDECLARED", "Expected [/s].", "[/x]"), Finding(7, "IDENTIFIER_FOUND", "", "[red]", 1, "[/b]")]
    monkeypatch.setattr("jobs.landing.validate.validate", lambda *_: Judgement("[/id]", "gr", None, None, lines))
    monkeypatch.setattr("jobs.landing.signature.load_keys", lambda _: {})
    code, out, _ = pscc("validate", "landing", "--keys", "keys.json")
    assert code == 1
    assert all(name in out for name in ("[/id]", "[/x]", "[/s]", "[red]", "[/b]"))


def test_columns_of_a_query_that_look_like_markup_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show_analysts.rows(pa.table({"[/b]": ["[/c]"]}), "table")
    out = capsys.readouterr().out
    assert "[/b]" in out
    assert "[/c]" in out


def test_rows_that_do_not_fit_are_shown_one_by_one_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    wide = {f"column_{number}": [f"{'x' * 40}{number}", None] for number in range(9)}
    show_analysts.rows(pa.table(wide), "table")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == [["row", "1"], ["column_0", f"{'x' * 40}0"]]
    assert lines[9:13] == [["column_8", f"{'x' * 40}8"], [], ["row", "2"], ["column_0"]]
    assert lines[-1] == ["2", "rows"]


def test_rows_that_fit_are_shown_below_each_other_even_where_two_columns_have_one_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_analysts.rows(pa.Table.from_arrays([pa.array([1, 22]), pa.array([3, None])], names=["n", "n"]), "table")
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [["n", "n"], ["1", "3"], ["22"], ["2", "rows"]]


def test_the_help_loads_no_engine() -> None:
    heavy = "pyspark great_expectations airflow pandas polars deltalake jobs.simulate"
    code = (
        "import sys; sys.argv = ['pscc', '--help']\n"
        "from jobs import cli\n"
        "try: cli.main()\n"
        "except SystemExit as end: assert not end.code\n"
        f"print('LOADED', [name for name in {heavy.split()!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "ingest" in done.stdout
    assert done.stdout.splitlines()[-1] == "LOADED []"


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("csv", ['"name","n"', '"\'=1+1",1', '"plain",2']),
        ("json", ['{"name": "=1+1", "n": 1}', '{"name": "plain", "n": 2}']),
    ],
)
def test_text_that_leaves_as_csv_cannot_be_a_formula(
    capfdbinary: pytest.CaptureFixture[bytes], form: str, written: list[str]
) -> None:
    show_analysts.rows(pa.table({"name": ["=1+1", "plain"], "n": [1, 2]}), form)
    sys.stdout.flush()
    assert capfdbinary.readouterr().out.decode().splitlines() == written
