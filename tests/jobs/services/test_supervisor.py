"""The real supervisor, told by the real configuration: it answers, starts nothing, and ends."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.academy import check_not_supervised
from jobs.errors import WrongUse
from jobs.services import supervisor
from jobs.services.place import Place, prepared
from jobs.services.programs import PROGRAMS
from jobs.services.updown import check, not_yet
from jobs.settings import remembered

pytest.importorskip("supervisor", reason="the supervisor is not installed: pscc-lakehouse[services]")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place whose supervisor is stopped in the end."""
    made = prepared(tmp_path / "s", {})
    yield made
    if supervisor.is_running(made):
        supervisor.shut_down(made)


def test_the_supervisor_starts_nothing_by_itself_and_ends_when_told(place: Place) -> None:
    assert not supervisor.is_running(place)
    supervisor.start(place)
    assert {name: each["statename"] for name, each in supervisor.states(place).items()} == dict.fromkeys(
        [*[each.name for each in PROGRAMS], "watch"], "STOPPED"
    )
    supervisor.shut_down(place)
    assert not supervisor.is_running(place)


def test_the_watch_is_gone_before_anything_is_stopped_that_it_could_start_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor.start(place)
    supervisor.start_program(place, "watch")
    watched, stop = list[str](), supervisor.stop_program

    def seen(place: Place, name: str, *, wait: bool = True) -> None:
        if name != "watch":
            watched.append(supervisor.states(place)["watch"]["statename"])
        stop(place, name, wait=wait)

    monkeypatch.setattr(supervisor, "stop_program", seen)
    supervisor.shut_down(place)
    assert set(watched) == {"STOPPED"}


def test_what_operators_set_reaches_the_guards_which_hand_it_to_the_tasks(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSCC_ALERT_MAIL", "on-call@site.example")
    monkeypatch.setenv("PSCC_PLATFORM_KEY_FILE", "/of/another/lake")
    supervisor.start(place)
    told = Path(f"/proc/{(place.run / 'supervisord.pid').read_text().strip()}/environ").read_bytes().split(b"\0")
    assert b"PSCC_ALERT_MAIL=on-call@site.example" in told
    assert not [each for each in told if each.startswith(b"PSCC_PLATFORM_KEY_FILE")]


def test_a_wrong_setting_that_an_earlier_start_has_left_is_named_with_what_takes_it_back(place: Place) -> None:
    for file, content in ((place.keys, "{}"), (place.platform_key_file, "11" * 32)):
        Path(file).write_text(content)
        Path(file).chmod(0o600)
    left = replace(place, settings={"PSCC_SMTP_PASSWORD_FILE": "/gone", "PSCC_ALERT_MAIL": "on-call@site.example"})
    with pytest.raises(WrongUse) as refused:
        check(left)
    wrong, back = str(refused.value).splitlines()
    assert wrong.startswith("Expected PSCC_SMTP_PASSWORD_FILE to be ")
    assert back == "PSCC_SMTP_PASSWORD_FILE is remembered: `PSCC_SMTP_PASSWORD_FILE= pscc up` takes it back."


def test_settings_that_what_runs_does_not_know_are_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in remembered({}):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PSCC_ALERT_MAIL", "on-call@site.example")
    supervisor.start(place)
    then = remembered({})
    assert not_yet(replace(place, settings=then)) == ""
    now = then | {"PSCC_ALERT_MAIL": "others@site.example", "PSCC_BACKUP": "/backups"}
    assert not_yet(replace(place, settings=now)).endswith("started otherwise: PSCC_ALERT_MAIL, PSCC_BACKUP.\n")


def test_a_program_that_ends_at_once_is_seen_to(place: Place) -> None:
    supervisor.start(place)
    # There is no database in this place.
    supervisor.start_program(place, "postgresql")
    supervisor.start_program(place, "postgresql")
    assert supervisor.states(place)["postgresql"]["statename"] in ("STARTING", "BACKOFF")


def test_without_services_it_is_said_how_to_start_them(place: Place) -> None:
    with pytest.raises(WrongUse, match="found none: start them with `pscc up`"):
        supervisor.states(place)


def test_what_is_missing_is_said_before_anything_starts(place: Place) -> None:
    with pytest.raises(WrongUse, match=r"^Expected the hospitals' key register at .*, found none: name it with --keys\.$"):
        check(place)


@pytest.mark.parametrize(("word", "instead"), [("down", "--without academy` stops the class alone"), ("up", "starts it")])
def test_the_class_of_services_that_run_is_not_started_or_stopped_behind_their_back(
    place: Place, word: str, instead: str
) -> None:
    asked = [word, "--to", str(place.academy)]
    check_not_supervised(asked)
    prepared(place.state, {"release": "small-20260301"})
    check_not_supervised(asked)
    supervisor.start(place)
    with pytest.raises(WrongUse, match=rf"^Expected an academy of its own, found the class of the services in .*{instead}"):
        check_not_supervised(asked)
    check_not_supervised([word, "--to", str(place.state / "another")])
    check_not_supervised(["status", "--to", str(place.academy)])
    prepared(place.state, {"without": ("academy",)})
    check_not_supervised(asked)
