"""What keeps a lake well, night by night: verify, compact, backup and the drill that restores it, then shorten logs, vacuum, retention, and Airflow's old logs."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from jobs import access, audit, rights
from jobs.errors import GateFailed, WrongUse
from jobs.hospitals import hospitals
from jobs.lake import ZONES, Lake
from jobs.ledger import Fence, Ledger, notes, now
from jobs.maintenance import airflow_logs, retention
from jobs.maintenance import backup as backups
from jobs.maintenance.compact import compact
from jobs.maintenance.logs import clean_log
from jobs.maintenance.vacuum import vacuum
from jobs.settings import Settings, asked, value
from jobs.verification import verify
from quality.address import is_remote

EachTable = Callable[[Lake, str, str, Fence], int]


def maintain(settings: Settings, step: str) -> str:
    """Do one step; what came of it, in a sentence. WrongUse for a step that there is not, GateFailed where the lake or a backup is not whole."""
    if step not in STEPS:
        raise WrongUse(f"Expected a step of maintenance ({', '.join(STEPS)}), found {step!r}.")
    return STEPS[step](settings)


@contextmanager
def alone(settings: Settings) -> Iterator[tuple[Ledger, Fence]]:
    """The ledger, while nobody else writes to the lake, and the fence to ask before anything is changed."""
    with closing(Ledger(settings, create=False)) as ledger, ledger.alone(hospitals()) as fence:
        yield ledger, fence


@contextmanager
def _only_backup(settings: Settings) -> Iterator[Ledger]:
    """The ledger, while no other backup or drill of the lake is at work: what lies half made in their place is nobody's then.

    Noted as begun until it has come to a good end.
    """
    with closing(Ledger(settings, create=False)) as ledger, ledger.hold("backup"):
        with ledger.engine.begin() as connection:
            notes.say(connection, backups.BEGUN, now())
        yield ledger
        with ledger.engine.begin() as connection:
            notes.forget(connection, backups.BEGUN)


def _check_backed_up(settings: Settings) -> None:
    """GateFailed where backups are asked for, and there is none yet or the last one, or its drill, came to no good end."""
    to = _place_of_backups()
    if to is None:
        return
    with closing(Ledger(settings, create=False)) as ledger, ledger.engine.begin() as connection:
        begun = notes.said(connection, backups.BEGUN)
    if begun or not backups.is_any(to):
        found = f"that what began at {begun[:16]} came to no good end" if begun else "none"
        raise GateFailed(
            f"Expected the last backup to be whole before anything old is deleted, found {found}: run `pscc maintain --only backup,drill`."
        )


def _verify(settings: Settings) -> str:
    """Before anything is deleted or put into a backup."""
    with alone(settings) as (_, fence):
        found = verify(settings)
        # What others wrote in between is no fault of the lake.
        fence()
    if found.faults:
        told = "; ".join(f"{each.table}: {each.sentence}" for each in found.faults[:3])
        raise GateFailed(f"Expected a lake without faults, found {len(found.faults)}. {told} `pscc verify` lists all.")
    return f"{found.tables:,} tables with {found.files:,} files are whole."


def _everywhere(settings: Settings, work: EachTable) -> tuple[int, int]:
    """How many of something `work` did, over all tables, and in how many of them."""
    with alone(settings) as (_, fence):
        lake, done = Lake.of(settings), list[int]()
        for zone in ZONES:
            for table in lake.tables(zone):
                fence()
                done.append(work(lake, zone, table, fence))
    return sum(done), sum(each > 0 for each in done)


def _compact(settings: Settings) -> str:
    fewer, tables = _everywhere(settings, compact)
    return f"{fewer:,} files fewer in {tables:,} tables."


def _logs(settings: Settings) -> str:
    _check_backed_up(settings)
    gone, tables = _everywhere(settings, clean_log)
    return f"{gone:,} files of the logs of {tables:,} tables are gone."


def _vacuum(settings: Settings) -> str:
    _check_backed_up(settings)
    gone, tables = _everywhere(settings, vacuum)
    return f"{gone:,} files that no version needs are gone from {tables:,} tables."


def _retention(settings: Settings) -> str:
    _check_backed_up(settings)
    return f"{_landing(settings)} {_access_log(settings)}"


def _access_log(settings: Settings) -> str:
    """The days of the commands' log; an engine takes care of its own."""
    months = access.months()
    if is_remote(settings.lake) and not value("PSCC_ACCESS_LOG"):
        return "PSCC_ACCESS_LOG is unset: there is no access log."
    gone = access.forget(access.place(settings), months)
    return f"{gone:,} days of the access log that are older than {months} months are gone."


def _landing(settings: Settings) -> str:
    days = value("PSCC_KEEP_LANDING_DAYS")
    if not days:
        return "PSCC_KEEP_LANDING_DAYS is unset: nothing leaves the landing area."
    gone = 0
    with alone(settings) as (ledger, fence):
        # Whom a request is about is linked to people of any hospital, and may have to be found in their files.
        if asked := rights.due(settings):
            return f"{', '.join(asked)} of people is not carried out: nothing leaves the landing area until then."
        for each in retention.settled(ledger, Lake.of(settings), int(days)):
            fence()
            gone += retention.remove(each)
    return f"{gone:,} deliveries that were loaded {days} days ago or earlier have left the landing area."


def _airflow(settings: Settings) -> str:
    """The logs alone: a task has no way to Airflow's database (jobs/services/old_runs.py has)."""
    days, places = int(asked("PSCC_KEEP_RUNS_DAYS")), airflow_logs.folders()
    if not places:
        return f"No logs of Airflow are here, where {airflow_logs.LOGS} or AIRFLOW_HOME would name them: nothing to do."
    # An erasure looks through these files: none goes while it does.
    with alone(settings) as (_, fence):
        fence()
        gone = airflow_logs.forget(places, days)
    return f"{gone:,} files of Airflow's logs that are older than {days} days are gone."


def _backup(settings: Settings) -> str:
    to = _place_of_backups()
    if to is None:
        return "PSCC_BACKUP is unset: nothing was backed up."
    with _only_backup(settings) as ledger:
        _check_earlier(ledger, to)
        made = backups.backup(settings, to, lambda: alone(settings))
        with ledger.engine.begin() as connection:
            notes.say(connection, backups.BACKED_UP, str(to.resolve()))
    return f"The backup {made.name} is in {to}."


def _check_earlier(ledger: Ledger, to: Path) -> None:
    """WrongUse where backups went into a folder that has none now: its disk may be missing, and one beside it is no backup."""
    with ledger.engine.begin() as connection:
        went_to = notes.said(connection, backups.BACKED_UP)
    if went_to == str(to.resolve()) and not backups.is_any(to):
        raise WrongUse(
            f"Expected the earlier backups in {to}, found none: mount its disk. Where they are given up, name another folder in PSCC_BACKUP."
        )


def _drill(settings: Settings) -> str:
    """Restore the newest backup beside everything, verify it and its audit, then forget it."""
    to = _place_of_backups()
    if to is None:
        return "PSCC_BACKUP is unset: nothing was restored."
    with _only_backup(settings):
        saved, place = backups.newest(to), to / ".drill"
        shutil.rmtree(place, ignore_errors=True)
        try:
            tried = replace(settings, lake=str(place), database_url=None, scratch=None)
            # What PSCC_ACCESS_LOG names is the real one's.
            backups.restore(saved, tried, link=True, log=place / "ops" / "access")
            found, differ, acts = verify(tried), backups.versions_differ(saved, tried), audit.check(tried)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    if found.faults or differ:
        told = [f"{each.table}: {each.sentence}" for each in found.faults[:3]] + differ[:3]
        raise GateFailed(f"Expected backup {saved.name} to restore as it was, found: {'; '.join(told)}.")
    days = len(backups.accesses_of(saved))
    return (
        f"The backup {saved.name} was restored: {found.tables:,} tables with {found.files:,} files, {days:,} days of the access log "
        f"and {acts:,} acts of the audit are whole."
    )


def _place_of_backups() -> Path | None:
    place = value("PSCC_BACKUP")
    return Path(place) if place else None


# In this order: what is broken is found first, and nothing old is deleted before a backup was made and restored.
STEPS: dict[str, Callable[[Settings], str]] = {
    "verify": _verify,
    "compact": _compact,
    "backup": _backup,
    "drill": _drill,
    "logs": _logs,
    "vacuum": _vacuum,
    "retention": _retention,
    "airflow": _airflow,
}
