"""Accounts, invitations and passwords."""

import asyncio
import json
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import ANY

import pytest
from argon2 import PasswordHasher
from tornado.web import HTTPError

from hub_config.authenticator import by_roster
from hub_config.errors import Refused, WrongUse
from hub_config.roster import INVITATION_DAYS, Roster

PASSWORD = "correct horse battery"


class Clock:
    """A clock that tests may turn."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real argon2id hashes, made with less work."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr("hub_config.roster._hasher", quick)
    monkeypatch.setattr("hub_config.roster._nobody", quick.hash("nobody"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def roster(tmp_path: Path, clock: Clock) -> Roster:
    return Roster(tmp_path / "roster.toml", clock)


def test_an_invitation_sets_a_password_once(roster):
    code = roster.add("amelie", classes=("spring",))
    assert roster.redeem(code, PASSWORD).name == "amelie"
    assert roster.log_in("amelie", PASSWORD).classes == ("spring",)
    with pytest.raises(Refused, match="used already"):
        roster.redeem(code, "another password")


def test_an_expired_invitation_lets_nobody_in(roster, clock):
    code = roster.add("amelie")
    clock.time += timedelta(days=INVITATION_DAYS, seconds=1)
    with pytest.raises(Refused, match="This invitation has expired") as refused:
        roster.redeem(code, PASSWORD)
    assert "a expiré" in refused.value.sentence["fr"]


def test_neither_password_nor_invitation_can_be_read_from_the_roster(roster):
    code = roster.add("amelie")
    roster.redeem(code, PASSWORD)
    other = roster.add("bruno")
    text = roster.path.read_text()
    assert PASSWORD not in text
    assert code not in text
    assert other not in text
    assert "$argon2id$" in text
    assert "argon2" not in repr(roster.accounts())
    assert stat.S_IMODE(roster.path.stat().st_mode) == 0o600


def test_somebody_who_is_only_invited_cannot_log_in_with_an_empty_password(roster):
    roster.add("amelie")
    for password in ("", "x"):
        with pytest.raises(Refused, match="Wrong name or password"):
            roster.log_in("amelie", password)


def test_an_unknown_name_gets_the_sentence_of_a_wrong_password(roster):
    roster.redeem(roster.add("amelie"), PASSWORD)
    said = set()
    for name in ("amelie", "nobody"):
        with pytest.raises(Refused) as refused:
            roster.log_in(name, "wrong")
        said.add(str(refused.value))
    assert len(said) == 1


def test_what_can_be_nobody_s_name_is_not_kept(roster):
    with pytest.raises(Refused, match="Wrong name or password"):
        roster.log_in("x" * 1_000_000, "anything at all")
    assert not roster.throttle.path.exists()


def test_a_short_password_uses_no_invitation_up(roster):
    code = roster.add("amelie")
    with pytest.raises(Refused, match="10 characters"):
        roster.redeem(code, "short")
    assert roster.redeem(code, PASSWORD).name == "amelie"


def test_the_tenth_wrong_password_locks_for_a_quarter_of_an_hour(roster, clock):
    roster.redeem(roster.add("amelie"), PASSWORD)
    for _ in range(9):
        with pytest.raises(Refused, match="Wrong name or password"):
            roster.log_in("amelie", "wrong")
    with pytest.raises(Refused, match=r"Too many wrong passwords\. Wait 1[56] minutes"):
        roster.log_in("amelie", "wrong")
    # A hub that was restarted has forgotten nothing.
    again = Roster(roster.path, clock)
    with pytest.raises(Refused, match="Too many wrong passwords"):
        again.log_in("amelie", PASSWORD)
    clock.time += timedelta(minutes=15, seconds=1)
    assert again.log_in("amelie", PASSWORD).name == "amelie"


def test_tries_at_one_moment_are_judged_no_more_often_than_one_after_the_other(roster, monkeypatch):
    roster.redeem(roster.add("amelie"), PASSWORD)
    judged = []

    def slow(hashed, password):
        judged.append(password)
        time.sleep(0.02)
        return False

    monkeypatch.setattr("hub_config.roster._matches", slow)

    def tried(number):
        with pytest.raises(Refused):
            roster.log_in("amelie", f"wrong {number}")

    with ThreadPoolExecutor(6) as at_once:
        list(at_once.map(tried, range(60)))
    assert len(judged) == 10
    with pytest.raises(Refused, match="Too many wrong passwords"):
        roster.log_in("amelie", PASSWORD)


def test_tries_at_other_names_push_no_lock_and_no_count_of_a_person_out(roster, monkeypatch):
    monkeypatch.setattr("hub_config.throttle.REMEMBERED", 5)
    for name in ("amelie", "bruno"):
        roster.redeem(roster.add(name), PASSWORD)
    for name, tries in (("nobody", 10), ("amelie", 10), ("bruno", 9), *((f"guess{n}", 1) for n in range(20))):
        for _ in range(tries):
            with pytest.raises(Refused):
                roster.log_in(name, "wrong")
    for name in ("nobody", "amelie", "bruno"):
        with pytest.raises(Refused, match="Too many wrong passwords"):
            roster.log_in(name, "wrong")
    assert len(json.loads(roster.throttle.path.read_text())) <= 3 + 5


def test_a_right_password_forgives_nine_wrong_ones(roster):
    roster.redeem(roster.add("amelie"), PASSWORD)
    for _ in range(2):
        for _ in range(9):
            with pytest.raises(Refused, match="Wrong name or password"):
                roster.log_in("amelie", "wrong")
        assert roster.log_in("amelie", PASSWORD).name == "amelie"


def test_a_locked_name_locks_nobody_else(roster):
    for name in ("amelie", "bruno"):
        roster.redeem(roster.add(name), PASSWORD)
    for _ in range(10):
        with pytest.raises(Refused):
            roster.log_in("amelie", "wrong")
    assert roster.log_in("bruno", PASSWORD).name == "bruno"


def test_a_reset_takes_the_old_password_away_and_unlocks(roster):
    roster.redeem(roster.add("amelie"), PASSWORD)
    for _ in range(10):
        with pytest.raises(Refused):
            roster.log_in("amelie", "wrong")
    code = roster.reset("amelie")
    with pytest.raises(Refused, match="Wrong name or password"):
        roster.log_in("amelie", PASSWORD)
    roster.redeem(code, "quite another one")
    assert roster.log_in("amelie", "quite another one").name == "amelie"


def test_a_class_comes_back_from_its_export_as_it_was(roster, tmp_path):
    roster.import_class(
        "user,role,classes,courses,language\namelie,trainee,spring,survival privacy-lab,fr\nbruno,instructor,spring autumn,,en\n"
    )
    exported = roster.export_class("spring")
    other = Roster(tmp_path / "other" / "roster.toml", roster.now)
    other.import_class(exported)
    assert other.export_class() == exported
    assert other.accounts()["amelie"].courses == ("survival", "privacy-lab")
    assert other.accounts()["bruno"].classes == ("spring", "autumn")


@pytest.mark.parametrize(
    ("csv", "alice", "bob"),
    [
        ("user\nalice\nbob\n", "alice,instructor,spring,survival,en", "bob,trainee,spring autumn,survival,en"),
        ("user,courses\nalice,privacy-lab\nbob,\n", "alice,instructor,spring,privacy-lab,en", "bob,trainee,spring autumn,survival,en"),
        ("user,role,classes,language\nalice,, ,fr\nbob,analyst,winter,\n", "alice,instructor,spring,survival,fr", "bob,analyst,winter,survival,en"),
    ],
)  # fmt: skip
def test_an_import_takes_nothing_away_that_it_is_silent_about(roster, csv, alice, bob):
    roster.add("alice", "instructor", ("spring",), ("survival",), "en")
    roster.add("bob", "trainee", ("spring", "autumn"), ("survival",), "en")
    assert roster.import_class(csv + "chloe\n") == {"chloe": ANY}
    assert roster.export_class().splitlines()[1:] == [alice, bob, "chloe,trainee,,,fr"]


def test_an_import_keeps_the_passwords_of_people_who_were_there(roster):
    roster.redeem(roster.add("amelie"), PASSWORD)
    codes = roster.import_class("user,role,classes\namelie,trainee,autumn\nbruno,trainee,autumn\n")
    assert list(codes) == ["bruno"]
    assert roster.log_in("amelie", PASSWORD).classes == ("autumn",)


@pytest.mark.parametrize(
    ("csv", "said"),
    [
        ("name,role\namelie,trainee\n", "Expected a CSV with the columns user"),
        ("user,role\namelie,trainee\n../etc,trainee\n", "Expected a name of small letters"),
        ("user,role\namelie,trainee\nbruno,emperor\n", "Expected one of the roles"),
        ("user,language\namelie,fr\nbruno,de\n", "Expected the language fr or en"),
    ],
)
def test_a_class_with_a_wrong_line_adds_nobody(roster, csv, said):
    with pytest.raises(WrongUse, match=said):
        roster.import_class(csv)
    assert roster.accounts() == {}


def test_accounts_go_a_year_after_their_last_log_in(roster, clock):
    roster.redeem(roster.add("amelie"), PASSWORD)
    roster.add("bruno")
    clock.time += timedelta(days=300)
    roster.log_in("amelie", PASSWORD)
    clock.time += timedelta(days=66)
    assert roster.overdue() == ["bruno"]


def test_the_number_of_somebody_who_left_is_never_given_again(roster):
    for name in ("amelie", "bruno"):
        roster.add(name)
    gone = roster.remove("bruno").number
    roster.add("chloe")
    assert roster.accounts()["chloe"].number > gone


def test_a_roster_with_a_typing_error_is_refused_with_its_line(roster):
    roster.path.write_text('[users.amelie]\nrole = "trainee\n')
    with pytest.raises(WrongUse, match=r"Expected a roster in TOML .* line 2"):
        roster.accounts()


@pytest.mark.parametrize(("name", "who", "outcome"), [("amelie", "amelie", "logged in"), ("mallory", None, "log-in refused")])
def test_whom_another_directory_vouches_for_is_noted_and_by_name_only_where_the_roster_knows_it(roster, name, who, outcome):
    roster.add("amelie", classes=("spring",))
    browser = SimpleNamespace(request=SimpleNamespace(remote_ip="192.0.2.1"))
    refused = nullcontext() if who else pytest.raises(HTTPError, match="not on the roster")
    with refused:
        asyncio.run(by_roster(roster.path)(None, browser, {"name": name}))
    (day,) = (roster.path.parent / "access").iterdir()
    (line,) = map(json.loads, day.read_text().splitlines())
    assert (line["event"], line["who"], line["client"], line["outcome"]) == ("log-in", who, "192.0.2.1", outcome)
