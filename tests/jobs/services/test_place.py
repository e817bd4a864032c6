"""The state folder: ports and passwords made once, for their owner's eyes."""

import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest

from jobs import cli
from jobs.errors import WrongUse
from jobs.services import told as services
from jobs.services.place import FILE, PORTS, RENEWABLE, Place, opened, prepared, write_private
from jobs.services.programs import lake
from jobs.services.told import landing_area, prepared_from_environment, settings, welcome
from jobs.settings import forget, value
from jobs.settings.table import SETTINGS

JAVA_HOME = os.environ.get("JAVA_HOME")


@pytest.fixture(autouse=True)
def nothing_set() -> Iterator[None]:
    """No lake of the shell that runs the tests, and nothing left in it that was recalled."""
    with patch.dict(os.environ):
        forget(*SETTINGS)
        yield


def test_ports_and_passwords_are_made_once_and_read_by_their_owner_alone(tmp_path: Path) -> None:
    first = prepared(tmp_path / "services", {})
    second = prepared(tmp_path / "services", {"lake": str(tmp_path / "lake")})
    assert (second.ports, second.passwords) == (first.ports, first.passwords)
    assert second.lake == str(tmp_path / "lake") != first.lake
    assert opened(tmp_path / "services") == second
    assert stat.S_IMODE((tmp_path / "services" / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "services" / "logs").stat().st_mode) == 0o700


def test_renewed_secrets_are_others_and_what_opens_the_database_stays(tmp_path: Path) -> None:
    first = prepared(tmp_path / "services", {})
    token_key = first.state / "curated-engine" / "engine.key"
    token_key.parent.mkdir()
    token_key.write_text("ab" * 32)
    assert services.renew(tmp_path / "services") == sorted(RENEWABLE)
    second = opened(tmp_path / "services")
    changed = {name for name, value in second.passwords.items() if value != first.passwords[name]}
    assert changed == set(RENEWABLE)
    assert second.passwords.keys() == first.passwords.keys()
    assert (second.ports, second.lake) == (first.ports, first.lake)
    assert stat.S_IMODE((tmp_path / "services" / FILE).stat().st_mode) == 0o600
    assert not token_key.exists()
    assert prepared(tmp_path / "services", {}).passwords == second.passwords


def test_secrets_of_services_that_run_are_not_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepared(tmp_path / "services", {})
    monkeypatch.setattr(services.supervisor, "is_running", lambda _: True)
    with pytest.raises(WrongUse, match="`pscc down`"):
        services.renew(tmp_path / "services")
    assert opened(tmp_path / "services") == first


def test_ports_are_different_and_not_those_that_the_kernel_lends(tmp_path: Path) -> None:
    ports = prepared(tmp_path / "services", {}).ports
    first_lent = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert set(ports) == set(PORTS)
    assert len(set(ports.values())) == len(PORTS)
    assert max(ports.values()) < first_lent


def test_no_password_shows_where_a_place_is_printed(tmp_path: Path) -> None:
    place = prepared(tmp_path / "services", {})
    assert not [word for word in place.passwords.values() if word in repr(place)]


def test_what_was_named_once_is_remembered_whatever_a_later_shell_has_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "first"))
    prepared_from_environment(tmp_path / "services", None, None, None)
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "other"))
    assert prepared_from_environment(tmp_path / "services", None, None, None).lake == str(tmp_path / "first")


def test_settings_of_the_start_hold_for_a_later_shell_that_sets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "backups"))
    (tmp_path / "backups").mkdir()
    monkeypatch.setenv("PSCC_ALERT_MAIL", "on-call@hospital.example")
    first = prepared_from_environment(tmp_path / "services", None, None, None)
    forget("PSCC_BACKUP", "PSCC_ALERT_MAIL")
    monkeypatch.setenv("PSCC_KEEP_LANDING_DAYS", "90")
    second = prepared_from_environment(tmp_path / "services", None, None, None)
    assert second.settings == first.settings | {"PSCC_KEEP_LANDING_DAYS": "90"}
    tasks = lake(second)
    assert (tasks["PSCC_BACKUP"], tasks["PSCC_KEEP_LANDING_DAYS"]) == (str(tmp_path / "backups"), "90")
    assert "remembered: PSCC_ALERT_MAIL, PSCC_BACKUP, PSCC_KEEP_LANDING_DAYS." in welcome(second)
    assert "hospital.example" not in repr(second) + welcome(second)
    # A command beside them, in yet another shell.
    forget("PSCC_BACKUP")
    settings(tmp_path / "services", None)
    assert value("PSCC_BACKUP") == str(tmp_path / "backups")


def test_where_the_class_is_reached_is_said_at_every_start_that_has_one(tmp_path: Path) -> None:
    place = prepared(tmp_path / "services", {"release": "small-1"})
    assert f"The class: http://127.0.0.1:{place.ports['hub']}, on release small-1." in welcome(place)
    noted = place.academy / "state" / "academy.json"
    noted.parent.mkdir(parents=True)
    noted.write_text(json.dumps({"release_name": "small-0"}))
    assert "on release small-0; small-1 waits for `pscc down` and `pscc up`." in welcome(place)
    assert "The class" not in welcome(prepared(tmp_path / "services", {"without": ["academy"]}))
    assert "The class" not in welcome(prepared(tmp_path / "other", {}))


def test_a_folder_that_is_remembered_and_gone_is_not_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSCC_BACKUP", str(tmp_path / "disk" / "backups"))
    prepared_from_environment(tmp_path / "services", None, None, None)
    forget("PSCC_BACKUP")
    with pytest.raises(WrongUse, match=r"an earlier `pscc up` was told as PSCC_BACKUP, found none: mount its disk"):
        prepared_from_environment(tmp_path / "services", None, None, None)
    assert not (tmp_path / "disk").exists()
    monkeypatch.setenv("PSCC_BACKUP", "")
    assert "PSCC_BACKUP" not in prepared_from_environment(tmp_path / "services", None, None, None).settings


@pytest.mark.parametrize("what", ["lake", "landing"])
def test_services_that_have_run_are_not_started_where_their_lake_or_landing_area_is_gone(tmp_path: Path, what: str) -> None:
    state, folders = tmp_path / "services", {name: tmp_path / name for name in ("lake", "landing")}
    for folder in folders.values():
        folder.mkdir()
    place = prepared_from_environment(state, str(folders["lake"]), str(folders["landing"]), None)
    folders[what].rmdir()
    assert prepared_from_environment(state, None, None, None) == place, "nothing has run yet"
    (state / "migrated").touch()
    with pytest.raises(
        WrongUse, match=rf"Expected the folder {folders[what]} \({what} of these services\), found none: mount its disk"
    ):
        prepared_from_environment(state, None, None, None)
    assert not folders[what].exists()
    named = {name: str(tmp_path / "new") if name == what else None for name in folders}
    assert getattr(prepared_from_environment(state, named["lake"], named["landing"], None), what) == str(tmp_path / "new")


@pytest.mark.parametrize("damaged", ["[]", "{", '{"lake": 5, "settings": "x"}', "{}"])
def test_a_damaged_file_of_ports_and_passwords_is_left_as_it_is(tmp_path: Path, damaged: str) -> None:
    file = prepared(tmp_path / "services", {}).state / FILE
    file.write_text(damaged)
    with pytest.raises(WrongUse, match="put back the file from a backup"):
        prepared_from_environment(tmp_path / "services", None, None, None)
    assert file.read_text() == damaged


def test_the_settings_shown_are_those_by_which_commands_go_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = with_keys(prepared(tmp_path / "services", {"settings": {"PSCC_DELIVERY_DAYS": "xx"}}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PSCC_ALERT_MAIL", "oncall@site.example")
    with pytest.raises(WrongUse, match="Expected PSCC_DELIVERY_DAYS to be like"):
        cli.app(["settings", "--json"], standalone_mode=False)
    told = {each["name"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert (told["LAKE_ROOT"]["value"], told["LAKE_ROOT"]["source"]) == (place.lake, "services")
    assert [told[name]["source"] for name in ("PSCC_DELIVERY_DAYS", "PSCC_ALERT_MAIL", "SPARK_MASTER")] == [
        "services",
        "environment",
        "default",
    ]
    forget(*SETTINGS)
    with pytest.raises(WrongUse, match=r"found 'xx'.*\n.*services\.json remembers it, and `NAME= pscc up` takes it back"):
        cli.app(["alerts"], standalone_mode=False)


def test_of_a_secret_in_a_file_the_path_is_remembered_and_what_stands_there_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "key"
    file.write_text("the first key")
    file.chmod(0o600)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY_FILE", str(file))
    monkeypatch.setattr(sys, "argv", ["pscc", "up", "--services", str(tmp_path / "services")])
    with pytest.raises(SystemExit):
        cli.main()
    assert "key register" in capsys.readouterr().err
    assert opened(tmp_path / "services").settings["AWS_SECRET_ACCESS_KEY_FILE"] == str(file)
    assert "the first key" not in (tmp_path / "services" / FILE).read_text()
    # A command in another shell, once somebody has changed it.
    forget("AWS_SECRET_ACCESS_KEY")
    file.write_text("the second key")
    settings(tmp_path / "services", None)
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "the second key"


def test_a_lake_in_an_object_store_has_its_ledger_in_the_own_database(tmp_path: Path) -> None:
    place = prepared_from_environment(tmp_path / "services", "s3a://clinical/lake", None, None)
    assert place.database_url == place.database("lakehouse")
    assert opened(tmp_path / "services").database_url == place.database_url


def test_commands_find_lake_and_landing_of_the_services_beside_them(tmp_path: Path) -> None:
    place = prepared(tmp_path / "services", {"landing": str(tmp_path / "drop")})
    assert settings(tmp_path / "services", None).lake == place.lake
    assert landing_area(tmp_path / "services") == tmp_path / "drop"


def test_commands_beside_the_services_go_by_what_these_were_started_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, backup = tmp_path / "services", str(tmp_path / "backup")
    place = prepared(
        state, {"settings": {"PSCC_BACKUP": backup, "PSCC_KEEP_LANDING_DAYS": "90"}, "database_url": "postgresql://a@b/c"}
    )
    with_keys(place)
    monkeypatch.setenv("LAKE_ROOT", place.lake)
    monkeypatch.setenv("PSCC_KEEP_LANDING_DAYS", "120")
    assert services.lake_beside(state, None) == (place.lake, place.settings)
    known = ("PSCC_BACKUP", "PSCC_KEEP_LANDING_DAYS", "PSCC_KEYS", "PSCC_PLATFORM_KEY_FILE", "PSCC_DATABASE_URL")
    assert [value(name) for name in known] == [backup, "120", place.keys, place.platform_key_file, "postgresql://a@b/c"]


@pytest.mark.parametrize("by", ["--lake", "LAKE_ROOT"])
def test_another_lake_takes_nothing_from_the_services_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    prepared(tmp_path / "services", {"settings": {"PSCC_BACKUP": str(tmp_path)}, "database_url": "postgresql://a@b/c"})
    other = str(tmp_path / "other")
    if by == "LAKE_ROOT":
        monkeypatch.setenv(by, other)
    found = settings(tmp_path / "services", other if by == "--lake" else None)
    assert (found.lake, found.database_url, found.platform_key_file, value("PSCC_BACKUP")) == (other, None, None, None)


def with_keys(place: Place) -> Place:
    """The place, with the keys that a start would ask for."""
    Path(place.keys).write_text("{}")
    write_private(Path(place.platform_key_file), "ab" * 32)
    return place


def test_a_command_without_a_lake_works_on_that_of_the_services_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = with_keys(prepared(tmp_path / "services", {}))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongUse, match=place.lake):
        cli.app(["delivery", "show", "GR-1"], standalone_mode=False)


def test_a_register_that_is_gone_keeps_nobody_from_what_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = prepared(tmp_path / "services", {})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongUse, match=f"Expected a lake in {place.lake}"):
        cli.app(["alerts"], standalone_mode=False)
    assert value("PSCC_KEYS") is None


def test_what_the_services_remember_and_is_wrong_by_now_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(prepared(tmp_path / "services", {"settings": {"PSCC_SMTP_PASSWORD_FILE": str(tmp_path / "gone")}}))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongUse, match=r"^Expected PSCC_SMTP_PASSWORD_FILE to be .*, found no readable file"):
        cli.app(["alerts"], standalone_mode=False)


def test_of_a_lake_in_a_store_what_stands_beside_it_is_that_of_the_tasks(tmp_path: Path) -> None:
    place = prepared_from_environment(tmp_path / "services", "s3a://lake/x", None, None)
    found = settings(tmp_path / "services", None)
    told = lake(place)
    assert [str(path.parent) for path in (found.staging, found.events)] == [told["PSCC_STAGING"], told["PSCC_LINEAGE"]]
    assert found.database_url == place.database_url


# What another user left here, and what is no place of ours.
FOREIGN = {
    "closed": "Expected to read .*, found it closed",
    "another's": "found user 12345's",
    "no place": "found something else",
}


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's files: root")
@pytest.mark.parametrize("what", FOREIGN)
def test_services_of_somebody_else_keep_nobody_from_another_lake_and_give_nothing(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with TemporaryDirectory(dir="/tmp") as root, patch.dict(os.environ):
        Path(root).chmod(0o755)
        place = prepared(Path(root, "services"), {"settings": {"JAVA_HOME": "/tmp/elsewhere"}})
        if what == "another's":
            os.chown(place.state / FILE, 12345, 12345)
        elif what == "no place":
            (place.state / FILE).write_text("{}[]")
        with patch.object(Path, "is_file", side_effect=PermissionError) if what == "closed" else nullcontext():
            found = settings(place.state, f"{root}/other")
            with pytest.raises(WrongUse, match=FOREIGN[what]):
                settings(place.state, None)
            assert services.services(place.state) is None
        assert (found.lake, os.environ.get("JAVA_HOME")) == (f"{root}/other", JAVA_HOME)
        assert ("Nothing is taken from it." in capsys.readouterr().err) == (what == "another's")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (None, "^Expected services in .*, found none: start them"),
        ("{", "found something else: put back the file"),
        (json.dumps({"surprise": 1}), "found something else: put back the file"),
    ],
)
def test_a_state_folder_that_cannot_be_used_is_refused_with_a_sentence(tmp_path: Path, made: str | None, said: str) -> None:
    if made is not None:
        (tmp_path / FILE).write_text(made)
    with pytest.raises(WrongUse, match=said):
        opened(tmp_path)
    if made is not None:
        with pytest.raises(WrongUse, match=said):
            prepared(tmp_path, {})


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone becomes somebody else")
def test_who_may_not_read_the_state_folder_is_told_so_when_starting_too() -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        prepared(Path(folder, "services"), {})
        os.seteuid(1234)
        try:
            with pytest.raises(WrongUse, match="work as the user who started the services"):
                prepared(Path(folder, "services"), {})
        finally:
            os.seteuid(0)


def test_a_folder_too_deep_for_sockets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"found .*: sockets lie in it"):
        prepared(tmp_path / ("deep" * 30), {})
