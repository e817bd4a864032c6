"""The engines of a site: Spark Connect servers, of which one is the clinical engine, the only one of its lake.

No store of Delta's Java side excludes a second writer of a table in an object store, so one JVM computes silver and gold. Which one, a lease in the
ledger says: `python -m jobs.site.engine clinical` has it while its JVM runs, and ends the JVM when it cannot be sure of it any more.
"""

import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from types import FrameType

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from jobs import access
from jobs.errors import LakehouseError, LeaseLost, WrongUse
from jobs.java import java_home
from jobs.ledger import Lease, lease, store
from jobs.services.engine import SERVER
from jobs.services.place import write_private
from jobs.session import CONNECT_PORT, configuration
from jobs.settings import Settings, asked, value
from jobs.site import reader

NAME = "clinical-engine"
EVERY_SECONDS = 5.0
# A task that finds no engine is tried again twice, half a minute apart: by then the next engine has to be there.
LASTS_SECONDS = 30.0
# Before anybody else can have the lease: a JVM needs a moment to end.
SURE_FOR_SECONDS = 20.0
SECOND = (
    "Expected to be the only clinical engine of {lake}, found another one at work: one engine writes a lake. "
    "Stop that one first, or point LAKE_ROOT and PSCC_DATABASE_URL elsewhere."
)


def sole(ledger: Engine, lake: str) -> Lease:
    """The lease of the clinical engine. One whose holder gives no sign of life is waited for; WrongUse where another engine renews it."""
    before = lease.ends(ledger, NAME)
    while (found := lease.taken(ledger, NAME, LASTS_SECONDS)) is None:
        if lease.ends(ledger, NAME) != before:
            raise WrongUse(SECOND.format(lake=lake))
        time.sleep(1)
    return found


@dataclass
class _Told:
    """What the ledger told of the lease: when it was asked last before it said that the lease is held, and whether it is lost."""

    sure: float = -math.inf
    lost: LeaseLost | None = None


def guarded(command: list[str], environment: dict[str, str], held: Lease) -> int:
    """Run a program while the lease is held; its exit code. LeaseLost when the lease is, or nobody can tell."""
    told, over = _Told(), Event()
    _renew(held, told)
    _check(told)
    # A database that hangs, and is not gone, lets who asks it wait for ever: who looks at the clock may not be the one who asks.
    Thread(target=_keep, args=(held, told, over), name=f"lease {held.name}", daemon=True).start()
    program = subprocess.Popen(command, env=environment)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        program.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        while program.poll() is None:
            _check(told)
            _wait(program)
        return program.returncode
    finally:
        over.set()
        if program.poll() is None:
            program.kill()
            program.wait()


def _wait(program: "subprocess.Popen[bytes]") -> None:
    try:
        program.wait(EVERY_SECONDS)
    except subprocess.TimeoutExpired:
        return


def _keep(held: Lease, told: _Told, over: Event) -> None:
    while not over.wait(EVERY_SECONDS):
        _renew(held, told)


def _renew(held: Lease, told: _Told) -> None:
    # The lease lasts from when it was asked for, however late the answer comes.
    asked_at = time.monotonic()
    try:
        held.renew()
        held.check()
        told.sure = asked_at
    except LeaseLost as error:
        told.lost = error
    except DBAPIError:
        pass  # Perhaps it answers the next time; how long nobody has been sure is seen by `_check`.


def _check(told: _Told) -> None:
    """Nothing while the lease is surely held; LeaseLost otherwise."""
    if told.lost:
        raise told.lost
    if time.monotonic() - told.sure > SURE_FOR_SECONDS:
        raise LeaseLost("Expected the ledger to tell who is the clinical engine, found it silent: this engine ends.")


def command(settings: Settings, listener: Path | None = None) -> list[str]:
    """What starts the server, for whoever reaches this container; `listener` is the folder of the class that tells what is read."""
    import pyspark

    known = configuration(settings)
    java = f"{known['spark.driver.extraJavaOptions']} -XX:+ExitOnOutOfMemoryError"
    own = {
        "spark.master": settings.spark_master,
        "spark.driver.host": socket.gethostname(),
        "spark.driver.bindAddress": "0.0.0.0",
        "spark.driver.extraJavaOptions": java,
        "spark.executor.extraJavaOptions": java,
        "spark.executor.extraClassPath": known["spark.driver.extraClassPath"],
        "spark.executor.memory": asked("PSCC_EXECUTOR_MEMORY"),
        "spark.executor.cores": "1",
        "spark.connect.grpc.binding.address": "0.0.0.0",
        "spark.connect.grpc.binding.port": str(CONNECT_PORT),
        # A task leaves its session behind when it ends.
        "spark.connect.session.manager.defaultSessionTimeout": "10m",
        "spark.local.dir": "/tmp",
        "spark.sql.warehouse.dir": "/tmp/warehouse",
    }
    if listener:
        own |= {
            "spark.sql.extensions": f"{known['spark.sql.extensions']},{reader.LISTENER}",
            "spark.driver.extraClassPath": os.pathsep.join((known["spark.driver.extraClassPath"], str(listener))),
            # A plan that Spark remembers it does not understand anew, and nobody would be told of what it reads.
            "spark.connect.session.planCache.maxSize": "0",
        }
    submit = str(Path(pyspark.__file__).parent / "bin" / "spark-submit")
    words = [word for pair in (known | own).items() for word in ("--conf", "=".join(pair))]
    return [submit, "--class", SERVER, *_cluster_secret(), *words, "spark-internal"]


def _cluster_secret() -> list[str]:
    """The secret of the cluster, in a file: a command's words can be read on the machine. Spark does not take it from its environment here."""
    secret = value("PSCC_SPARK_SECRET")
    if not secret:
        return []
    file = Path(tempfile.gettempdir(), "cluster.conf")
    write_private(file, f"spark.authenticate true\nspark.authenticate.secret {secret}\n")
    return ["--properties-file", str(file)]


def environment() -> dict[str, str]:
    """What the JVM needs to know and nothing else: a query can read it."""
    passed = ("PATH", "LANG", "HOME", "SPARK_CONNECT_AUTHENTICATE_TOKEN")
    store_ = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    known = {name: os.environ[name] for name in passed if name in os.environ}
    return (
        known
        | store_
        | {"JAVA_HOME": java_home(), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_HOSTNAME": socket.gethostname()}
    )


def main(kind: str) -> int:
    """Run an engine until it ends; its exit code. A `reader` writes nothing, as its key in the store allows nothing else, and needs no lease."""
    settings = Settings.from_environment()
    variables = environment()
    if kind == "reader":
        log = access.place(settings)
        # No workers for Python functions: who asks runs their code where they are.
        variables |= {"PYSPARK_PYTHON": "/nowhere/python"}
        return reader.noted(command(settings, reader.compiled(settings)), variables, log)
    words = command(settings)
    ledger = store.open_store(settings, create=False)
    held = sole(ledger, settings.lake)
    print(f"The clinical engine of {settings.lake} starts on {settings.spark_master}.", flush=True)
    # Not where the lease is lost: it is somebody else's, or the ledger answers nobody and it ends by itself.
    ended = guarded(words, variables, held)
    held.release()
    return ended


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except LakehouseError as error:
        sys.exit(str(error))
