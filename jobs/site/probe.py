"""Is a program of a site well? `python -m jobs.site.probe scheduler`: nothing where it is; else what is wrong, and exit code 1."""

import os
import socket
import sys
import urllib.request

from jobs.services import probes
from jobs.session import CONNECT_PORT

# Where Spark's master and workers show their pages.
PAGES = {"spark-master": 8080, "spark-worker": 8081}


def wrong_with(name: str) -> str | None:
    """What is wrong with a program, in a few words; None where it is well."""
    if name == "engine":
        return probes.speaks_connect(socket.gethostname(), CONNECT_PORT)
    if name in PAGES:
        return _page(PAGES[name])
    told = probes.health(os.environ["AIRFLOW__API__BASE_URL"])
    return probes.web_server(told) if name == "api-server" else probes.sign_of_life(name, told)


def _page(port: int) -> str | None:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/json/", timeout=probes.PATIENCE_SECONDS).close()
    except OSError as error:
        return f"does not answer ({type(error).__name__})"
    return None


if __name__ == "__main__":
    if wrong := wrong_with(sys.argv[1]):
        sys.exit(wrong)
