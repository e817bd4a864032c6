"""`pscc rights` and `pscc audit`: what they print, and one sentence with exit code 2 for wrong use, which never shows whom it is about."""

import json
import os
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from jobs import cli
from jobs.commands import rights
from jobs.errors import WrongUse
from jobs.ledger import Ledger
from jobs.rights import certificate
from jobs.settings import Settings

Command = Callable[[str], tuple[int, str, str]]
WHO = "ab" * 32
ASKED = "--hospital gr --pseudonym-file who.txt --by A.Officer --reason letter"
NOT_YET = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with an empty lake, its key, somebody's pseudonym in a file, and files that are something else."""
    with closing(Ledger(Settings(lake=str(tmp_path / "lake")))):
        pass
    for name, text in {"key": "11" * 32, "who.txt": f"{WHO.upper()}\n\n", "name.txt": "Jeanne\n", "list.json": "[1]"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "key").chmod(0o600)
    return tmp_path


@pytest.fixture
def pscc(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in that folder; exit code, stdout, stderr."""
    monkeypatch.setenv("PSCC_PLATFORM_KEY_FILE", "key")
    for name in ("PSCC_DATABASE_URL", "LAKE_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(here)

    def run(command: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pscc", *command.split()])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("rights oppose --pseudonym-file who.txt --by A --reason B", "Missing option '--hospital'"),
        ("rights oppose --hospital gr --by A --reason B", "Expected --pseudonym-file FILE or --person ID"),
        (f"rights oppose {ASKED} --person {'ab' * 16}", "Expected --pseudonym-file FILE or --person ID"),
        ("rights oppose --hospital gr --pseudonym-file nothing --by A --reason B", "Expected pseudonyms in nothing"),
        ("rights oppose --hospital gr --pseudonym-file name.txt --by A --reason B", "Expected pseudonyms of 64 hex digits"),
        ("rights oppose --hospital gr --person Jeanne --by A --reason B", "Expected pseudonyms of 64 hex digits"),
        (f"rights oppose {ASKED.replace('gr', 'nowhere')}", "Expected one of aphp, curie, gr as --hospital"),
        (f"rights lift {ASKED} --scope shoes", "Invalid value for '--scope'"),
        (f"rights erase {ASKED} --scope genetics", "No such option: --scope"),
        (f"rights erase {ASKED} --logs nothing", "Invalid value for '--logs'"),
        (f"rights erase {ASKED} --received yesterday", "Expected a day like 2026-03-01 after --received"),
        (f"rights erase {ASKED} --received {NOT_YET}", "Expected a day that has come after --received"),
        (f"rights erase {ASKED} --lake nothing", "Expected a lake in"),
        ("rights run RIGHTS-20260301-001", "Expected the id of a request"),
        ("rights show RIGHTS-20260301-001", "Expected the id of a request"),
        ("rights verify nothing.json", "Expected a certificate in nothing.json"),
        ("rights verify list.json", "Expected a certificate in list.json"),
        ("rights forget", "No such command 'forget'"),
        ("audit verify --lake nothing", "Expected a lake in"),
    ],
)
def test_wrong_use_gets_a_sentence_enters_nothing_and_shows_nobody(pscc: Command, command: str, sentence: str) -> None:
    code, out, err = pscc(command)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert "Jeanne" not in err
    assert WHO not in err
    assert pscc("rights list")[1] == "No request has come in.\n"


def test_without_the_platform_key_nothing_is_entered(pscc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PSCC_PLATFORM_KEY_FILE")
    code, _, err = pscc(f"rights oppose {ASKED} --later")
    assert (code, "Expected PSCC_PLATFORM_KEY_FILE" in err) == (2, True)
    assert pscc("rights list")[1] == "No request has come in.\n"


def test_without_an_engine_nothing_is_entered(pscc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"JAVA_HOME": "", "PATH": "nowhere", "PSCC_NO_JAVA_WHEEL": "1"}.items():
        monkeypatch.setenv(name, value)
    code, _, err = pscc(f"rights erase {ASKED}")
    assert (code, "Expected Java" in err) == (2, True)
    assert pscc("rights list")[1] == "No request has come in.\n"


def test_a_request_that_is_entered_is_listed_with_its_deadline_and_is_in_the_audit(pscc: Command, here: Path) -> None:
    entered = pscc(f"rights erase {ASKED} --received 2026-01-31 --later --json")
    name = json.loads(entered[1])["id"]
    listed = [json.loads(line) for line in pscc("rights list --json")[1].splitlines()]
    assert [(each["id"], each["due_on"], each["late"]) for each in listed] == [("RIGHTS-20260131-001", "2026-02-28", True)]
    assert name in pscc(f"rights show {name}")[1]
    assert pscc("audit verify")[1] == "1 acts, each as it was written.\n"
    everything = [*here.joinpath("lake", "ops").rglob("*.jsonl"), *here.joinpath("lake", "vault").glob("*.html")]
    assert [file.name for file in everything if WHO in file.read_text().lower()] == []
    assert len(everything) == 2


def test_a_certificate_that_somebody_wrote_is_refused_whatever_it_says(pscc: Command, here: Path) -> None:
    certificate.sign(Settings(lake=str(here / "lake")), {"request": "RIGHTS-1"})
    for signature in ("x", {}, {"public_key": "00", "value": 5}, None):
        (here / "forged.json").write_text(json.dumps({"request": "RIGHTS-1", "signature": signature}))
        code, out, err = pscc("rights verify forged.json")
        assert (code, out) == (1, "")
        assert "changed or is another's" in err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_pseudonyms_that_are_closed_to_who_works_on_the_lake_are_told_with_what_to_type() -> None:
    with TemporaryDirectory() as closed:
        file = Path(closed, "who.txt")
        file.write_text(WHO)
        file.chmod(0o600)
        Path(closed).chmod(0o711)
        os.seteuid(12345)
        try:
            with pytest.raises(
                WrongUse, match=f"found it closed to user 12345, who works on this lake: `chgrp 12345 {file}"
            ) as refused:
                rights._who(file, None)
        finally:
            os.seteuid(0)
    assert WHO not in str(refused.value)
