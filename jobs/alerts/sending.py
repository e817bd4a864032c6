"""How an alert reaches somebody: by e-mail, or to a webhook, or both; whatever is set."""

import json
import smtplib
import ssl
import urllib.request
from email.message import EmailMessage
from http.client import HTTPException
from pathlib import Path

from jobs.errors import LakehouseError
from jobs.ledger.alerts import Alert
from jobs.settings.values import asked, value

PATIENCE_SECONDS = 20
RUNBOOK = "docs/runbooks.md"


class NoAnswer(LakehouseError):
    """A server let us wait until our patience was over: it would with the next alert too."""


def channels() -> list[str]:
    """The ways that are set: mail, webhook."""
    return [name for name, setting in (("mail", "PSCC_ALERT_MAIL"), ("webhook", "PSCC_ALERT_WEBHOOK")) if value(setting)]


def send(alert: Alert, channel: str) -> None:
    """Send an alert by one way; LakehouseError where it does not work (NoAnswer where nobody answers), WrongUse where it is set wrongly."""
    {"mail": _mail, "webhook": _post}[channel](alert)


def _mail(alert: Alert) -> None:
    to = asked("PSCC_ALERT_MAIL")
    message = EmailMessage()
    message["Subject"] = f"[pscc] {alert.sentence}"
    message["From"] = value("PSCC_ALERT_FROM") or to.split(",")[0]
    message["To"] = to
    message.set_content(
        f"{alert.sentence}\n\nSince {alert.opened_at}.\nWhat to do: {alert.todo}\nMore: {RUNBOOK}, {alert.kind}\n"
    )
    host, port = _server()
    try:
        with smtplib.SMTP(host, port, timeout=PATIENCE_SECONDS) as server:
            _sign_in(server)
            server.send_message(message)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        # ValueError: a password that no mail server could be told.
        raise _unsent(f"a mail server at {host}:{port} that takes alerts", "PSCC_SMTP", error) from None


def _server() -> tuple[str, int]:
    host, _, port = asked("PSCC_SMTP").rpartition(":")
    return host, int(port)


def _sign_in(server: smtplib.SMTP) -> None:
    """Encrypted where the server can; with a user, never in clear."""
    user, file = value("PSCC_SMTP_USER"), value("PSCC_SMTP_PASSWORD_FILE")
    server.ehlo()
    if server.has_extn("starttls") or user:
        server.starttls(context=ssl.create_default_context())
        server.ehlo()
    if user and file:
        server.login(user, Path(file).read_text().strip())


def _post(alert: Alert) -> None:
    """As JSON; `text` is what chat servers show. The address may hold a token: no message shows it."""
    said = alert.told() | {"text": f"{alert.sentence} {alert.todo}", "runbook": RUNBOOK}
    request = urllib.request.Request(asked("PSCC_ALERT_WEBHOOK"), json.dumps(said).encode(), {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=PATIENCE_SECONDS).close()
    except (OSError, ValueError, HTTPException) as error:
        # HTTPException: something else than a web server listens there.
        raise _unsent("a webhook that takes alerts", "PSCC_ALERT_WEBHOOK", error) from None


def _unsent(expected: str, setting: str, error: Exception) -> LakehouseError:
    # urllib and smtplib wrap what the network said.
    was_silent = any(isinstance(each, TimeoutError) for each in (error, getattr(error, "reason", None), error.__context__))
    kind = NoAnswer if was_silent else LakehouseError
    return kind(
        f"Expected {expected}, found {'no answer' if was_silent else type(error).__name__}: check {setting}. Alerts stay in `pscc alerts` and are sent when it works."
    )
