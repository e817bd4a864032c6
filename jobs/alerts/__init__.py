"""Alerts: one a cause, kept in the ledger, sent once, closed when the cause is gone. No alert holds a value of a patient."""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jobs.alerts.causes import REFUSED, causes
from jobs.alerts.sending import RUNBOOK, NoAnswer, channels, send
from jobs.errors import LakehouseError, WrongUse
from jobs.ledger import Ledger
from jobs.ledger.alerts import (
    BY,
    Alert,
    Cause,
    begun,
    close_alert,
    forget_begun,
    note_begun,
    note_looked,
    note_told,
    note_told_by,
    open_alert,
    opened,
    put_aside,
    told_by,
)
from jobs.settings import Settings

# What closes when its cause is gone; a run that failed is told by the run itself, and closed by a later one.
LOOKED_FOR = ("held", "refused", "silence", "gold")
TELLING = "alerts"
# Whose last task is killed outright tells nobody: a run that takes longer than any is one of those.
ENDLESS = timedelta(hours=12)
# Waits for a person, as long as that takes.
PATIENT = ("teaching_release",)


@dataclass(frozen=True)
class Run:
    """A run of a DAG; `key` is what it is about, where that is not everything."""

    dag: str
    name: str
    key: str | None = None

    @property
    def cause(self) -> str:
        """What its failures have in common."""
        return "/".join(each for each in ("run", self.dag, self.key if self.dag == "delivery_ingest" else None) if each)


def look(settings: Settings, at: datetime | None = None) -> list[Alert]:
    """Open an alert for every new cause, close those whose cause is gone; all that are open."""
    with closing(Ledger(settings, create=False)) as ledger, ledger.hold(TELLING):
        found = {each.name: each for each in causes(ledger, at or datetime.now(UTC))}
        before = opened(ledger)
        for alert in before:
            if alert.kind in LOOKED_FOR and alert.cause not in found:
                close_alert(ledger, alert.cause, "the cause is gone")
        for name in found.keys() - {each.cause for each in before} - put_aside(ledger):
            open_alert(ledger, found[name])
        _tell_lost(ledger, at or datetime.now(UTC))
        note_looked(ledger)
        return opened(ledger)


def _tell_lost(ledger: Ledger, at: datetime) -> None:
    """An alert, once, for every run that has begun long ago and told of no end; a later run of its kind closes it."""
    for cause, since, run in begun(ledger):
        if at - datetime.fromisoformat(since) > ENDLESS:
            dag = cause.split("/")[1]
            sentence = f"{dag} has begun at {since[:16]} and not come to an end, run {run}."
            open_alert(ledger, Cause(cause, sentence, f"Look for the run in Airflow, then {RUNBOOK}, {dag}."))
            forget_begun(ledger, cause)


def tell(settings: Settings) -> int:
    """Send every open alert that was not sent yet; how many. LakehouseError, after all were tried, where one could not be.

    A way on which nobody answers is left for the next round: each alert would wait there, and everybody who wants to tell behind it.
    """
    with closing(Ledger(settings, create=False)) as ledger, ledger.hold(TELLING):
        ways = channels()
        waiting = [each for each in opened(ledger) if each.told_at is None] if ways else []
        failed = [error for each in waiting for error in _told(ledger, each, ways)]
    if failed:
        raise failed[0]
    return len(waiting)


def _told(ledger: Ledger, alert: Alert, ways: list[str]) -> list[LakehouseError]:
    """What kept an alert from some ways. Each is tried, whatever became of the others, and gets it once; out of `ways` goes one that is silent."""
    failed, taken = list[LakehouseError](), told_by(ledger, alert)
    for channel in [each for each in ways if each not in taken]:
        try:
            send(alert, channel)
        except LakehouseError as error:
            failed.append(error)
            if isinstance(error, NoAnswer):
                ways.remove(channel)
        else:
            note_told_by(ledger, alert, channel)
            taken.add(channel)
    if taken.issuperset(channels()):
        note_told(ledger, alert)
    return failed


def listed(settings: Settings) -> list[Alert]:
    """The open alerts, oldest first."""
    with closing(Ledger(settings, create=False)) as ledger:
        return opened(ledger)


def close(settings: Settings, number: int, by: str, why: str) -> Alert:
    """Close an alert in somebody's name; the same cause does not open it again. WrongUse where it is not open."""
    if not (by.strip() and why.strip()):
        raise WrongUse("Expected who closes an alert and why, found one of them empty: give --by NAME and --why TEXT.")
    with closing(Ledger(settings, create=False)) as ledger:
        found = next((each for each in opened(ledger) if each.id == number), None)
        if found is None:
            raise WrongUse(f"Expected the number of an open alert, found {number}: `pscc alerts` lists them.")
        close_alert(ledger, found.cause, f"{BY}{by.strip()}: {why.strip()}")
        return found


def run_began(settings: Settings, run: Run) -> None:
    """Note that a run has begun: one that never tells of its end is told of by `look`."""
    with closing(Ledger(settings, create=False)) as ledger:
        if run.dag not in PATIENT:
            note_begun(ledger, run.cause, run.name)


def run_failed(settings: Settings, run: Run, task: str) -> None:
    """Note that a run failed in a task: one alert a DAG, in delivery_ingest one a delivery, until a later run comes to its end."""
    todo = f"Read the last line of the log of {task}, then {RUNBOOK}, {run.dag}."
    with closing(Ledger(settings, create=False)) as ledger:
        forget_begun(ledger, run.cause)
        # Its verdict is red for a delivery that is held or refused: that is a cause of its own.
        if (run.dag, task) == ("delivery_ingest", "verdict") and _is_held_or_refused(ledger, run.key):
            return
        open_alert(ledger, Cause(run.cause, f"{run.dag} failed in {task}, run {run.name}.", todo))


def _is_held_or_refused(ledger: Ledger, key: str | None) -> bool:
    """True where the ledger knows the announcement `key`, or the delivery that it made known, as one that waits or was not taken."""
    announced = next((each for each in ledger.announcements() if str(each.id) == key), None)
    made_known = [each for each in ledger.deliveries() if str(each.announcement_id) == key]
    outcomes = {each.outcome for each in (announced, *made_known) if each is not None}
    return not outcomes.isdisjoint(REFUSED) or any(each.state == "held" for each in made_known)


def run_succeeded(settings: Settings, run: Run) -> None:
    """Note that a run came to its end: the alert of an earlier one is closed."""
    with closing(Ledger(settings, create=False)) as ledger:
        forget_begun(ledger, run.cause)
        close_alert(ledger, run.cause, f"run {run.name} succeeded")
