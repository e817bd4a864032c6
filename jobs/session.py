"""The Spark session of the clinical engine: one JVM, Delta, settings for many small tables."""

import os
import sys
from typing import TYPE_CHECKING

from jobs.java import delta_class_path, java_home
from jobs.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def open_session(settings: Settings) -> "SparkSession":
    """A session on the engine that `settings` names: SPARK_REMOTE (Spark Connect) or a classic one on SPARK_MASTER."""
    from pyspark.sql import SparkSession

    if settings.spark_remote:
        return SparkSession.builder.remote(settings.spark_remote).getOrCreate()
    os.environ["JAVA_HOME"] = java_home()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # A laptop's host name often resolves to nothing; the engine talks to itself only.
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master(settings.spark_master).appName("pscc-clinical")
    for name, value in _configuration(settings).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _configuration(settings: Settings) -> dict[str, str]:
    return {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.extraClassPath": delta_class_path(),
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": settings.folder("staging", "warehouse"),
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
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=384m",
        "spark.log.level": "ERROR",
    }
