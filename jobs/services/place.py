"""Where the services of one machine keep what they need: a state folder with ports and passwords, made once, read by its owner alone."""

import base64
import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from jobs.errors import WrongUse

FILE = "services.json"
PORTS = ("postgresql", "api-server", "clinical-engine", "curated-engine", "hub")
# Roles of the database that own one of the same name. Each start gives them the passwords that stand here.
OWNERS = ("airflow", "lakehouse")
# The secrets that others may take the place of. The database's own role has its password in the database, with nobody above it to change that,
# and what Airflow has encrypted is lost without `fernet`.
RENEWABLE = ("admin", "clinical-engine", "jwt", *OWNERS)
# Below those that the kernel lends to whoever calls out, so that a port stays free while the services are down.
FROM, TO = 20_000, 32_000
# A socket's path may have 107 bytes, and the supervisor's is the longest.
LONGEST_PATH = 80
# What every version has written.
SHAPE = {"lake": str, "landing": str, "keys": str, "platform_key_file": str, "ports": dict, "passwords": dict}


@dataclass(frozen=True)
class Place:
    """The state folder, where the data lie, and the secrets that the services share."""

    state: Path
    lake: str
    landing: str
    keys: str
    platform_key_file: str
    ports: dict[str, int]
    passwords: dict[str, str] = field(repr=False)
    database_url: str | None = field(default=None, repr=False)
    # What this machine does without: "curated", "academy".
    without: tuple[str, ...] = ()
    # What the academy teaches on; empty where no release was approved when the services were last started.
    release: str = ""
    # The settings that these services were started with: variables of the environment.
    settings: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def academy(self) -> Path:
        """What `pscc academy … --to` takes for the class of these services."""
        return self.state / "academy"

    @property
    def class_settings(self) -> Path:
        """What the class was prepared with: its release, its engine's port."""
        return self.academy / "state" / "academy.json"

    @property
    def access(self) -> Path:
        """The curated engine's log of who read what."""
        return self.state / "access"

    @property
    def run(self) -> Path:
        """Sockets and what only lives as long as the services."""
        return self.state / "run"

    def database(self, name: str, driver: str = "postgresql") -> str:
        """The address of a database of the own PostgreSQL, with the password of its role, which bears its name."""
        return f"{driver}://{name}:{self.passwords[name]}@127.0.0.1:{self.ports['postgresql']}/{name}"

    def engine(self) -> str:
        """SPARK_REMOTE of the clinical engine. A token goes in clear to the literal name localhost only."""
        return f"sc://localhost:{self.ports['clinical-engine']}/;token={self.passwords['clinical-engine']}"


class Foreign(WrongUse):
    """Services of another user, who is not root: nothing of theirs is taken."""


def opened(state: Path) -> Place:
    """The place that an earlier `pscc up` made; WrongUse where there is none, or one that is not for this user."""
    if not is_here(state):
        raise WrongUse(f"Expected services in {state}, found none: start them with `pscc up --services {state}`.")
    path = state.resolve() / FILE
    return _place(_read(path) | {"state": path.parent})


def is_here(state: Path) -> bool:
    """True where an earlier `pscc up` made a place; WrongUse where this user may not look."""
    try:
        return (state / FILE).is_file()
    except PermissionError:
        raise _closed(state / FILE) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        _check_owner(path)
        told = json.loads(path.read_text())
    except PermissionError:
        raise _closed(path) from None
    except ValueError:
        told = None
    # Before anything is written over it: the database is of no use without these passwords.
    if not isinstance(told, dict) or not all(isinstance(told.get(name), kind) for name, kind in SHAPE.items()):
        raise _something_else(path)
    return told


def _check_owner(path: Path) -> None:
    """What stands there becomes the environment of whoever works beside these services: whoever wrote it would run what he likes as them."""
    owner = path.stat().st_uid
    if owner not in (0, os.geteuid()):
        raise Foreign(f"Expected {path} to be root's or this user's, found user {owner}'s: work as that user, or elsewhere.")


def _closed(path: Path) -> WrongUse:
    return WrongUse(f"Expected to read {path}, found it closed: work as the user who started the services.")


def _place(known: dict[str, Any]) -> Place:
    try:
        return Place(**(known | {"without": tuple(known.get("without", ()))}))
    except TypeError:
        raise _something_else(known["state"] / FILE) from None


def _something_else(path: Path) -> WrongUse:
    return WrongUse(f"Expected ports and passwords in {path}, found something else: put back the file from a backup.")


def prepared(state: Path, asked: dict[str, Any]) -> Place:
    """The place with what is `asked` for, its folders, ports and passwords made where they are missing."""
    state = state.resolve()
    _check(state)
    known = _read(state / FILE) if is_here(state) else {}
    told = {name: value for name, value in asked.items() if value is not None}
    chosen = _chosen(state)
    # What an earlier version did not know of, it has not chosen.
    grown = {name: chosen[name] | known.get(name, {}) for name in ("ports", "passwords")}
    place = _place(chosen | known | grown | told | {"state": state})
    place.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    # PostgreSQL, another user where root starts the services, passes through.
    place.state.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for folder in (place.logs, place.run, state / "airflow"):
        folder.mkdir(mode=0o700, exist_ok=True)
    _keep(place)
    return place


def renewed(place: Place) -> Place:
    """The place with new secrets where they can be changed, all in one moment."""
    fresh = replace(place, passwords=place.passwords | {name: secrets.token_hex(24) for name in RENEWABLE})
    if place.database_url == place.database("lakehouse"):
        fresh = replace(fresh, database_url=fresh.database("lakehouse"))
    _keep(fresh)
    return fresh


def _check(state: Path) -> None:
    if state.exists() and not state.is_dir():
        raise WrongUse(f"Expected a folder for the services at {state}, found a file: name another one with --services.")
    if len(os.fsencode(str(state))) > LONGEST_PATH:
        raise WrongUse(f"Expected a state folder whose path has at most {LONGEST_PATH} bytes, found {state}: sockets lie in it.")


def _chosen(state: Path) -> dict[str, Any]:
    """What nobody asked for otherwise."""
    names = ("postgres", "airflow", "lakehouse", "admin", "jwt", "clinical-engine")
    return {
        "lake": str(state / "lake"),
        "landing": str(state / "landing"),
        "keys": str(state / "keys.json"),
        "platform_key_file": str(state / "platform.key"),
        "ports": dict(zip(PORTS, _free_ports(len(PORTS)), strict=True)),
        "passwords": {name: secrets.token_hex(24) for name in names}
        | {"fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()},
    }


def _free_ports(number: int) -> list[int]:
    """Ports that nobody listens at now, taken at random: two places of one machine should not choose the same."""
    found: set[int] = set()
    while len(found) < number:
        port = FROM + secrets.randbelow(TO - FROM)
        if is_free(port):
            found.add(port)
    return sorted(found)


def is_free(port: int) -> bool:
    """True where a program could listen at this port of the loopback address."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _keep(place: Place) -> None:
    written = {name: value for name, value in asdict(place).items() if name != "state"}
    write_private(place.state / FILE, json.dumps(written, indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """The text in a file that its owner alone may read, whole or not at all."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    half.replace(path)
