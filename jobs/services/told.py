"""What commands tell of the services: which run, where they are reached, what they logged."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from jobs.errors import WrongUse
from jobs.services import confine, following, supervisor
from jobs.services.place import FILE, RENEWABLE, Foreign, Place, is_here, opened, prepared, renewed
from jobs.services.programs import basic, programs, whereabouts
from jobs.settings import Settings, checked_place, give_libraries, recall, remembered, value
from jobs.settings.table import SETTINGS
from quality.address import is_remote

STOPPED = "no supervisor: `pscc up`"
# The supervisor's words in plain ones.
STATES = {"RUNNING": "running", "STARTING": "starting", "BACKOFF": "ends at once", "FATAL": "given up", "STOPPING": "stopping"}


def prepared_from_environment(
    state: Path, lake: str | None, landing: str | None, keys: Path | None, without: list[str] | None = None
) -> Place:
    """The place for these services: what the command names, then what was remembered, then what the environment names.

    Of all other settings the environment wins; what is remembered of them is put into it.
    """
    named = {"lake": lake, "landing": landing, "keys": str(keys) if keys else None}
    if not is_here(state):
        # Without a word of anybody, these services have a lake of their own and not ./lake.
        variables = {"lake": "LAKE_ROOT", "landing": "PSCC_LANDING", "keys": "PSCC_KEYS"}
        named = {what: given or os.environ.get(variables[what]) for what, given in named.items()}
        named |= {"platform_key_file": value("PSCC_PLATFORM_KEY_FILE"), "database_url": value("PSCC_DATABASE_URL")}
    places = {what: _absolute(given) if given and what != "database_url" else given for what, given in named.items()}
    place = prepared(state, places)
    # A lake in an object store keeps no ledger of its own.
    if is_remote(place.lake) and not place.database_url:
        place = prepared(state, {"database_url": place.database("lakehouse")})
    _check_there(place, named)
    kept = remembered(place.settings)
    _check_kept(kept)
    recall(kept)
    return prepared(state, {"without": without, "release": newest_release(place.lake), "settings": kept})


def _check_there(place: Place, named: dict[str, str | None]) -> None:
    """WrongUse where the lake or the landing area of services that have run is gone, and nobody names it now: made anew, it would hide that a disk is missing."""
    for what in ("lake", "landing"):
        folder = str(getattr(place, what))
        if (place.state / "migrated").is_file() and not named[what] and not is_remote(folder) and not Path(folder).is_dir():
            raise WrongUse(
                f"Expected the folder {folder} ({what} of these services), found none: mount its disk, or make it; another one is named with --{what}."
            )


def _check_kept(kept: dict[str, str]) -> None:
    """WrongUse where a folder is gone that nobody names now: made anew, it would be empty and hide that a disk is missing."""
    for name in confine.BESIDE:
        if name in kept and name not in os.environ and not Path(kept[name]).is_dir():
            raise WrongUse(
                f"Expected a folder at {kept[name]}, which an earlier `pscc up` was told as {name}, found none: mount its disk, or make it; "
                f"`{name}= pscc up` goes on without."
            )


def newest_release(lake: str) -> str:
    """The release that was approved last; empty where none is."""
    states = Path(lake, "teaching", "releases.json")
    known = json.loads(states.read_text(encoding="utf-8")) if states.is_file() else []
    approved = sorted((each for each in known if each["state"] == "approved"), key=lambda each: each["at"])
    return str(approved[-1]["name"]) if approved else ""


def address_of(state: Path, user: str) -> str:
    """Where a person reaches the curated engine."""
    place = opened(state)
    _take_settings(place)
    words = ["--port", str(place.ports["curated-engine"]), "--state", str(place.state / "curated-engine"), "--remote-for", user]
    done = subprocess.run(
        [sys.executable, "-m", "hub_config.engine", *words], env=basic(place), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise WrongUse(f"Expected a name of letters, digits and @._-, found {user!r}: name the person otherwise.")
    return done.stdout.strip()


def renew(state: Path) -> list[str]:
    """Give the services new secrets where they can be changed, and analysts' tokens another key; which. WrongUse while the services run.

    Cut short, it is run again.
    """
    place = opened(state)
    if supervisor.is_running(place):
        raise WrongUse(
            "Expected the services to be stopped, found them running with the secrets that they have: `pscc down` first."
        )
    # Made again by whoever asks for it next.
    (place.state / "curated-engine" / "engine.key").unlink(missing_ok=True)
    renewed(place)
    return sorted(RENEWABLE)


def _absolute(place: str) -> str:
    return checked_place(place) if is_remote(place) else str(Path(place).resolve())


def settings(state: Path, lake: str | None) -> Settings:
    """The lake that is named, else that of the environment, else that of the services here, with what these were started with."""
    found, _ = lake_beside(state, lake)
    give_libraries()
    return Settings.from_environment(found)


def lake_beside(state: Path, lake: str | None) -> tuple[str | None, dict[str, str]]:
    """The same lake by its name, None where nobody names one and no services are here; and what these remember, taken, where it is theirs."""
    named = lake or os.environ.get("LAKE_ROOT")
    place = _place_of(state, named)
    if place is None:
        return named, {}
    _take_settings(place)
    return place.lake, place.settings


def _place_of(state: Path, named: str | None) -> Place | None:
    """The services here, where a command works on their lake. Who names another one is not kept from it by what lies here, whosever that is."""
    try:
        place = opened(state) if is_here(state) else None
    except WrongUse as error:
        if not named:
            raise
        if isinstance(error, Foreign):
            print(f"{error} Nothing is taken from it.", file=sys.stderr)
        return None
    return place if place and (not named or _absolute(named) == place.lake) else None


def _take_settings(place: Place) -> None:
    """Put what the services were started with into the environment. What is set there stays."""
    recall(place.settings)
    for name, known in whereabouts(place).items():
        # Where a file is gone, whoever needs it says so; nobody else is kept from work.
        if not any(map(os.environ.get, SETTINGS[name].variables)) and SETTINGS[name].kind.fault(known) is None:
            os.environ[name] = known


def landing_area(state: Path) -> Path:
    """Where deliveries are dropped: PSCC_LANDING, else the landing area of the services here."""
    if known := value("PSCC_LANDING"):
        return Path(known)
    if not is_here(state):
        raise WrongUse(
            "Expected a landing area, found neither --to nor PSCC_LANDING nor services in ./services: name one with --to."
        )
    return Path(opened(state).landing)


def welcome(place: Place) -> str:
    """What to do next, once everything is well."""
    kept = f"Settings that are remembered: {', '.join(sorted(place.settings))}.\n" if place.settings else ""
    taught = _taught(place)
    return (
        f"{kept}Everything is well. Airflow: http://127.0.0.1:{place.ports['api-server']} as admin, password in {place.state / FILE} (passwords, admin).\n{taught}"
        f"Drop deliveries with `pscc deliver FOLDER --to {place.landing}`; look with `pscc status --services {place.state}`."
    )


def _taught(place: Place) -> str:
    """Where the class is reached, and what it learns from: a newer release waits until the hub starts anew."""
    if "hub" not in {each.name for each in programs(place)}:
        return ""
    noted = place.class_settings
    known = json.loads(noted.read_text())["release_name"] if noted.is_file() else place.release
    newer = f"; {place.release} waits for `pscc down` and `pscc up`" if known != place.release else ""
    return f"The class: http://127.0.0.1:{place.ports['hub']}, on release {known}{newer}.\n"


def services(state: Path) -> dict[str, Any] | None:
    """Each program with its state and what the watch found; None where there are no services, or another user's."""
    try:
        place = opened(state)
    except WrongUse:
        return None
    if not supervisor.is_running(place):
        return {"programs": {name: _told("stopped", None, {"wrong": STOPPED}) for name in supervisor.names(place)}}
    health = _health(place)
    found = supervisor.states(place)
    return {"programs": {name: _program(found[name], health.get(name, {})) for name in supervisor.names(place)}}


def _program(known: dict[str, Any], health: dict[str, Any]) -> dict[str, Any]:
    state = STATES.get(known["statename"], "stopped")
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(known["start"])) if state == "running" else None
    return _told(state, since, health)


def _told(state: str, since: str | None, health: dict[str, Any]) -> dict[str, Any]:
    return {"state": state, "since": since, "wrong": health.get("wrong"), "restarts": health.get("restarts", 0)}


def _health(place: Place) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return dict(json.loads((place.run / "health.json").read_text())["programs"])
    return {}


def tail(state: Path, program: str, lines: int, *, follow: bool) -> None:
    """Print the newest lines of a program's log, and what comes when asked to follow."""
    place = opened(state)
    known = sorted(path.stem for path in place.logs.glob("*.log"))
    if not program:
        print("\n".join(known))
        return
    if program not in known:
        raise WrongUse(f"Expected one of {', '.join(known) or 'no log yet'}, found {program!r}: name one of these.")
    for said in following.said(place.logs / f"{program}.log", lines, follow=follow):
        print(said, end="", flush=True)
