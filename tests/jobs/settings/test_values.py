"""Where values come from, what is said of wrong ones, and what services are handed."""

import time
from pathlib import Path

import pytest

from jobs.errors import WrongUse
from jobs.settings import Part, asked, forget, handed, recall, remembered, validate, value
from jobs.settings.table import SETTINGS
from jobs.settings.values import everything, faults

URL = "postgresql://me:hunter2@host/lake"


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A file of one line that nobody else may read."""
    file = tmp_path / "url"
    file.touch(mode=0o600)
    file.write_text(f"{URL}\n")
    return file


@pytest.mark.parametrize(
    ("environment", "expected", "source"),
    [
        ({}, "2g", "default"),
        ({"PSCC_DRIVER_MEMORY": ""}, "2g", "default"),
        ({"PSCC_DRIVER_MEMORY": "4g"}, "4g", "environment"),
    ],
)
def test_a_value_comes_from_the_environment_or_is_the_default(environment: dict[str, str], expected: str, source: str) -> None:
    found = {each.setting.name: each for each in everything(environment)}["PSCC_DRIVER_MEMORY"]
    assert (found.value, found.source) == (expected, source)
    assert value("PSCC_DRIVER_MEMORY", environment) == expected


def test_a_secret_comes_from_its_file_and_is_shown_nowhere(private: Path) -> None:
    environment = {"PSCC_DATABASE_URL_FILE": str(private)}
    assert value("PSCC_DATABASE_URL", environment) == URL
    assert faults(environment) == []
    found = {each.setting.name: each for each in everything(environment)}["PSCC_DATABASE_URL"]
    assert (found.source, found.shown) == ("file", "set")
    assert "hunter2" not in str(found.told())


def test_a_secret_of_both_ways_is_refused(private: Path) -> None:
    wrong = faults({"PSCC_DATABASE_URL": URL, "PSCC_DATABASE_URL_FILE": str(private)})
    assert wrong == ["Expected PSCC_DATABASE_URL or PSCC_DATABASE_URL_FILE, found both: unset one of them."]


def test_a_file_of_a_secret_has_to_be_there_closed_filled_and_right(private: Path, tmp_path: Path) -> None:
    environment = {"PSCC_DATABASE_URL_FILE": str(private)}
    private.write_text("mysql://me:hunter2@host/lake")
    kind = faults(environment)
    private.write_text("\n")
    empty = faults(environment)
    private.chmod(0o644)
    is_open = faults(environment)
    private.unlink()
    gone = faults(environment)
    for sentences, part in (
        (kind, "for PSCC_DATABASE_URL, to be postgresql://user:password@host:port/database, found another kind of database"),
        (empty, "Expected PSCC_DATABASE_URL_FILE to be a file with a value in it"),
        (is_open, f"found {private} open to others (mode 0644): close it with `chmod 600 {private}`."),
        (
            gone,
            "Expected PSCC_DATABASE_URL_FILE to be a file that nobody else may read (mode 0600), found no readable file there",
        ),
    ):
        assert [part in each for each in sentences] == [True], sentences
        assert "hunter2" not in sentences[0]


def test_all_faults_are_told_at_once_one_line_each() -> None:
    environment = {"PSCC_DRIVER_MEMORY": "much", "PSCC_KEEP_LANDING_DAYS": "0", "PSCC_KEYS": "/nowhere"}
    with pytest.raises(WrongUse) as error:
        validate(environment)
    assert str(error.value).splitlines() == [
        "Expected PSCC_KEYS to be a file, found no readable file at /nowhere: correct the path, or the rights to the file.",
        "Expected PSCC_DRIVER_MEMORY to be like 2g or 1500m, found 'much': correct it.",
        "Expected PSCC_KEEP_LANDING_DAYS to be a number of days from 1 to 36,500, found '0': correct it.",
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("PSCC_DRIVER_MEM", "correct it to PSCC_DRIVER_MEMORY, or unset it"),
        ("PSCC_DATABASE_URL_FIL", "correct it to PSCC_DATABASE_URL_FILE, or unset it"),
        ("PSCC_XYZZY", "unset it"),
    ],
)
def test_a_setting_that_there_is_not_is_named_with_the_nearest_that_there_is(name: str, told: str) -> None:
    assert faults({name: "hidden"}) == [
        f"Expected only settings that there are, found {name}: {told}. `pscc settings` lists all."
    ]


def test_what_one_program_hands_to_another_is_known() -> None:
    assert faults({"PSCC_PRELOAD": "1", "PSCC_ACADEMY": "/somewhere"}) == []


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("PSCC_DATABASE_URL", "hunter2 is no address"),
        ("PSCC_ALERT_WEBHOOK", "hunter2"),
        ("SPARK_REMOTE", "hunter2"),
        # Set by mistake where the file, or an address without a password, was wanted.
        ("PSCC_SMTP_PASSWORD_FILE", "hunter2"),
        ("PSCC_DATABASE_URL_FILE", "postgresql://me:hunter2@host/lake"),
        ("PSCC_PLATFORM_KEY_FILE", "hunter2"),
        ("AWS_ENDPOINT_URL", "https://me:hunter2@host"),
    ],
)
def test_no_sentence_shows_a_secret(name: str, secret: str) -> None:
    assert [each.startswith(f"Expected {name} ") for each in faults({name: secret})] == [True]
    assert "hunter2" not in str(faults({name: secret}))
    assert "hunter2" not in str([(each.shown, each.told()) for each in everything({name: secret})])


@pytest.mark.parametrize("name", [each.name for each in SETTINGS.values() if each.is_for_libraries])
def test_a_secret_that_libraries_look_for_is_put_where_they_look(name: str, private: Path) -> None:
    environment = {f"{name}_FILE": str(private)}
    validate(environment)
    assert environment == {name: URL}
    validate(environment)


def test_a_setting_that_is_needed_and_missing_is_named() -> None:
    with pytest.raises(WrongUse, match=r"^Expected PSCC_KEYS to be set, found it unset: see docs/settings\.md\.$"):
        asked("PSCC_KEYS", {})


def test_a_wrong_value_is_told_by_whoever_asks_for_it() -> None:
    with pytest.raises(WrongUse, match=r"^Expected PSCC_SMTP to be like mail\.example:587, found 'nowhere'"):
        value("PSCC_SMTP", {"PSCC_SMTP": "nowhere"})


def test_forgotten_settings_are_gone_whichever_way_they_came(monkeypatch: pytest.MonkeyPatch, private: Path) -> None:
    monkeypatch.setenv("PSCC_DATABASE_URL_FILE", str(private))
    monkeypatch.setenv("SPARK_REMOTE", "sc://host")
    forget("PSCC_DATABASE_URL", "SPARK_REMOTE")
    assert (value("PSCC_DATABASE_URL"), value("SPARK_REMOTE")) == (None, None)


def test_a_program_is_handed_what_its_part_uses_and_nothing_that_is_remembered(
    private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(private.parent)
    environment = {
        "LAKE_ROOT": "lake",
        "PSCC_DATABASE_URL": URL,
        "PSCC_BACKUP": "backups",
        "PSCC_ALERT_WEBHOOK_FILE": "url",
        "PSCC_JARS": "",
        "PSCC_ORIGIN": "https://host",
        "AWS_REGION": "here",
        "LANG": "C",
    }
    # Programs stand in folders of their own.
    told = {"PSCC_BACKUP": str(private.parent / "backups"), "PSCC_ALERT_WEBHOOK_FILE": str(private), "AWS_REGION": "here"}
    assert handed(Part.TASKS, environment=environment) == told
    assert handed(Part.TRIGGER, environment=environment) == {"AWS_REGION": "here"}
    assert handed(Part.EVERY, environment=environment) == {}


def test_services_remember_what_they_were_started_with(private: Path) -> None:
    first = remembered(
        {}, {"PSCC_BACKUP": "/backups", "PSCC_ALERT_WEBHOOK_FILE": str(private), "LAKE_ROOT": "/lake", "LANG": "C"}
    )
    assert first == {"PSCC_BACKUP": "/backups", "PSCC_ALERT_WEBHOOK_FILE": str(private)}
    # From a shell that knows nothing of it.
    assert remembered(first, {"LANG": "C"}) == first
    assert remembered(first, {"PSCC_BACKUP": "/others"}) == first | {"PSCC_BACKUP": "/others"}
    # Set to nothing, and never both a value and its file.
    assert remembered(first, {"PSCC_BACKUP": "", "PSCC_ALERT_WEBHOOK": "https://host"}) == {"PSCC_ALERT_WEBHOOK": "https://host"}
    # What only a command or a test uses, or an earlier version knew, is none of theirs.
    assert remembered({"PSCC_GONE": "1"}, {"PSCC_ANALYST_FOLDER": "/home", "PSCC_SHOTS": "/shots"}) == {}


def test_what_is_recalled_gives_way_to_what_is_set() -> None:
    environment = {"PSCC_KEEP_LANDING_DAYS": "30"}
    recall({"PSCC_KEEP_LANDING_DAYS": "90", "PSCC_BACKUP": "/backups"}, environment)
    assert environment == {"PSCC_KEEP_LANDING_DAYS": "30", "PSCC_BACKUP": "/backups"}


def test_checking_all_settings_costs_less_than_five_milliseconds(private: Path) -> None:
    forms = {
        "PSCC_DRIVER_MEMORY": "2g",
        "PSCC_DATABASE_URL_FILE": str(private),
        "LAKE_ROOT": "s3a://clinical/lake",
        "PSCC_SMTP": "a:25",
    }

    def seconds() -> float:
        started = time.process_time()
        assert faults(forms) == []
        return time.process_time() - started

    assert min(seconds() for _ in range(20)) < 0.005
