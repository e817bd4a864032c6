"""Questions that a program answers while it is well. Each gives None, or says in a few words what is wrong."""

import json
import socket
import urllib.error
import urllib.request

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


def engine(place: Place) -> str | None:
    """The engine's server speaks HTTP/2: more than an open port, and without a session that it would have to remember."""
    try:
        with socket.create_connection(("127.0.0.1", place.ports["clinical-engine"]), timeout=PATIENCE_SECONDS) as link:
            link.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS)
            said = link.recv(9)
    except OSError as error:
        return f"does not answer ({type(error).__name__})"
    return None if said[3:4] == b"\x04" else "answers in another language than Spark Connect's"


def api_server(place: Place) -> str | None:
    """The web server answers, and reaches its database."""
    told = _health(place)
    if isinstance(told, str):
        return told
    return None if told["metadatabase"]["status"] == "healthy" else "does not reach its database"


def process_of_airflow(name: str, place: Place) -> str | None:
    """The process has left a sign of life in the database lately, as the web server tells."""
    told = _health(place)
    if isinstance(told, str):
        return f"{UNKNOWN}: the api-server {told}"
    found = told.get(TOLD_AS[name]) or {}
    return None if found.get("status") == "healthy" else "gave no sign of life lately"


def _health(place: Place) -> dict[str, dict[str, str]] | str:
    address = f"http://127.0.0.1:{place.ports['api-server']}/api/v2/monitor/health"
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_SECONDS) as answer:
            return dict(json.load(answer))
    except (OSError, ValueError, urllib.error.URLError) as error:
        return f"does not answer ({type(error).__name__})"
