"""Wrong use of the real `pscc`, as a child process: exit code 2, one sentence, no traceback, nothing made on the way."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.commands import analysts
from jobs.errors import WrongUse
from jobs.landing.signature import load_keys
from jobs.ledger import Ledger
from jobs.settings import Settings

ROOT = Path(__file__).parents[2]
PSCC = Path(sys.executable).parent / "pscc"
KEY, OTHER_KEY = "11" * 32, "22" * 32
SIGNING = {"key_id": "k1", "hmac_key_hex": "ab" * 32, "not_before": "2020-01-01", "not_after": "2030-12-31"}
NO_JAVA = {"JAVA_HOME": "", "PATH": "nowhere", "PSCC_NO_JAVA_WHEEL": "1"}
INGEST = "ingest landing --keys keys.json"
DECIDE = "decide GR-20200101-001 approve --by X --why Y"
# Every command that cannot do without the engine.
ENGINE = (INGEST, DECIDE, "build", "rebuild silver", "sql SELECT", "demo --to fresh")
Wrong = Callable[..., str]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with an empty lake, an empty landing area, a key register and platform keys."""
    (tmp_path / "landing").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "keys.json").write_text(json.dumps({"gr": [SIGNING]}))
    (tmp_path / "keys.json").chmod(0o644)
    for name, text in {"platform.key": KEY, "other.key": OTHER_KEY, "short.key": KEY[:-1], "binary.key": "é"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    Ledger(Settings(lake=str(tmp_path / "lake"))).close()
    return tmp_path


@pytest.fixture
def wrong(here: Path) -> Wrong:
    """Run a command that cannot work; the sentence it ends with."""

    def run(command: str | list[str], **variables: str) -> str:
        before = sorted(here.rglob("*"))
        done = pscc(here, command, **variables)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        made = [path.name for path in sorted(here.rglob("*")) if path not in before]
        assert [name for name in made if not name.startswith(("ledger.sqlite", "vault"))] == []
        return done.stderr

    return run


def pscc(here: Path, command: str | list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """The command in an environment that holds nothing but the platform key and `variables`."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME", "PSCC_JARS") if name in os.environ}
    environment |= {"PSCC_PLATFORM_KEY_FILE": "platform.key", **variables}
    words = command.split() if isinstance(command, str) else command
    return subprocess.run([PSCC, *words], cwd=here, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("delivers", "No such command 'delivers'."),
        ("rebuild gold", "No such command 'gold'. See `pscc rebuild --help`."),
        ("ingest --keys keys.json", "Missing argument 'LANDING'."),
        ("ingest landing", "Missing option '--keys'."),
        ("status --jsn", "No such option: --jsn"),
        ("decide X perhaps --by A --why B", "Invalid value for"),
        ("sql SELECT --format xml", "Invalid value for '--format'"),
        ("simulate --to new --patients 3", "Invalid value for '--patients'"),
    ],
)
def test_what_is_no_command_or_option(wrong: Wrong, command: str, sentence: str) -> None:
    assert sentence in wrong(command)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("ingest nowhere --keys keys.json --lake new", "Expected a landing folder at nowhere"),
        ("ingest file --keys keys.json --lake new", "Expected a landing folder at file"),
        ("ingest landing --keys nowhere.json", "Expected a key register in nowhere.json, found no file"),
        ("validate nowhere --keys keys.json", "Expected a delivery folder at nowhere"),
        ("validate empty --keys keys.json", "Expected a delivery folder with a manifest.json"),
        ("validate empty --keys empty", "Expected a key register in empty, found no file"),
        ("status --lake nowhere", "Expected a lake in"),
        ("build --lake nowhere", "Expected a lake in"),
        ("rebuild silver --lake nowhere", "Expected a lake in"),
        ("sql SELECT --lake nowhere", "Expected a lake in"),
        ("cohort list --lake nowhere", "Expected a lake in"),
        ("cohort make nowhere.toml", "Expected a definition that can be read at nowhere.toml"),
        ("cohort make file", "which names the cohort, found file"),
        ("cohort show women", "found 'women': see `pscc cohort list`"),
        ("cohort drop women", "found 'women': see `pscc cohort list`"),
        ("notebook new --lake nowhere", "Expected a lake in"),
        ("notebook new", "Expected a build of gold, found none"),
        ("sql SELECT --build 7", "Expected a build of gold, found none"),
        ("dictionary file", "Name another folder"),
        ("describe gold.nothing", "Expected the name of a table"),
        (f"{DECIDE} --lake nowhere", "Expected a lake in"),
        (f"{INGEST} --lake file", "Expected a folder for the lake"),
        (f"{INGEST} --lake file/lake", "Expected a folder for the lake"),
        (f"{INGEST} --lake /proc/lake", "Expected to make a folder for the lake"),
        ("status --lake file", "Expected a lake in"),
        (DECIDE, "Expected the id of a held delivery, found 'GR-20200101-001', which is not known"),
        ("simulate --to landing/../lake", "Expected an empty folder"),
        ("simulate --to file/new", "Expected to make a folder"),
        ("key platform.key", "Expected a new file"),
        ("key nowhere/platform.key", "Expected a folder"),
        ("demo --to file", "Expected to make a folder"),
        ("demo --to empty --deliveries landing", "Expected DELIVERIES and KEYS together"),
    ],
)
def test_a_path_or_an_id_that_is_not_there(wrong: Wrong, command: str, sentence: str) -> None:
    assert sentence in wrong(command)


@pytest.mark.parametrize("command", [INGEST, "validate empty --keys keys.json"])
def test_a_key_register_that_is_no_json(here: Path, wrong: Wrong, command: str) -> None:
    (here / "keys.json").write_text("no json")
    assert "Expected a key register {center:" in wrong(command)


@pytest.mark.parametrize(
    "register",
    [
        [],
        "text",
        {"gr": {}},
        {"gr": ["k1"]},
        {"gr": [{"key_id": "k1"}]},
        {"gr": [SIGNING | {"hmac_key_hex": ""}]},
        {"gr": [SIGNING | {"hmac_key_hex": "zz"}]},
        {"gr": [SIGNING | {"not_before": "yesterday"}]},
    ],
)
def test_a_key_register_that_is_none(here: Path, register: object) -> None:
    (here / "keys.json").write_text(json.dumps(register))
    with pytest.raises(WrongUse, match=r"Expected a key register \{center:"):
        load_keys(here / "keys.json")


@pytest.mark.parametrize(
    ("command", "file", "sentence"),
    [
        (INGEST, "", "Expected PSCC_PLATFORM_KEY_FILE to name a file"),
        (DECIDE, "", "Expected PSCC_PLATFORM_KEY_FILE to name a file"),
        ("build", "", "Expected PSCC_PLATFORM_KEY_FILE to name a file"),
        (INGEST, "nowhere.key", "found no readable file there"),
        (INGEST, "empty", "found no readable file there"),
        (
            INGEST,
            "short.key",
            "64 lower-case hex digits that nobody else may read (mode 0600), found something else in short.key",
        ),
        (INGEST, "binary.key", "found something else in binary.key"),
        (INGEST, "keys.json", "found keys.json open to others (mode 0644): close it with `chmod 600 keys.json`"),
        (INGEST, KEY, "found no readable file there"),
    ],
)
def test_a_platform_key_that_is_none(wrong: Wrong, command: str, file: str, sentence: str) -> None:
    said = wrong(command, PSCC_PLATFORM_KEY_FILE=file)
    assert sentence in said
    assert KEY[:-1] not in said


def test_another_platform_key_than_the_lake_was_made_with(here: Path, wrong: Wrong) -> None:
    assert pscc(here, INGEST).returncode == 0
    for command in (INGEST, DECIDE, "build"):
        assert "Expected the platform key that this lake was made with" in wrong(command, PSCC_PLATFORM_KEY_FILE="other.key")


@pytest.mark.parametrize("command", [INGEST, "status", "sql SELECT"])
def test_a_lake_of_another_version(here: Path, wrong: Wrong, command: str) -> None:
    with sqlite3.connect(here / "lake" / "ledger.sqlite") as database:
        database.execute("UPDATE lake SET value = '99' WHERE name = 'format'")
    assert "Expected a lake of format 2 at most" in wrong(command)


@pytest.mark.parametrize(
    ("command", "url", "sentence"),
    [
        ("status", "nonsense", "found something that is no address"),
        ("status", "postgresql://me:secret@host:port/lake", "found something that is no address"),
        ("status", "mysql://me:secret@host/lake", "found another kind of database"),
        (INGEST, "sqlite:///ledger.sqlite", "found another kind of database"),
        (INGEST, "postgresql://me:secret@127.0.0.1:1/lake", "found a database that cannot be used (OperationalError)"),
    ],
)
def test_a_database_that_is_none(wrong: Wrong, command: str, url: str, sentence: str) -> None:
    said = wrong(command, PSCC_DATABASE_URL=url)
    assert sentence in said
    assert "secret" not in said


@pytest.mark.parametrize("command", ENGINE)
def test_no_java(wrong: Wrong, command: str) -> None:
    assert "Expected Java 17 or later, found none" in wrong(command, **NO_JAVA)


@pytest.mark.parametrize("command", ["status", "validate empty --keys keys.json", "key new.key"])
def test_what_needs_no_engine_needs_no_java(here: Path, command: str) -> None:
    assert "Java" not in pscc(here, command, **NO_JAVA).stderr


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("PSCC_JARS", "empty", "Expected the jar delta-spark_4.2_2.13-4.4.0.jar in empty, found none: run `make setup`"),
        ("PSCC_DRIVER_MEMORY", "much", "Expected PSCC_DRIVER_MEMORY to be like 2g"),
        ("SPARK_MASTER", "nowhere", "Expected SPARK_MASTER to be like local[2]"),
        ("SPARK_REMOTE", "nowhere", "Expected SPARK_REMOTE to be like sc://host:15002"),
        ("SPARK_REMOTE", "sc://127.0.0.1:1/;token=secret", "Expected a Spark Connect server at 127.0.0.1:1, found none"),
    ],
)
def test_an_engine_that_cannot_be_had(wrong: Wrong, variable: str, value: str, sentence: str) -> None:
    said = wrong("sql SELECT", **{variable: value})
    assert sentence in said
    assert "secret" not in said


def test_a_jar_that_is_another_one(here: Path, wrong: Wrong) -> None:
    (here / "empty" / "delta-spark_4.2_2.13-4.4.0.jar").write_text("something else")
    assert "Expected the pinned delta-spark_4.2_2.13-4.4.0.jar" in wrong("build", PSCC_JARS="empty")


@pytest.mark.jvm
def test_a_set_up_without_network(here: Path) -> None:
    closed = here / "ivy.xml"
    closed.write_text(
        '<ivysettings><settings defaultResolver="closed"/><resolvers>'
        '<ibiblio name="closed" m2compatible="true" root="http://127.0.0.1:1/"/></resolvers></ivysettings>'
    )
    done = subprocess.run(
        [sys.executable, "-m", "jobs.java"],
        cwd=ROOT,
        env=os.environ | {"PSCC_JARS": str(here / "empty"), "PSCC_IVY_SETTINGS": str(closed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "Expected to fetch io.delta:delta-spark_4.2_2.13:4.4.0 from Maven Central, found it out of reach"
    )
    assert done.stderr.count("\n") == 1


@pytest.mark.jvm
def test_a_query_of_a_table_that_is_not_there(here: Path) -> None:
    done = pscc(here, ["sql", "select * from gold.nothing"])
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    sentences = [line for line in done.stderr.splitlines() if line.startswith("Expected")]
    assert len(sentences) == 1
    assert "`gold`.`nothing` cannot be found" in sentences[0]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("selec 1", "PARSE_SYNTAX_ERROR"), ("select cast(text as int) from values ('secret') as t(text)", "CAST_INVALID_INPUT")],
)
def test_a_query_that_cannot_be_answered_quotes_no_row(spark: object, query: str, sentence: str) -> None:
    with pytest.raises(WrongUse, match="Expected a query") as error:
        analysts._asked(lambda: spark.sql(query).toArrow())  # type: ignore[attr-defined]
    assert sentence in str(error.value)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)
