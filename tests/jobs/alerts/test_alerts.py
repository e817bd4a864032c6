"""Alerts: one a cause, sent once by real servers, closed when the cause is gone, and without a word of any patient."""

import json
import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from jobs import alerts
from jobs.alerts import Run, sending
from jobs.alerts.causes import causes
from jobs.errors import LakehouseError, WrongUse
from jobs.ledger import Ledger, notes, now
from jobs.ledger.gold import note_fresh
from jobs.ledger.schema import DELIVERY
from jobs.settings import Settings
from tests.jobs.deliveries import delivery_id, know

A, B, C = (str(delivery_id(name)) for name in "abc")
SETTINGS = ("PSCC_ALERT_MAIL", "PSCC_ALERT_FROM", "PSCC_ALERT_WEBHOOK", "PSCC_SMTP", "PSCC_SMTP_USER", "PSCC_DELIVERY_DAYS")


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(lake=str(tmp_path / "lake"))


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    with closing(Ledger(settings)) as made:
        yield made


def knows(ledger: Ledger, *deliveries: str, **values: object) -> None:
    """Make the ledger know deliveries of gr (`a loaded`, `b held a`), with some values changed."""
    with ledger.hold("hospital/gr") as lease:
        for each in deliveries:
            know(ledger, lease, *each.split())
    if values:
        change(ledger, deliveries[-1].split()[0], **values)


def change(ledger: Ledger, name: str, **values: object) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(update(DELIVERY).where(DELIVERY.c.delivery_id == delivery_id(name)).values(**values))


def names(ledger: Ledger, days: float = 0) -> list[str]:
    """The causes so many days from now."""
    return [each.name for each in causes(ledger, datetime.now(UTC) + timedelta(days=days))]


# Causes


@pytest.mark.parametrize(
    ("deliveries", "codes", "days", "found"),
    [
        (["a loaded"], [], 0, []),
        (["a held"], ["VOLUME_OUT_OF_RANGE"], 0, [f"held/{A}"]),
        (["a held"], ["CHAIN_GAP"], 6, []),
        (["a held"], ["CHAIN_GAP"], 8, [f"held/{A}"]),
        (["a held"], ["CHAIN_GAP", "WINDOW_GAP"], 0, [f"held/{A}"]),
        (["a rejected"], ["FILE_HASH_MISMATCH"], 0, [f"refused/{A}"]),
        (["a quarantined"], ["IDENTIFIER_FOUND"], 0, [f"refused/{A}"]),
        (["a rejected"], ["FILE_HASH_MISMATCH"], 8, []),
    ],
)
def test_deliveries_that_somebody_has_to_look_at(
    ledger: Ledger, deliveries: list[str], codes: list[str], days: float, found: list[str]
) -> None:
    knows(ledger, *deliveries, reason_codes=codes)
    assert names(ledger, days) == found


def test_what_was_refused_and_came_again_is_no_cause(ledger: Ledger) -> None:
    knows(ledger, "a rejected")
    assert names(ledger) == [f"refused/{A}"]
    knows(ledger, "b loaded")
    change(ledger, "b", replaces=A)
    assert names(ledger) == []


def test_a_manifest_that_nobody_can_read_is_a_cause(ledger: Ledger) -> None:
    ledger.announce("gr/x/manifest.json", 1, 1, "/landing/gr/x")
    ledger.settle(1, "rejected", {"delivery_id": None, "center": None, "reason_codes": ["MANIFEST_INVALID"]})
    (found,) = causes(ledger, datetime.now(UTC))
    assert (found.name, found.sentence) == ("refused/announcement-1", "announcement 1 is rejected: MANIFEST_INVALID.")


@pytest.mark.parametrize(("days", "silent"), [(13, False), (15, True)])
def test_a_hospital_is_silent_after_twice_its_usual_time(ledger: Ledger, days: int, silent: bool) -> None:
    knows(ledger, "a loaded", "b loaded a", "c loaded b")
    for name, day in ("a", 1), ("b", 8), ("c", 15):
        change(ledger, name, created_at=f"2020-01-{day:02}T00:00:00+00:00")
    assert [each.partition("/20")[0] for each in names(ledger, days)] == (["silence/gr"] if silent else [])


def test_a_setting_says_within_how_many_days_a_hospital_delivers(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    knows(ledger, "a loaded")
    assert names(ledger, 400) == []
    monkeypatch.setenv("PSCC_DELIVERY_DAYS", "gr=35, aphp=8")
    assert (len(names(ledger, 34)), len(names(ledger, 36))) == (0, 1)
    monkeypatch.setenv("PSCC_DELIVERY_DAYS", "lac=8")
    with pytest.raises(
        WrongUse, match=r"^Expected PSCC_DELIVERY_DAYS to name known hospitals \(.*gr.*\), found 'lac': correct it"
    ):
        names(ledger, 0)
    monkeypatch.setenv("PSCC_DELIVERY_DAYS", "gr=often")
    with pytest.raises(WrongUse, match=r"^Expected PSCC_DELIVERY_DAYS to be like gr=35,aphp=8, found 'gr=often'"):
        names(ledger)


def test_what_gold_does_not_know_for_longer_than_a_night_is_a_cause_unless_its_build_is_one(
    settings: Settings, ledger: Ledger
) -> None:
    ledger.keep_pass(1, "gr", [A], accepted_failed=False)
    # Nobody has looked yet how gold is.
    assert names(ledger, 2) == []
    time.sleep(0.002)
    note_fresh(ledger, now())
    assert names(ledger, 2) == []
    time.sleep(0.002)
    ledger.keep_pass(2, "gr", [], accepted_failed=False)
    missing = ledger.passes_in_full()[-1]["finished_at"]
    assert (names(ledger, 1.4), names(ledger, 1.6)) == ([], [f"gold/{missing}"])
    ledger.keep_pass(3, "gr", [], accepted_failed=False)
    assert names(ledger, 1.6) == [f"gold/{missing}"]
    alerts.run_failed(settings, Run("gold_build", "r1"), "endpoint")
    assert names(ledger, 1.6) == []
    alerts.run_succeeded(settings, Run("gold_build", "r2"))
    assert names(ledger, 1.6) == [f"gold/{missing}"]
    note_fresh(ledger, now())
    assert names(ledger, 1.6) == []


# One a cause


def test_a_cause_opens_one_alert_and_closes_it_when_it_is_gone(settings: Settings, ledger: Ledger) -> None:
    knows(ledger, "a held", reason_codes=["VOLUME_OUT_OF_RANGE"])
    first = alerts.look(settings)
    assert [each.cause for each in first] == [f"held/{A}"]
    assert alerts.look(settings) == first
    change(ledger, "a", state="loaded")
    assert alerts.look(settings) == []


def test_a_cause_that_somebody_closed_does_not_open_again(settings: Settings, ledger: Ledger) -> None:
    knows(ledger, "a rejected", reason_codes=["FILE_HASH_MISMATCH"])
    (found,) = alerts.look(settings)
    with pytest.raises(WrongUse, match=r"^Expected who closes an alert and why"):
        alerts.close(settings, found.id, " ", "known")
    alerts.close(settings, found.id, "Ada", "the hospital knows")
    assert alerts.look(settings) == []
    with pytest.raises(WrongUse, match=rf"^Expected the number of an open alert, found {found.id}"):
        alerts.close(settings, found.id, "Ada", "again")


def test_failures_of_a_dag_are_one_alert_until_a_run_succeeds_and_of_a_delivery_its_own(
    settings: Settings, ledger: Ledger
) -> None:
    for run, task in ("r1", "endpoint"), ("r2", "endpoint"), ("r2", "verdict"):
        alerts.run_failed(settings, Run("gold_build", run), task)
    alerts.run_failed(settings, Run("delivery_ingest", "r3", "7"), "land")
    assert [each.cause for each in alerts.look(settings)] == ["run/gold_build", "run/delivery_ingest/7"]
    alerts.run_succeeded(settings, Run("gold_build", "r5"))
    alerts.run_succeeded(settings, Run("delivery_ingest", "r6", "9"))
    assert [each.cause for each in alerts.listed(settings)] == ["run/delivery_ingest/7"]


def test_a_run_that_never_told_of_its_end_is_told_of_once_until_a_later_one_succeeds(settings: Settings, ledger: Ledger) -> None:
    def look(hours: float) -> list[tuple[str, str]]:
        return [(each.cause, each.opened_at) for each in alerts.look(settings, datetime.now(UTC) + timedelta(hours=hours))]

    killed, ended, failed, released = (
        Run(*words)
        for words in (("gold_build", "r 1"), ("maintenance", "r2"), ("delivery_ingest", "r3", "7"), ("teaching_release", "r4"))
    )
    for run in (killed, ended, failed, released):
        alerts.run_began(settings, run)
    alerts.run_succeeded(settings, ended)
    alerts.run_failed(settings, failed, "land")
    alerts.run_succeeded(settings, failed)
    assert look(11) == []
    first = look(13)
    assert [cause for cause, _ in first] == ["run/gold_build"]
    assert "gold_build has begun at" in alerts.listed(settings)[0].sentence
    assert alerts.listed(settings)[0].sentence.endswith("run r 1.")
    assert look(26) == first
    alerts.run_succeeded(settings, Run("gold_build", "r5"))
    assert look(39) == []
    # What a person closed is told of again when it happens again.
    alerts.run_began(settings, killed)
    look(13)
    alerts.close(settings, alerts.listed(settings)[0].id, "Ada", "the machine was moved")
    assert look(26) == []
    alerts.run_began(settings, Run("gold_build", "r6"))
    assert [cause for cause, _ in look(13)] == ["run/gold_build"]


@pytest.mark.parametrize(
    ("state", "told"), [("held", []), ("rejected", []), ("quarantined", []), ("verifying", ["run"]), ("loaded", ["run"])]
)
def test_a_red_verdict_is_an_alert_of_its_run_unless_the_delivery_is_held_or_refused(
    settings: Settings, ledger: Ledger, state: str, told: list[str]
) -> None:
    knows(ledger, f"a {state}")
    key = str(ledger.deliveries()[0].announcement_id)
    alerts.run_failed(settings, Run("delivery_ingest", "r1", key), "verdict")
    assert [each.kind for each in alerts.listed(settings)] == told


# Sending, to real servers


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as takes a message."""

    def handle(self) -> None:
        self.say(b"220 here")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"QUIT":
                return self.say(b"221 bye")
            if word == b"DATA":
                self.say(b"354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.got.append(b"".join(lines))  # type: ignore[attr-defined]
            self.say(b"250 ok")
        return None

    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


class Hook(BaseHTTPRequestHandler):
    """Takes JSON, or refuses it as the server is told."""

    def do_POST(self) -> None:
        self.server.got.append(self.rfile.read(int(self.headers["Content-Length"])))  # type: ignore[attr-defined]
        self.send_response(self.server.answer)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def serving(kind: Callable[..., Any], handler: Any) -> Iterator[Any]:
    """A server on the loopback address; `got` is what came, `answer` what a webhook says."""
    with kind(("127.0.0.1", 0), handler) as server:
        server.got, server.answer = [], 204
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_an_alert_is_mailed_once_with_what_to_type(settings: Settings, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    knows(ledger, "a held", reason_codes=["VOLUME_OUT_OF_RANGE"])
    alerts.look(settings)
    assert alerts.tell(settings) == 0
    with serving(socketserver.ThreadingTCPServer, Mailbox) as server:
        monkeypatch.setenv("PSCC_SMTP", f"127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("PSCC_ALERT_MAIL", "oncall@site.example, lead@site.example")
        assert (alerts.tell(settings), alerts.tell(settings)) == (1, 0)
        (mail,) = (message_from_bytes(each, policy=default) for each in server.got)
    assert mail["Subject"].startswith(f"[pscc] {A} is held since ")
    assert mail["To"] == "oncall@site.example, lead@site.example"
    assert f"pscc decide {A} approve|reject" in mail.get_content()


def test_an_alert_is_posted_and_tried_again_where_that_failed(
    settings: Settings, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts.run_failed(settings, Run("maintenance", "r1"), "verify")
    with serving(HTTPServer, Hook) as server:
        monkeypatch.setenv("PSCC_ALERT_WEBHOOK", f"http://127.0.0.1:{server.server_address[1]}/secret-token")
        server.answer = 500
        with pytest.raises(LakehouseError, match=r"^Expected a webhook that takes alerts, found HTTPError") as failed:
            alerts.tell(settings)
        assert "secret-token" not in str(failed.value)
        server.answer = 204
        assert (alerts.tell(settings), alerts.tell(settings)) == (1, 0)
        said = json.loads(server.got[-1])
    assert (len(server.got), said["kind"], said["cause"]) == (2, "run", "run/maintenance")
    assert said["text"].startswith("maintenance failed in verify, run r1.")


def test_where_one_way_is_closed_the_other_is_told_and_told_once(
    settings: Settings, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts.run_failed(settings, Run("maintenance", "r1"), "verify")
    with serving(socketserver.ThreadingTCPServer, Mailbox) as mail, serving(HTTPServer, Hook) as hook:
        monkeypatch.setenv("PSCC_ALERT_MAIL", "oncall@site.example")
        monkeypatch.setenv("PSCC_ALERT_WEBHOOK", f"http://127.0.0.1:{hook.server_address[1]}/")

        def tell(port: int, answer: int) -> tuple[str, int, int]:
            """What is said when mail goes to a port and the webhook answers so; mails and posts so far."""
            monkeypatch.setenv("PSCC_SMTP", f"127.0.0.1:{port}")
            hook.answer = answer
            try:
                said = str(alerts.tell(settings))
            except LakehouseError as error:
                said = str(error).split(",")[0]
            return said, len(mail.got), len(hook.got)

        here = mail.server_address[1]
        dead = "Expected a mail server at 127.0.0.1:1 that takes alerts"
        assert tell(1, 204) == (dead, 0, 1)
        assert tell(1, 204) == (dead, 0, 1)
        assert tell(here, 204) == ("1", 1, 1)
        alerts.run_failed(settings, Run("gold_build", "r2"), "endpoint")
        assert tell(here, 500) == ("Expected a webhook that takes alerts", 2, 2)
        assert tell(here, 204) == ("1", 2, 3)
        assert tell(here, 204) == ("0", 2, 3)


def test_a_webhook_that_is_no_web_server_keeps_no_alert_from_the_mail(
    settings: Settings, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for dag in ("maintenance", "gold_build"):
        alerts.run_failed(settings, Run(dag, "r1"), "verify")
    with (
        serving(socketserver.ThreadingTCPServer, Mailbox) as mail,
        serving(socketserver.ThreadingTCPServer, Mailbox) as other,
    ):
        monkeypatch.setenv("PSCC_SMTP", f"127.0.0.1:{mail.server_address[1]}")
        monkeypatch.setenv("PSCC_ALERT_MAIL", "oncall@site.example")
        monkeypatch.setenv("PSCC_ALERT_WEBHOOK", f"http://127.0.0.1:{other.server_address[1]}/")
        with pytest.raises(LakehouseError, match="a webhook that takes alerts, found BadStatusLine"):
            alerts.tell(settings)
        assert len(mail.got) == 2


def test_a_server_that_never_answers_is_waited_for_once_a_round_and_keeps_no_alert_from_the_other_way(
    settings: Settings, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE_SECONDS", 1)
    for name in ("one", "two", "three"):
        alerts.run_failed(settings, Run(name, "r1"), "load")
    with socket.create_server(("127.0.0.1", 0)) as mute, serving(HTTPServer, Hook) as hook:
        monkeypatch.setenv("PSCC_ALERT_MAIL", "oncall@site.example")
        monkeypatch.setenv("PSCC_SMTP", f"127.0.0.1:{mute.getsockname()[1]}")
        monkeypatch.setenv("PSCC_ALERT_WEBHOOK", f"http://127.0.0.1:{hook.server_address[1]}/")
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(LakehouseError, match="found no answer: check PSCC_SMTP"):
                alerts.tell(settings)
            assert 1 <= time.monotonic() - began < 2
    assert len(hook.got) == 3
    assert [each.told_at for each in alerts.listed(settings)] == [None] * 3


def test_what_was_told_half_is_forgotten_with_its_alert(
    settings: Settings, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(socketserver.ThreadingTCPServer, Mailbox) as mail:
        monkeypatch.setenv("PSCC_SMTP", f"127.0.0.1:{mail.server_address[1]}")
        monkeypatch.setenv("PSCC_ALERT_MAIL", "oncall@site.example")
        monkeypatch.setenv("PSCC_ALERT_WEBHOOK", "http://127.0.0.1:1/")
        alerts.run_failed(settings, Run("maintenance", "r1"), "verify")
        with pytest.raises(LakehouseError, match="a webhook that takes alerts"):
            alerts.tell(settings)
    alerts.run_succeeded(settings, Run("maintenance", "r2"))
    with ledger.engine.begin() as connection:
        assert notes.said_below(connection, "told/") == []


def test_a_server_that_is_not_there_and_a_wrong_setting_get_a_sentence(
    settings: Settings, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts.run_failed(settings, Run("maintenance", "r1"), "verify")
    monkeypatch.setenv("PSCC_ALERT_MAIL", "oncall@site.example")
    monkeypatch.setenv("PSCC_SMTP", "127.0.0.1:1")
    with pytest.raises(
        LakehouseError, match=r"^Expected a mail server at 127\.0\.0\.1:1 that takes alerts, found ConnectionRefused"
    ):
        alerts.tell(settings)
    monkeypatch.setenv("PSCC_SMTP", "nowhere")
    with pytest.raises(WrongUse, match=r"^Expected PSCC_SMTP to be like mail\.example:587, found 'nowhere'"):
        alerts.tell(settings)


# What the runbook says


def test_the_runbook_has_a_part_for_every_dag_and_every_kind_of_alert() -> None:
    root = Path(__file__).parents[3]
    parts = set(re.findall(r"^### (\w+)$", (root / "docs" / "runbooks.md").read_text(), flags=re.MULTILINE))
    dags = {each.stem for each in (root / "dags").glob("*.py")} - {"policy"}
    assert len(dags) >= 6
    assert parts == dags | {"run", *alerts.LOOKED_FOR}
