"""`pscc up` and `pscc down`: the services of one machine, each started when what it needs answers."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from jobs.errors import LakehouseError, WrongUse
from jobs.services import confine, database, own, supervisor, users
from jobs.services.place import Place, is_free
from jobs.services.program import Program
from jobs.services.programs import PROGRAMS, airflow, basic, lake, programs
from jobs.settings import Part, handed, value
from jobs.settings.values import faults, open_files, secret_files
from quality.address import is_remote

Watch = Callable[[str], None]
PATIENCE_SECONDS = 600
VERBS = {"r": "read", "x": "enter", "w": "write to"}


@contextmanager
def private() -> Iterator[None]:
    """What is made inside is for nobody else."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def up(place: Place, watch: Watch) -> str:
    """Start everything that does not run, and wait until all of it is well; what was handed over, what the academy says of itself, with its
    invitations, and which settings have to wait.
    """
    check(place)
    with private():
        make_folders(place)
        check_reach(place)
        handed = hand_over(place)
        make_own(place)
        watch("making the database")
        database.make_cluster(place)
    wanted = programs(place)
    if not supervisor.is_running(place):
        _check_ports(place)
        supervisor.start(place)
    said = prepare_academy(place, watch) if "hub" in {each.name for each in wanted} else ""
    waiting = list(wanted)
    well: set[str] = set()
    until = time.monotonic() + PATIENCE_SECONDS
    while waiting or len(well) < len(wanted):
        for program in [each for each in waiting if well.issuperset(each.needs)]:
            if program.name in ("api-server", "scheduler", "dag-processor", "triggerer"):
                migrate(place, watch)
            supervisor.start_program(place, program)
            waiting.remove(program)
        well = _well(place, well, [each for each in wanted if each not in waiting], watch)
        _check_time(place, until, well)
        time.sleep(0.5)
    for program in [each for each in PROGRAMS if each not in wanted]:
        supervisor.stop_program(place, program.name)
    supervisor.start_program(place, "watch")
    return handed + said + not_yet(place)


def not_yet(place: Place) -> str:
    """The settings that differ from those which run, as a line; empty where none does."""
    differ = {name for name, _ in place.settings.items() ^ supervisor.started_with(place).items()}
    if not differ:
        return ""
    return f"Not in force before `pscc down` and `pscc up`, for what runs was started otherwise: {', '.join(sorted(differ))}.\n"


def prepare_academy(place: Place, watch: Watch) -> str:
    """The folder of the class: settings, lessons, first invitations, as `pscc academy up` makes them; what it says. Nothing while the class is at work."""
    if supervisor.states(place)["hub"]["statename"] in ("RUNNING", "STARTING"):
        return ""
    from jobs.academy import build_lessons

    if not any(place.academy.glob("built/*")):
        build_lessons(place.academy, watch)
    watch("preparing the academy")
    words = ["--to", str(place.academy), "--lake", place.lake, "--release", str(place.release), "--port", str(place.ports["hub"])]
    command = [sys.executable, "-m", "hub_config.academy", "prepare", *words]
    made = subprocess.run(command, env=basic(place), capture_output=True, text=True, check=False, cwd=place.run)
    if made.returncode:
        raise LakehouseError(f"{made.stderr.strip()} Or start without a class: `pscc up --without academy`.")
    return made.stdout


def _well(place: Place, well: set[str], started: list[Program], watch: Watch) -> set[str]:
    """Who answers by now; the database gets its roles as soon as it does."""
    found = {each.name for each in started if each.name not in well and each.probe(place) is None}
    if "postgresql" in found:
        database.make_databases(place)
    missing = [each.name for each in started if each.name not in well | found]
    watch(f"waiting for {', '.join(missing)}" if missing else "starting what comes next")
    return well | found


def _check_time(place: Place, until: float, well: set[str]) -> None:
    known = supervisor.states(place)
    for each in programs(place):
        if known[each.name]["statename"] == "FATAL":
            raise LakehouseError(f"Expected {each.name} to start, found that it ends at once: see `pscc logs {each.name}`.")
    if time.monotonic() > until:
        late = ", ".join(each.name for each in programs(place) if each.name not in well)
        raise LakehouseError(f"Expected everything to answer within {PATIENCE_SECONDS} s, found {late} silent: see `pscc logs`.")


def check(place: Place) -> None:
    """WrongUse for what would keep the services from working, before anything is started."""
    for what, path, remedy in (
        ("the hospitals' key register", place.keys, "name it with --keys"),
        ("the platform key", place.platform_key_file, "make it with `pscc key FILE`, name it in PSCC_PLATFORM_KEY_FILE"),
    ):
        if not Path(path).is_file():
            raise WrongUse(f"Expected {what} at {path}, found none: {remedy}.")
    if wrong := faults(lake(place) | place.settings):
        # Who types this in a plain shell has set nothing: an earlier start did.
        kept = [name for name in place.settings if any(name in sentence for sentence in wrong)]
        back = [f"{name} is remembered: `{name}= pscc up` takes it back." for name in kept]
        raise WrongUse("\n".join([*wrong, *back]))
    confine.binaries()
    if os.geteuid() == 0 and not confine.is_possible():
        raise WrongUse(
            "Expected bubblewrap, without which root's PostgreSQL would have no user of its own, found none that works: "
            "install Debian's `bubblewrap`, or start the services as an ordinary user."
        )


def _check_ports(place: Place) -> None:
    for name, port in place.ports.items():
        if name in {each.name for each in programs(place)} and not is_free(port):
            raise WrongUse(
                f"Expected port {port} to be free for {name}, found somebody listening there: stop that one, or write another "
                f"port into {place.state}/services.json."
            )


def make_folders(place: Place) -> None:
    """Places to drop deliveries and to write to, where they are missing."""
    for folder in (place.state / "curated-engine", place.academy, *_clinical_folders(place)):
        folder.mkdir(mode=0o700, exist_ok=True)
    if not is_remote(place.landing) and not Path(place.landing).is_dir():
        _make_landing(Path(place.landing))
    # A room hides what is there when it is built.
    for folder in (Path(told) for name in confine.BESIDE if (told := value(name)) and not Path(told).exists()):
        _make_beside(folder)


def _make_beside(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise WrongUse(
            f"Expected to make {folder}, which a setting names, found: {error.strerror}. Make it, or name another one."
        ) from None
    if os.geteuid() == 0:
        os.chown(folder, users.CLINICAL_UID, users.CLINICAL_UID)


def _make_landing(landing: Path) -> None:
    landing.mkdir(parents=True)
    if os.geteuid() == 0:
        # Root's, and the clinical user reads what is dropped there.
        os.chown(landing, -1, users.CLINICAL_UID)
        landing.chmod(0o2750)


def _clinical_folders(place: Place) -> list[Path]:
    """What the clinical user's programs write to, beside the lake."""
    homes = [place.state / each.name for each in PROGRAMS if each.user == users.CLINICAL_UID]
    apart = [place.state / "staging"] if is_remote(place.lake) else []
    return [place.state / "airflow", *apart, *homes, place.logs / "tasks", place.logs / "dag-files"]


def check_reach(place: Place) -> None:
    """WrongUse where the clinical user cannot read what it must and root made: nothing outside lake and state folder is given away unasked."""
    if os.geteuid() != 0:
        return
    wanted = _wanted(place)
    script = 'while [ $# -gt 0 ]; do test "-$1" "$2" || { echo "$1 $2"; exit; }; shift 2; done'
    words = [word for verb, path in wanted for word in (verb, path)]
    tried = subprocess.run(
        [*confine.tasks(place), "/bin/sh", "-c", script, "sh", *words], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        raise LakehouseError(f"Expected to start a program as user {users.CLINICAL_UID}, found: {tried.stderr.strip()[-300:]}.")
    if closed := tried.stdout.strip():
        verb, path = closed.split(" ", 1)
        raise WrongUse(
            f"Expected the clinical user ({users.CLINICAL_UID}) to be able to {VERBS[verb]} {path}, found it closed: run `{_remedy(verb, path)}`."
        )


def _remedy(verb: str, path: str) -> str:
    # Backups are closed to all but their owner.
    if path == value("PSCC_BACKUP"):
        return f"chown -R {users.CLINICAL_UID}:{users.CLINICAL_UID} {path}"
    return f"chgrp -R {users.CLINICAL_UID} {path} && chmod -R g+{'rwX' if verb == 'w' else 'rX'} {path}"


def _wanted(place: Place) -> list[tuple[str, str]]:
    """What the tasks need of root's or of the operator's, and what for."""
    found = [("x", sys.executable), ("r", str(users.PROJECT)), ("r", place.keys), ("r", place.platform_key_file)]
    if not is_remote(place.landing):
        write = [("w", place.landing)] if value("PSCC_KEEP_LANDING_DAYS") else []
        found += [("r", place.landing), ("x", place.landing), *write]
    handed_on = handed(Part.TASKS, Part.EVERY)
    needed = [*secret_files(Part.TASKS, environment=handed_on), *open_files(Part.TASKS, Part.EVERY, environment=handed_on)]
    found += [("r", str(file)) for file in needed]
    backup = value("PSCC_BACKUP")
    found += [("w", str(confine.staging(place)))] if value("PSCC_STAGING") else []
    return found + ([("w", backup)] if backup else [])


def hand_over(place: Place) -> str:
    """Where root starts the services, give the clinical user what is its own; a line that says so of a lake that was root's until now."""
    if os.geteuid() != 0:
        return ""
    # What tasks log lies below.
    place.logs.chmod(0o711)
    for folder in _clinical_folders(place):
        users.hand_over(folder)
    lake = Path(place.lake)
    if is_remote(place.lake):
        return ""
    lake.mkdir(mode=0o700, parents=True, exist_ok=True)
    if lake.stat().st_uid == 0:
        # What root's commands made in it before may be open to every account.
        lake.chmod(stat.S_IMODE(lake.stat().st_mode) & ~0o007)
    given = users.hand_over(lake)
    told = f"{lake} was root's: its {given:,} files and folders are the clinical user's now ({users.CLINICAL_UID}), and closed to others.\n"
    return told if given else ""


def make_own(place: Place) -> None:
    """What the programs find before they start, made by the user who they are: the ledger of a new lake, Airflow's files."""
    is_apart = is_remote(place.lake) or bool(value("PSCC_STAGING"))
    apart = str(confine.staging(place)) if is_apart else None
    told = own.Own(place.lake, str(place.state / "airflow"), place.passwords["admin"], place.database_url, apart)
    if os.geteuid() != 0:
        own.make(told)
        return
    command = [*confine.tasks(place), sys.executable, "-m", "jobs.services.own"]
    made = subprocess.run(
        command,
        input=told.told(),
        env=airflow(place) | handed(Part.TASKS),
        cwd=place.state,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        said = (made.stderr.strip().splitlines() or ["nothing"])[-1]
        if said.startswith(own.SENTENCE):
            raise WrongUse(said.removeprefix(own.SENTENCE))
        raise LakehouseError(f"Expected to make ledger and folders as user {users.CLINICAL_UID}, found: {said}.")


def migrate(place: Place, watch: Watch) -> None:
    """Airflow's tables as this version of it needs them; once a version."""
    # Root's: it would follow a link that another user laid.
    done = place.state / "migrated"
    wanted = version("apache-airflow")
    if done.is_file() and done.read_text() == wanted:
        return
    watch("making Airflow's tables")
    with (place.logs / "migrate.log").open("a") as log:
        made = subprocess.run(
            _migration(place), env=airflow(place), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=place.state, check=False
        )
    if made.returncode:
        raise LakehouseError(f"Expected to make Airflow's tables, found that it failed: see {place.logs / 'migrate.log'}.")
    done.write_text(wanted)


def _migration(place: Place) -> list[str]:
    from jobs.services.programs import airflow_command

    return [*(confine.tasks(place) if os.geteuid() == 0 else []), *airflow_command("db", "migrate")]


def down(place: Place) -> bool:
    """Stop everything; False where nothing ran."""
    if not supervisor.is_running(place):
        return False
    supervisor.shut_down(place)
    return True
