"""The clinical engine as a server: Spark Connect, settings those of every other engine of this project."""

import os
import sys
from pathlib import Path

from jobs.java import java_home
from jobs.services import confine
from jobs.services.place import Place
from jobs.session import configuration
from jobs.settings import Settings, asked, value
from jobs.settings.table import FILE_SUFFIX
from quality.address import is_remote

SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


def command(place: Place) -> list[str]:
    """What starts the server, on the loopback address."""
    import pyspark

    scratch = str(confine.scratch(place))
    known = configuration(Settings(lake=place.lake, driver_memory=asked("PSCC_DRIVER_MEMORY")))
    settings = known | {
        "spark.master": asked("SPARK_MASTER"),
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(place.ports["clinical-engine"]),
        # A task leaves its session behind when it ends.
        "spark.connect.session.manager.defaultSessionTimeout": "10m",
        "spark.local.dir": scratch,
        "spark.sql.warehouse.dir": f"{scratch}/warehouse",
        # Out of memory is over: the supervisor starts it again, the task tries again.
        "spark.driver.extraJavaOptions": f"{known['spark.driver.extraJavaOptions']} -XX:+ExitOnOutOfMemoryError -Djava.io.tmpdir={scratch}",
    }
    submit = str(Path(pyspark.__file__).parent / "bin" / "spark-submit")
    return [
        submit,
        "--class",
        SERVER,
        *[word for pair in settings.items() for word in ("--conf", "=".join(pair))],
        "spark-internal",
    ]


def environment(place: Place) -> dict[str, str]:
    """As good as empty: a query can read the environment of its engine."""
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    known = {
        "JAVA_HOME": java_home(),
        "PYSPARK_PYTHON": sys.executable,
        "PATH": path,
        "LANG": "C.UTF-8",
        "HOME": str(confine.scratch(place)),
    }
    store = _store() if is_remote(place.lake) else {}
    return known | store | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_CONNECT_AUTHENTICATE_TOKEN": place.passwords["clinical-engine"]}


def _store() -> dict[str, str]:
    """How the store is reached. The JVM knows of no file with the key in it, and does not see it."""
    known = {name: told for name, told in os.environ.items() if name.startswith("AWS_") and not name.endswith(FILE_SUFFIX)}
    key = value("AWS_SECRET_ACCESS_KEY")
    return known | ({"AWS_SECRET_ACCESS_KEY": key} if key else {})
