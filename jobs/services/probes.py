"""Questions that a program answers while it is well. Each gives None, or says in a few words what is wrong."""

import json
import socket
import urllib.request
from http.client import HTTPException

from jobs.services.place import Place

PATIENCE_SECONDS = 10
# Nothing is known of who cannot be asked: no reason to start it again.
UNKNOWN = "cannot be asked"
# An empty list of settings, which either side of HTTP/2 begins with.
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
# Where Airflow tells of each of its processes.
TOLD_AS = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}


def postgresql(place: Place) -> str | None:
    """The database takes a login and a query."""
    import psycopg

    try:
        with psycopg.connect(place.database("postgres"), connect_timeout=PATIENCE_SECONDS) as connection:
            connection.execute("select 1")
    except psycopg.Error as error:
        return f"does not take a query ({type(error).__name__})"
    return None


def engine(name: str, place: Place) -> str | None:
    """The engine's server answers."""
    try:
        port = _engine_port(name, place)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{UNKNOWN}: nobody knows its port ({type(error).__name__})"
    return speaks_connect("127.0.0.1", port)


def speaks_connect(host: str, port: int) -> str | None:
    """A server speaks HTTP/2: more than an open port, and without a session that it would have to remember."""
    try:
        with socket.create_connection((host, port), timeout=PATIENCE_SECONDS) as link:
            link.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS)
            said = link.recv(9)
    except OSError as error:
        return f"does not answer ({type(error).__name__})"
    if not said:
        return "does not answer yet"
    return None if said[3:4] == b"\x04" else "answers in another language than Spark Connect's"


def _engine_port(name: str, place: Place) -> int:
    if name != "teaching-engine":
        return place.ports[name]
    return int(json.loads(place.class_settings.read_text())["engine_port"])


def hub(place: Place) -> str | None:
    """The hub answers behind its proxy."""
    return page(f"http://127.0.0.1:{place.ports['hub']}/hub/health")


def page(address: str, seconds: float = PATIENCE_SECONDS) -> str | None:
    """A web server answers at this address."""
    try:
        urllib.request.urlopen(address, timeout=seconds).close()
    except (OSError, ValueError, HTTPException) as error:
        # HTTPException: something else than a web server listens there.
        return f"does not answer ({type(error).__name__})"
    return None


def api_server(place: Place) -> str | None:
    """The web server answers, and reaches its database."""
    return web_server(health(_address(place)))


def process_of_airflow(name: str, place: Place) -> str | None:
    """The process has left a sign of life in the database lately, as the web server tells."""
    return sign_of_life(name, health(_address(place)))


def _address(place: Place) -> str:
    return f"http://127.0.0.1:{place.ports['api-server']}"


# What the web server says of each process, nothing of one that never ran, or why it says nothing at all.
Health = dict[str, dict[str, str] | None] | str


def web_server(told: Health) -> str | None:
    """What is wrong with the web server itself."""
    if isinstance(told, str):
        return told
    found = told.get("metadatabase") or {}
    return None if found.get("status") == "healthy" else "does not reach its database"


def sign_of_life(name: str, told: Health) -> str | None:
    """What is wrong with a process of which the web server tells."""
    if isinstance(told, str):
        return f"{UNKNOWN}: the api-server {told}"
    found = told.get(TOLD_AS[name]) or {}
    return None if found.get("status") == "healthy" else "gave no sign of life lately"


def health(address: str) -> Health:
    """What the web server at this address says of itself and the others."""
    try:
        with urllib.request.urlopen(f"{address}/api/v2/monitor/health", timeout=PATIENCE_SECONDS) as answer:
            told = json.load(answer)
    except (OSError, ValueError, HTTPException) as error:
        return f"does not answer ({type(error).__name__})"
    asked = ("metadatabase", *TOLD_AS.values())
    is_health = isinstance(told, dict) and all(isinstance(told.get(each) or {}, dict) for each in asked)
    return told if is_health else "answers in another language than Airflow's"
