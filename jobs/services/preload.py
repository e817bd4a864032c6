"""What every task needs, imported once by the scheduler: its workers are forked from it, and a task from its worker.

Importing Spark's client and Great Expectations takes longer than most tasks. Only modules are loaded: a connection, or a thread of
a library, would not survive the fork.
"""

import os
import threading
from importlib import import_module

ASKED = "PSCC_PRELOAD"
MODULES = (
    "pyspark.sql.connect.session",
    "jobs.build",
    "jobs.ingest",
    "jobs.landing.load",
    "jobs.lineage.sending",
    "jobs.silver.engine",
    "jobs.silver.passes",
    "jobs.tasks",
)


def preload() -> list[str]:
    """Import what tasks import; the names of threads that this started, of which there must be none."""
    before = set(threading.enumerate())
    for name in MODULES:
        import_module(name)
    from quality import gate
    from quality.contracts import contracts

    gate.prepare([*contracts("silver").values(), *contracts("gold").values()])
    return [each.name for each in set(threading.enumerate()) - before]


if os.environ.get(ASKED):
    preload()
