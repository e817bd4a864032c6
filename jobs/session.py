"""The Spark session of the clinical engine: one JVM, Delta, settings for many small tables."""

import os
import re
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.errors import EngineSilent, WrongUse
from jobs.java import class_path, java_home
from jobs.settings import Settings
from quality.address import is_remote, region

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession


CONNECT_PORT = 15002
# What the JVM says in a log, without values, as the curated engine does; and what its libraries say by Java's own means, not at all.
LOG = (
    f"-Dlog4j2.configurationFile={(Path(__file__).parents[1] / 'hub_config' / 'engine_log.xml').as_uri()}"
    " -Djava.util.logging.config.file=/dev/null"
)
PATIENCE_SECONDS = 5
# Functions of SQL that call any method of Java: they would end the engine, or read its environment.
CALLS_JAVA = ("reflect", "java_method", "try_reflect")


def check_engine(settings: Settings) -> None:
    """Nothing where an engine can be had as the settings say; WrongUse or EngineSilent otherwise, before any work is done in vain."""
    if settings.spark_remote:
        _check_server(settings.spark_remote)
        return
    java_home()
    class_path(with_store=is_remote(settings.lake))


def _check_server(url: str) -> None:
    """Spark Connect itself would try for ten minutes. The rest of the address may hold a token: only host and port are shown."""
    found = re.match(r"sc://([^/:;]+)(?::(\d+))?(?=[/;]|$)", url)
    if not found:
        raise WrongUse("Expected SPARK_REMOTE to be like sc://host:15002, found something else: correct it.")
    host, port = found[1], int(found[2] or CONNECT_PORT)
    try:
        socket.create_connection((host, port), timeout=PATIENCE_SECONDS).close()
    except (OSError, OverflowError):
        raise EngineSilent(
            f"Expected a Spark Connect server at {host}:{port}, found none that answers: start it, or check SPARK_REMOTE."
        ) from None


def wait_for_server(settings: Settings, seconds: float) -> None:
    """Nothing where there is no server to wait for, or as soon as it answers; EngineSilent where it does not within `seconds`."""
    until = time.monotonic() + seconds
    while settings.spark_remote:
        try:
            return _check_server(settings.spark_remote)
        except EngineSilent:
            if time.monotonic() > until:
                raise
        time.sleep(1)


def open_session(settings: Settings) -> "SparkSession":
    """A session on the engine that `settings` names: SPARK_REMOTE (Spark Connect) or a classic one on SPARK_MASTER."""
    check_engine(settings)
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

    _keep_quiet()
    if settings.spark_remote:
        return SparkSession.builder.remote(settings.spark_remote).getOrCreate()
    os.environ["JAVA_HOME"] = java_home()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # A laptop's host name often resolves to nothing; the engine talks to itself only.
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    known = list(configuration(settings).items())
    conf = SparkConf(loadDefaults=False).setAll(known).setMaster(settings.spark_master).setAppName("pscc-clinical")
    _forget_functions(conf)
    session = SparkSession.builder.config(conf=conf).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _keep_quiet() -> None:
    """Keep Spark's client from writing every wrong query to stderr, whole, with a page of Java: callers say it in a sentence."""
    from pyspark.logger import PySparkLogger

    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).disabled = True


def _forget_functions(conf: "SparkConf") -> None:
    """Start the JVM of this process, where there is none yet, and take out of it what calls Java: sessions copy the functions that they find."""
    from pyspark import SparkContext

    SparkContext._ensure_initialized(conf=conf)
    jvm: Any = SparkContext._jvm
    registry = getattr(getattr(jvm, "org.apache.spark.sql.catalyst.analysis.FunctionRegistry$"), "MODULE$").builtin()
    for name in CALLS_JAVA:
        registry.dropFunction(jvm.org.apache.spark.sql.catalyst.FunctionIdentifier(name))


def tune(session: "SparkSession", *, large: bool) -> None:
    """Suit the session to a pass: few rows cost least in one task and without broadcasts, many are spread over four."""
    settings = {
        # A server that was started elsewhere may live in another time zone.
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.shuffle.partitions": "4" if large else "1",
        "spark.sql.files.minPartitionNum": "4" if large else "1",
        "spark.sql.files.openCostInBytes": "4m" if large else "0",
        "spark.sql.autoBroadcastJoinThreshold": "32m" if large else "-1",
    }
    for name, value in settings.items():
        session.conf.set(name, value)


def configuration(settings: Settings) -> dict[str, str]:
    """What the JVM of the clinical engine is started with, in this process or as a server."""
    return {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.extraClassPath": class_path(with_store=is_remote(settings.lake)),
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        # Else `${env:…}` in a query is a variable of the JVM's environment.
        "spark.sql.variable.substitute": "false",
        "spark.sql.warehouse.dir": str(settings.staging / "warehouse"),
        # What files keep of a time, other readers read right.
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        # Most tables of a pass hold a few thousand rows: more partitions would be overhead only.
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
        # Tables are read by their file list; a Spark job to look at the files again would only cost time.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
        "spark.sql.autoBroadcastJoinThreshold": "32m",
        # A pass runs some hundred different small queries once each. Compiling each to Java, planning it again while it runs and
        # optimising hot code cost twice what they save: docs/decisions/0007.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": f"-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=384m {LOG}",
        # Executor and driver are one process: on a busy machine a late heartbeat would print a trace, and tell nothing.
        "spark.executor.heartbeatInterval": "60s",
        "spark.network.timeout": "300s",
        "spark.log.level": "ERROR",
    } | (_object_store() if is_remote(settings.lake) else {})


def _object_store() -> dict[str, str]:
    """How Spark reaches the store; credentials are not settings, which anybody in a session may read: the JVM has them from its environment."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    own_store = {"spark.hadoop.fs.s3a.endpoint": endpoint, "spark.hadoop.fs.s3a.path.style.access": "true"} if endpoint else {}
    return own_store | ({"spark.hadoop.fs.s3a.endpoint.region": known} if (known := region()) else {})
