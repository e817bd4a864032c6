"""Is a program of a site well? `python -m jobs.site.probe scheduler`: nothing where it is; else what is wrong, and exit code 1."""

import json
import os
import socket
import sys
import time
from pathlib import Path

from jobs.services import probes
from jobs.session import CONNECT_PORT

# Where Spark's master and workers show their pages, gauges and hub theirs.
PAGES = {"hub": "8000/hub/health", "spark-master": "8080/json/", "spark-worker": "8081/json/", "metrics": "9464/metrics"}
# What the class of a site has settled on, its engine's port among it.
ACADEMY = Path("/var/lib/pscc/academy/state/academy.json")
# Gauges are read from ledger and lake at each question.
SLOW = {"metrics": 45.0}
# When who deletes old runs was last at work; a first time, after years, takes its time.
SIGN = Path("/tmp/old-runs")
LONGEST_CLEANING = 2 * 3600.0


def wrong_with(name: str) -> str | None:
    """What is wrong with a program, in a few words; None where it is well."""
    if name == "engine":
        return probes.speaks_connect(socket.gethostname(), CONNECT_PORT)
    if name == "teaching-engine":
        return probes.speaks_connect("127.0.0.1", int(json.loads(ACADEMY.read_text())["engine_port"]))
    if name == "old-runs":
        return _at_work()
    if name in PAGES:
        return probes.page(f"http://127.0.0.1:{PAGES[name]}", SLOW.get(name, probes.PATIENCE_SECONDS))
    told = probes.health(os.environ["AIRFLOW__API__BASE_URL"])
    return probes.web_server(told) if name == "api-server" else probes.sign_of_life(name, told)


def _at_work() -> str | None:
    if not SIGN.exists() or time.time() - SIGN.stat().st_mtime > LONGEST_CLEANING:
        return "gave no sign"
    return None


if __name__ == "__main__":
    if wrong := wrong_with(sys.argv[1]):
        sys.exit(wrong)
