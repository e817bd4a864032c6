"""`pscc up` and `pscc down`: the services of one machine, each started when what it needs answers."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from jobs.errors import LakehouseError, WrongUse
from jobs.services import confine, database, supervisor
from jobs.services.place import Place, is_free, write_private
from jobs.services.program import Program
from jobs.services.programs import PROGRAMS, airflow, basic, lake, programs
from jobs.settings.values import faults

Watch = Callable[[str], None]
PATIENCE_SECONDS = 600


@contextmanager
def private() -> Iterator[None]:
    """What is made inside is for nobody else."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def up(place: Place, watch: Watch) -> str:
    """Start everything that does not run, and wait until all of it is well; what the academy says of itself, with its invitations."""
    check(place)
    with private():
        make_folders(place)
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
    return said


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
    if wrong := faults(lake(place)):
        raise WrongUse("\n".join(wrong))
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
    """What programs need before they start: places to write to, the ledger of a new lake, Airflow's password."""
    from jobs.ledger import Ledger
    from jobs.settings import Settings

    if "://" not in place.landing:
        Path(place.landing).mkdir(parents=True, exist_ok=True)
    for folder in (confine.scratch(place), place.state / "curated-engine", place.academy):
        folder.mkdir(mode=0o700, exist_ok=True)
    settings = Settings(lake=place.lake, database_url=place.database_url)
    if not place.database_url:
        Ledger(settings).close()
    settings.make_staging()
    if "://" not in place.lake:
        confine.share_gold(place)
    config = place.state / "airflow" / "config"
    config.mkdir(exist_ok=True)
    # Every process of Airflow reads this file; only the scheduler's environment asks for more.
    write_private(config / "airflow_local_settings.py", "import jobs.services.preload  # noqa: F401\n")
    write_private(place.state / "airflow" / "passwords.json", json.dumps({"admin": place.passwords["admin"]}) + "\n")


def migrate(place: Place, watch: Watch) -> None:
    """Airflow's tables as this version of it needs them; once a version."""
    done = place.state / "airflow" / "migrated"
    wanted = version("apache-airflow")
    if done.is_file() and done.read_text() == wanted:
        return
    watch("making Airflow's tables")
    with (place.logs / "migrate.log").open("a") as log:
        made = subprocess.run(
            _migration(), env=airflow(place), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=place.run, check=False
        )
    if made.returncode:
        raise LakehouseError(f"Expected to make Airflow's tables, found that it failed: see {place.logs / 'migrate.log'}.")
    done.write_text(wanted)


def _migration() -> list[str]:
    from jobs.services.programs import airflow_command

    return airflow_command("db", "migrate")


def down(place: Place) -> bool:
    """Stop everything; False where nothing ran."""
    if not supervisor.is_running(place):
        return False
    supervisor.shut_down(place)
    return True
