"""Start, stop and look at an academy: hub, proxy, academy service and teaching engine go up and down together.

python -m hub_config.academy up --lake LAKE --to DIR [--release R] [--port P] …
"""

import argparse
import io
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from courses.checking.errors import BrokenChain, CheckingError
from courses.checking.private import write_private
from hub_config.errors import AcademyError, WrongUse
from hub_config.groups import drop_all, joining, make_weighty
from hub_config.parts import is_built
from hub_config.place import PROJECT, SOCKETS, Academy
from hub_config.probe import choose
from hub_config.roster import RETENTION_DAYS, Roster

FIRST_CLASS = "first-class"
# Whoever comes first finds an instructor and two trainees invited.
FIRST_PEOPLE = (("instructor", "instructor"), ("trainee-1", "trainee"), ("trainee-2", "trainee"))
PATIENCE = 120.0


def up(arguments: argparse.Namespace) -> None:
    """Start everything, wait for the log-in page, say where it is and who is invited."""
    academy = asked_for(arguments)
    if arguments.dry_run:
        return
    started = time.monotonic()
    prepare(academy)
    running = start_all(academy)
    try:
        wait_for_page(academy, running)
        page = time.monotonic() - started
        # Whoever reads the address next asks the engine soon after.
        if "engine" in running:
            print(engine_told(academy, running["engine"], started))
    except BaseException:
        stop_all(running)
        raise
    print(f"Log-in page after {page:.0f} s: {academy.url}")
    welcome(academy)


def only_prepare(arguments: argparse.Namespace) -> None:
    """All that `up` does before it starts something, for who starts hub and engine otherwise; who is invited."""
    academy = asked_for(arguments)
    prepare(academy)
    print(f"Log-in page: {academy.url}")
    welcome(academy)


def only_run(arguments: argparse.Namespace) -> None:
    """Be the hub or the engine of a prepared academy, in this very process; who called starts it again where it ends."""
    academy = Academy.read(arguments.to.resolve())
    command, environment = part(academy, arguments.part)
    note_running(academy.to, still_running(academy.to) | {arguments.part: os.getpid()})
    os.chdir(academy.state)
    os.execvpe(command[0], command, environment)


def asked_for(arguments: argparse.Namespace) -> Academy:
    """The academy that these words ask for; WrongUse where it runs already, or cannot here."""
    to = arguments.to.resolve()
    refuse_if_running(to)
    lake = arguments.lake.resolve()
    release_name = "" if arguments.dry_run else found_release(lake, arguments.release)
    level, verdicts = choose(arguments.isolation, arguments.let_trainees_read_each_other)
    ports = free_ports(arguments.listen, arguments.port)
    # Where everybody is the hub's user, a function of a trainee does nothing that its notebook could not.
    bare = level == "none" or arguments.try_functions_without_sandbox
    academy = Academy(to, lake, release_name, level, *ports, login=arguments.login, listen=arguments.listen, **bounds(arguments))
    refuse_login(academy.login)
    if not arguments.dry_run:
        print(f"Isolation level: {level}.", *verdicts, sep="\n  ")
    return replace(academy, bare_functions=bare)


def welcome(academy: Academy) -> None:
    """Say what is missing for a class, and who is invited."""
    tell_unbuilt(academy)
    invite_first(academy)
    tell_overdue(academy)


def prepare(academy: Academy) -> None:
    """Make folders and settings, and lay the release out; WrongUse where trainees could read too little of this machine or too much."""
    refuse_unreadable(academy)
    refuse_open(academy)
    academy.make_folders()
    sweep(academy)
    show_release(academy)
    academy.write()
    tell_functions(academy)
    print(f"Record of attempts: {record_told(academy)}")


def down(arguments: argparse.Namespace) -> None:
    """Stop everything that `up` started. Homes, roster and attempts stay."""
    to = arguments.to.resolve()
    academy = Academy.read(to)
    running = still_running(to)
    stop_all(running)
    sweep(academy)
    if not running:
        print("Nothing of this academy is running.")
        return
    pids_file(to).unlink(missing_ok=True)
    drop_all(to)
    print(f"Stopped {' and '.join(running)}. Homes, roster and progress are kept in {to}.")


def sweep(academy: Academy) -> None:
    """Take away what hub and service leave in temporary folders when they are killed."""
    for folder in academy.tmp.glob("*"):
        shutil.rmtree(folder, ignore_errors=True)
    if academy.channels.exists():
        folder = Path(academy.channels.read_text(encoding="utf-8"))
        if folder.name.startswith(SOCKETS):
            shutil.rmtree(folder, ignore_errors=True)
        academy.channels.unlink()


def status(arguments: argparse.Namespace) -> None:
    """Say what runs, at which level, on which release, and how many people there are."""
    academy = Academy.read(arguments.to.resolve())
    running = still_running(academy.to)
    print(f"Academy   {academy.url if 'hub' in running else 'stopped'}")
    print(f"Running   {', '.join(running) or 'nothing'}")
    print(f"Isolation {academy.level}")
    print(f"Release   {academy.release_name}")
    accounts = Roster(academy.state / "roster.toml").accounts().values()
    waiting = sum(1 for account in accounts if account.invitation)
    print(f"People    {len(accounts)}, {waiting} of them still invited")
    print(f"Record    {record_told(academy)}")
    tell_overdue(academy)


def invite(arguments: argparse.Namespace) -> None:
    """Add one person to the roster and print their invitation."""
    academy = Academy.read(arguments.to.resolve())
    courses, classes = tuple(arguments.courses or ()), tuple(arguments.classes or ())
    code = Roster(academy.state / "roster.toml").add(arguments.user, arguments.role, classes, courses, arguments.language)
    print(invitation_url(academy, code))


def reset(arguments: argparse.Namespace) -> None:
    """Take a password away and print a new invitation."""
    academy = Academy.read(arguments.to.resolve())
    code = Roster(academy.state / "roster.toml").reset(arguments.user)
    note_invitation(academy, arguments.user)
    print(invitation_url(academy, code))


def note_invitation(academy: Academy, user: str) -> None:
    """Record that the operator gave out an invitation for an account; its holder reads it."""
    from courses.checking.attempts import Attempts

    with closing(Attempts(academy.state)) as attempts:
        attempts.add("invited", user, "", "", "", academy.release_name)


def import_class(arguments: argparse.Namespace) -> None:
    """Add everybody of a CSV and print the invitations of those who are new, as CSV."""
    academy = Academy.read(arguments.to.resolve())
    try:
        text = arguments.csv.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise WrongUse(f"Expected a CSV in UTF-8 at {arguments.csv}, found no such file: check the path.") from None
    codes = Roster(academy.state / "roster.toml").import_class(text)
    print("user,invitation")
    for name, code in codes.items():
        print(f"{name},{invitation_url(academy, code)}")


def export(arguments: argparse.Namespace) -> None:
    """Print a class, or everybody, as CSV."""
    academy = Academy.read(arguments.to.resolve())
    print(Roster(academy.state / "roster.toml").export_class(arguments.class_name), end="")


def retire(arguments: argparse.Namespace) -> None:
    """Remove the accounts that are named, or those that nobody has used for so long, with all that is kept of them."""
    academy = Academy.read(arguments.to.resolve())
    roster = Roster(academy.state / "roster.toml")
    if strangers := set(arguments.users) - set(roster.accounts()):
        raise WrongUse(f"Expected people of the roster, found {', '.join(sorted(strangers))}: see `pscc academy export`.")
    if arguments.yes:
        # The hub holds on to whom it knows for as long as it runs.
        refuse_if_running(academy.to)
    for name in arguments.users or roster.overdue(arguments.days):
        if arguments.yes:
            remove_person(academy, roster, name)
        print(f"{'Removed' if arguments.yes else 'Would remove'} {name}, their home, and their name from the record of attempts.")


def remove_person(academy: Academy, roster: Roster, name: str) -> None:
    """Take away what is kept of a person; the account last, so that a removal that was cut short is done again."""
    from courses.checking.badges import forget

    forget(academy.state, name)
    forget_in_hub(academy.state / "jupyterhub.sqlite", name)
    (academy.log / f"server-{name}.log").unlink(missing_ok=True)
    if (home := academy.homes / name).exists():
        shutil.rmtree(home)
    roster.remove(name)


def forget_in_hub(database: Path, name: str) -> None:
    """Take somebody out of the hub's database, with their tokens: a new account of that name is somebody else."""
    if not database.exists():
        return
    from jupyterhub import orm
    from sqlalchemy import text

    with closing(orm.new_session_factory(f"sqlite:///{database}")()) as session:
        # No letter of the name stays in the file.
        session.execute(text("pragma secure_delete = on"))
        if user := orm.User.find(session, name):
            session.delete(user)
            session.commit()


def found_release(lake: Path, name: str | None) -> str:
    """The release that was named, else the newest; WrongUse where it is not there or nobody has approved it."""
    teaching = lake / "teaching"
    approved = approved_releases(teaching)
    if not approved:
        raise WrongUse(
            f"Expected an approved teaching release below {teaching}, found none: `pscc release make`, then `pscc release approve`."
        )
    if name is None:
        return approved[-1]
    if name not in approved:
        raise WrongUse(
            f"Expected the release {name} below {teaching} and approved, found {', '.join(approved)}: name one of these, or approve it."
        )
    return name


def approved_releases(teaching: Path) -> list[str]:
    """The releases that trainees may see, in the order in which they were approved."""
    states = teaching / "releases.json"
    known = json.loads(states.read_text(encoding="utf-8")) if states.is_file() else []
    approved = sorted((each for each in known if each["state"] == "approved"), key=lambda each: each["at"])
    return [each["name"] for each in approved if (teaching / each["name"] / "card.json").is_file()]


def refuse_unreadable(academy: Academy) -> None:
    """WrongUse where trainees, who have user ids of their own, could not read the release."""
    if os.geteuid() == 0 and academy.level != "none":
        closed = [path for path in academy.release.rglob("*") if not path.stat().st_mode & 0o004]
        if closed or not academy.release.stat().st_mode & 0o005:
            raise WrongUse(
                f"Expected a release that everybody may read, found one that is closed: run `chmod -R a+rX {academy.release}`."
            )
    if os.geteuid() == 0 and academy.level == "uid":
        # A sandbox has the home mounted; here trainees walk to it.
        ways = {parent for parent in academy.homes.parents if parent.exists()}
        if barred := sorted(str(way) for way in ways - {academy.to} if not way.stat().st_mode & 0o001):
            raise WrongUse(
                f"Expected folders that everybody may pass through at level uid, found {', '.join(barred)} closed: run `chmod a+x` on them, "
                "or install bubblewrap."
            )


def refuse_open(academy: Academy, project: Path = PROJECT) -> None:
    """WrongUse where trainees, who at level uid walk through this machine, could enter the lake or read the answers of a course."""
    if academy.level != "uid":
        return
    answers = [path.parent for path in sorted((project / "courses").glob("*/course.toml"))] + [project / ".git"]
    if found := [str(place) for place in (academy.lake, *answers) if place.exists() and is_open(place)]:
        raise WrongUse(
            f"Expected lake and courses closed to others at level uid, found {len(found)} folders open: run `chmod o-rwx {' '.join(found)}`, "
            "or install bubblewrap."
        )


def is_open(folder: Path) -> bool:
    """Whether somebody of another user and group can look into a folder, or at what they know the name of in it."""
    return bool(folder.stat().st_mode & 0o005) and all(parent.stat().st_mode & 0o001 for parent in folder.resolve().parents)


def show_release(academy: Academy) -> None:
    """At level uid, a copy of the release for trainees, in place of any that was shown before."""
    if academy.shown == academy.release:
        return
    shutil.rmtree(academy.shown.parent, ignore_errors=True)
    shutil.copytree(academy.release, academy.shown)
    for path in (academy.shown.parent, academy.shown, *academy.shown.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def refuse_login(login: str) -> None:
    """WrongUse where the way to log in is not installed."""
    # The hub's packages take a second to import: not for `status`.
    from hub_config.authenticator import authenticator_class

    authenticator_class(login)


def bounds(arguments: argparse.Namespace) -> dict[str, Any]:
    """The bounds of a server that the command names, for the settings."""
    names = ("memory_mb", "processes", "file_mb", "home_mb", "idle_minutes")
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}


def free_ports(host: str, port: int) -> tuple[int, int, int, int, int]:
    """The port that was asked for, if it is free, and four others of this machine."""
    try:
        socket.create_server((host, port)).close()
    except OSError:
        raise WrongUse(
            f"Expected port {port} to be free, found it taken: stop what listens there, or choose another with --port."
        ) from None
    others = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
    chosen = [other.getsockname()[1] for other in others]
    for other in others:
        other.close()
    return (port, chosen[0], chosen[1], chosen[2], chosen[3])


def start_all(academy: Academy) -> dict[str, int]:
    """Start the engine and the hub, which starts proxy and service itself; their process ids by name."""
    running = {}
    if is_built("hub_config.engine"):
        running["engine"] = start(academy, "engine")
    else:
        print("The teaching engine is not part of this installation: notebooks have no Spark.")
    if not is_built("hub_config.portal"):
        print("The portal is not part of this installation: there is no catalogue and no check.")
    running["hub"] = start(academy, "hub")
    note_running(academy.to, running)
    return running


def note_running(to: Path, running: dict[str, int]) -> None:
    """Keep what was started, by process id and time of birth."""
    write_private(pids_file(to), json.dumps({name: [pid, born(pid)] for name, pid in running.items()}))


def part(academy: Academy, name: str) -> tuple[list[str], dict[str, str]]:
    """The command of hub or engine, and its environment."""
    if name == "engine":
        command = [sys.executable, "-m", "hub_config.engine", *engine_options(academy)]
    else:
        command = [sys.executable, "-m", "jupyterhub", "--config", str(PROJECT / "hub_config" / "jupyterhub_config.py")]
    # Without isolation servers would inherit what the hub weighs.
    command, needed = joining(make_weighty(academy.to, name) if academy.level != "none" else [], command)
    return command, os.environ | {"PSCC_ACADEMY": str(academy.to), "PYTHONPATH": str(PROJECT)} | needed


def engine_options(academy: Academy) -> list[str]:
    options = ["--release", str(academy.release), "--port", str(academy.engine_port), "--state", str(academy.state)]
    return [*options, "--without-sandbox"] if academy.level == "none" else options


def start(academy: Academy, name: str) -> int:
    """Start a process that outlives this one; what it says goes to log/<name>.log."""
    command, environment = part(academy, name)
    log = os.open(academy.log / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            command, env=environment, cwd=academy.state, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    finally:
        os.close(log)
    return process.pid


def wait_for_page(academy: Academy, running: dict[str, int]) -> None:
    """Come back when the log-in page answers; AcademyError where the hub ended or time is up."""
    until = time.monotonic() + PATIENCE
    # Straight to this machine, whatever proxy this shell uses for others.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until:
        if not alive(running["hub"]):
            raise AcademyError(f"Expected the hub to start, found that it ended: see {academy.log / 'hub.log'}.")
        try:
            with direct.open(f"{academy.url}/hub/login", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise AcademyError(f"Expected the log-in page within {PATIENCE:.0f} s, found none: see {academy.log / 'hub.log'}.")


def engine_told(academy: Academy, pid: int, started: float) -> str:
    """Wait until the teaching engine answers; in one sentence when it did, or that it does not."""
    from hub_config import engine

    log = academy.log / "engine.log"
    until = time.monotonic() + PATIENCE
    while alive(pid) and time.monotonic() < until:
        if engine.is_ready(engine.state_of(academy.state)):
            return f"Teaching engine ready after {time.monotonic() - started:.0f} s."
        time.sleep(0.3)
    if alive(pid):
        return f"The teaching engine is not ready after {PATIENCE:.0f} s, first queries will wait: see {log}."
    return f"The teaching engine has ended, notebooks have no Spark: see {log}."


def record_told(academy: Academy) -> str:
    """How many events the record of attempts holds, or in one sentence why it cannot be trusted."""
    from courses.checking.attempts import Attempts

    if not (academy.state / "attempts.sqlite").exists():
        return "nothing yet"
    with closing(Attempts(academy.state)) as attempts:
        try:
            return f"{attempts.verify()} events, whole"
        except BrokenChain as error:
            return str(error)


def seal(arguments: argparse.Namespace) -> None:
    """Take the record of attempts as it is from now on, after you have looked at why its seal does not fit."""
    from courses.checking.attempts import Attempts

    academy = Academy.read(arguments.to.resolve())
    refuse_if_running(academy.to)
    with closing(Attempts(academy.state)) as attempts:
        print(f"Sealed {attempts.seal_as_it_is()} events as they are.")


def tell_functions(academy: Academy) -> None:
    """Say that functions of trainees are not tried here, where that is so."""
    from courses.checking.code import isolation

    if not academy.bare_functions and isolation() == "process":
        print("Exercises that ask for a function are closed: install bubblewrap, or say --try-functions-without-sandbox.")


def invite_first(academy: Academy) -> None:
    """Print one-time invitations of an instructor and two trainees, as long as they have not used them."""
    roster = Roster(academy.state / "roster.toml")
    known = roster.accounts()
    for name, role in FIRST_PEOPLE:
        if name not in known:
            code = roster.add(name, role, (FIRST_CLASS,))
        elif not known[name].password:
            code = roster.reset(name)
        else:
            continue
        print(f"Invitation of {name}, good once: {invitation_url(academy, code)}")


def invitation_url(academy: Academy, code: str) -> str:
    return f"{academy.url}/hub/invitation?code={code}"


def tell_unbuilt(academy: Academy) -> None:
    """Say that trainees will find no lessons, where none are built."""
    if not any(academy.built.glob("*/trainee/*.ipynb")):
        print(f"No lessons are built, homes stay without any: run `pscc course build --to {academy.built}`.")


def tell_overdue(academy: Academy) -> None:
    """Say how many accounts are past the date of their removal."""
    if names := Roster(academy.state / "roster.toml").overdue():
        print(f"{len(names)} accounts unused for {RETENTION_DAYS} days as of {date.today()}: `pscc academy retire` removes them.")


def pids_file(to: Path) -> Path:
    return to / "state" / "running.json"


def still_running(to: Path) -> dict[str, int]:
    """What `up` started and still runs. A process id counts only with its time of birth: numbers come back."""
    if not pids_file(to).exists():
        return {}
    noted = json.loads(pids_file(to).read_text(encoding="utf-8"))
    return {name: pid for name, (pid, birth) in noted.items() if alive(pid) and born(pid) == birth}


def refuse_if_running(to: Path) -> None:
    if still_running(to):
        raise WrongUse(f"Expected this academy to be stopped, found it running: see `pscc academy status --to {to}`.")


def stop_all(running: dict[str, int]) -> None:
    """End the hub (which ends servers, proxy and service), then the engine."""
    for name in sorted(running, reverse=True):
        end(running[name])


def end(pid: int, patience: float = 60.0) -> None:
    """Ask a process to end, and make it where it does not."""
    until = time.monotonic() + patience
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            return
        while alive(pid) and time.monotonic() < until:
            time.sleep(0.1)


def alive(pid: int) -> bool:
    """Whether the process still runs; one that ended and was started here is taken away."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def born(pid: int) -> str:
    """When a process began, as the kernel counts; nothing where it ended already."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="pscc academy", description="A class of trainees on a release for teaching.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=(run.__doc__ or "").splitlines()[0], allow_abbrev=False)
        one.add_argument("--to", type=Path, default=Path("academy"), metavar="DIR", help="the academy's folder (academy)")
        one.set_defaults(run=run)
        return one

    for starting in (command("up", up), command("prepare", only_prepare)):
        start_options(starting)
    command("run", only_run).add_argument("part", choices=("engine", "hub"))
    command("down", down)
    command("status", status)
    command("seal", seal)
    one = command("invite", invite)
    one.add_argument("user")
    one.add_argument("--role", default="trainee")
    one.add_argument("--class", dest="classes", action="append", metavar="CLASS")
    one.add_argument("--course", dest="courses", action="append", metavar="COURSE")
    one.add_argument("--language", default="fr")
    command("reset", reset).add_argument("user")
    command("import", import_class).add_argument("csv", type=Path)
    command("export", export).add_argument("--class", dest="class_name", metavar="CLASS")
    going = command("retire", retire)
    going.add_argument("users", nargs="*", metavar="USER", help="whom; all who were not here for so long, when not named")
    going.add_argument("--days", type=int, default=RETENTION_DAYS)
    going.add_argument("--yes", action="store_true", help="do it; without, say what would be done")
    return top


def start_options(starting: argparse.ArgumentParser) -> None:
    """What may be said of an academy that is to be started."""
    starting.add_argument("--lake", type=Path, default=Path(os.environ.get("LAKE_ROOT", "lake")), metavar="LAKE")
    starting.add_argument("--release", metavar="R", help="the newest, when not named")
    starting.add_argument("--port", type=int, default=8000, metavar="P")
    starting.add_argument("--listen", default="127.0.0.1", metavar="ADDRESS", help="0.0.0.0 behind a proxy with TLS")
    starting.add_argument("--isolation", metavar="LEVEL", help="none, uid, bwrap or airgap; the strongest, when not named")
    starting.add_argument("--login", default="roster", metavar="HOW", help="roster, oidc or lti")
    starting.add_argument("--let-trainees-read-each-other", action="store_true", help="allow the level none")
    starting.add_argument(
        "--try-functions-without-sandbox",
        action="store_true",
        help="where bubblewrap does not work: exercises that ask for a function",
    )
    starting.add_argument("--dry-run", action="store_true", help="say whether it could start here, lake aside; start nothing")
    for name in ("memory-mb", "processes", "file-mb", "home-mb", "idle-minutes"):
        starting.add_argument(f"--{name}", type=int, metavar="N")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a refusal is a sentence and an exit code."""
    asked = parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Progress is for now, in a pipe or a file too.
        sys.stdout.reconfigure(line_buffering=True)
    try:
        asked.run(asked)
    except (AcademyError, CheckingError) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, WrongUse) else 3
    except (OSError, sqlite3.OperationalError) as error:
        place = getattr(error, "filename", None)
        found = f"{getattr(error, 'strerror', None) or error}{f' ({place})' if place else ''}"
        print(f"Expected the disk and its files to be usable, found: {found}. Nothing was lost; run again.", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
