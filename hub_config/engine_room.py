"""Inside the engine's sandbox: the JVM with its Spark Connect server, made read-only, and the door in front of it.

Started by `hub_config.engine`, which hands over what is needed on standard input; nothing is taken from the environment.
"""

import asyncio
import json
import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub_config.engine_words import told

# What a trainee's statement may be: it looks at something, or it changes nothing but the trainee's own session.
ALLOWED_COMMANDS = (
    *("ShowTables", "ShowTablesCommand", "ShowTablesExtended", "ShowColumns", "ShowColumnsCommand", "ShowViews"),
    *("ShowViewsCommand", "ShowFunctions", "ShowFunctionsCommand", "ShowNamespaces", "ShowNamespacesCommand"),
    *("ShowCatalogsCommand", "ShowCurrentNamespaceCommand", "ShowTableProperties", "ShowTablePropertiesCommand"),
    *("ShowPartitions", "ShowPartitionsCommand", "ShowCreateTable", "ShowCreateTableCommand", "ShowDeltaPartitionsCommand"),
    *("ShowDeltaTableColumnsCommand", "DescribeRelation", "DescribeColumn", "DescribeColumnCommand"),
    *("DescribeTableCommand", "DescribeQueryCommand", "DescribeNamespace", "DescribeFunction", "DescribeFunctionCommand"),
    *("DescribeRelationJsonCommand", "DescribeDeltaDetailCommand", "DescribeDeltaHistory", "DescribeDeltaHistoryCommand"),
    *("ExplainCommand", "ResetCommand", "SetVariable", "CreateVariable", "DropVariable", "DropTempView"),
    *("DropTempViewCommand"),
)
# Settings that a session may change: they bear on how a query of its own runs. Others name classes, catalogues and file systems.
SETTABLE = (
    *("spark.sql.ansi.enabled", "spark.sql.caseSensitive", "spark.sql.session.timeZone", "spark.sql.timestampType"),
    *("spark.sql.shuffle.partitions", "spark.sql.autoBroadcastJoinThreshold", "spark.sql.adaptive.enabled"),
    *("spark.sql.adaptive.coalescePartitions.enabled", "spark.sql.adaptive.skewJoin.enabled", "spark.sql.crossJoin.enabled"),
    *("spark.sql.join.preferSortMergeJoin", "spark.sql.cbo.enabled", "spark.sql.legacy.timeParserPolicy"),
    *("spark.sql.execution.arrow.pyspark.enabled", "spark.sql.execution.arrow.maxRecordsPerBatch"),
    *("spark.sql.repl.eagerEval.enabled", "spark.sql.repl.eagerEval.maxNumRows", "spark.sql.repl.eagerEval.truncate"),
)
# What the JVM says in a log, without values; and what its libraries say by Java's own means, not at all.
LOG = (
    f"-Dlog4j2.configurationFile={Path(__file__).with_name('engine_log.xml').as_uri()} -Djava.util.logging.config.file=/dev/null"
)
NO_SETTING = "this is none of the settings that a class may change."
# How often somebody looks for tables that are new in gold.
NEW_TABLES_SECONDS = 2
# Functions that call Java: they would end the engine, or read its environment.
CALLS_JAVA = ("reflect", "java_method", "try_reflect")


@dataclass(frozen=True)
class Orders:
    """What the engine was started with."""

    release: str
    folder: str
    java: str
    jars: str
    key: str
    socket: str
    memory: str
    cores: int
    seconds: int
    megabytes: int
    # For analysts, who read gold, not for a class: tables come and grow, and are known as gold.<table>.
    curated: bool = False
    # What is read is told on standard output, for the log outside.
    noted: bool = False


def configuration(orders: Orders, port: int) -> dict[str, str]:
    """Spark's settings: small queries of many people, side by side."""
    return {
        "spark.master": f"local[{4 * orders.cores}]",
        "spark.app.name": "pscc-curated" if orders.curated else "pscc-teaching",
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.connect.session.manager.defaultSessionTimeout": "8h",
        "spark.connect.session.planCompression.threshold": "-1",
        # A plan that Spark remembers it does not understand anew, and nobody would be told of what it reads.
        **({"spark.connect.session.planCache.maxSize": "0"} if orders.noted else {}),
        # Delta answers counts, least and greatest values while a query is planned: EXPLAIN, which is not noted, would tell of them.
        **({"spark.databricks.delta.optimizeMetadataQuery.enabled": "false"} if orders.noted else {}),
        "spark.sql.connect.serverStacktrace.enabled": "false",
        # ${env:…} in a query would be what stands in the engine's environment.
        "spark.sql.variable.substitute": "false",
        # Spark runs a script to tell what columns it has: nobody would note or bound that.
        "spark.sql.scripting.enabled": "false",
        "spark.sql.pyspark.jvmStacktrace.enabled": "false",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.extraClassPath": orders.jars,
        "spark.driver.memory": orders.memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.maxResultSize": f"{2 * orders.megabytes}m",
        "spark.local.dir": f"{orders.folder}/spark",
        "spark.sql.warehouse.dir": f"{orders.folder}/warehouse",
        "spark.sql.artifact.isolation.enabled": "false",
        # A pool each session, and more slots than cores: a long query of one holds no slot that another waits for.
        "spark.scheduler.mode": "FAIR",
        "spark.default.parallelism": "2",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.leafNodeDefaultParallelism": "2",
        "spark.sql.autoBroadcastJoinThreshold": "8m",
        "spark.sql.maxBroadcastTableSize": "256m",
        # A joined table of any size is first given one page, by default of 64 MiB: ten who ran one join of a lesson at once had ended the engine.
        "spark.buffer.pageSize": "1m",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError"
        f" {LOG} -Djava.io.tmpdir={orders.folder} -Dderby.system.home={orders.folder} -XX:-UsePerfData",
    }


class Tables:
    """The tables of an engine's folder by their names, as far as they are known."""

    def __init__(self, orders: Orders, session: Any) -> None:
        self.orders, self.session = orders, session
        self.known: set[str] = set()
        self.database = "gold" if orders.curated else "default"
        session.sql(f"CREATE DATABASE IF NOT EXISTS {self.database}")

    def make_known(self) -> None:
        """Every table that is there and was not known; of a release all have to be good, in gold one may be half made."""
        for log in sorted(Path(self.orders.release).glob("*/_delta_log")):
            if log.parent.name in self.known:
                continue
            try:
                self._make_known(log.parent)
            except Exception as error:
                if not self.orders.curated:
                    raise
                print(f"{log.parent.name} cannot be read yet ({type(error).__name__})", file=sys.stderr, flush=True)

    def _make_known(self, folder: Path) -> None:
        name = f"{self.database}.`{folder.name}`"
        self.session.sql(f"CREATE TABLE IF NOT EXISTS {name} USING delta LOCATION '{folder}'")
        self.session.sql(f"SELECT * FROM {name} LIMIT 1").count()
        self.known.add(folder.name)


def open_engine(orders: Orders, port: int, token: str) -> tuple[Any, Tables]:
    """The context of a JVM whose Connect server has started, every table that is there by its name, and everything else closed."""
    os.environ.update(
        JAVA_HOME=orders.java,
        # Workers for Python functions cannot start: a trainee's code runs in the trainee's sandbox, not in the class's engine.
        PYSPARK_PYTHON="/nowhere/python",
        SPARK_CONNECT_AUTHENTICATE_TOKEN=token,
        SPARK_LOCAL_IP="127.0.0.1",
        TMPDIR=orders.folder,
    )
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf(loadDefaults=False).setAll(list(configuration(orders, port).items()))
    gateway = launch_gateway(conf)
    context = SparkContext(conf=conf, gateway=gateway)
    jvm: Any = gateway.jvm
    _forget_functions(jvm)
    rules = _compiled_rules(jvm, orders)
    builder = jvm.org.apache.spark.sql.SparkSession.builder()
    for each in rules:
        builder = builder.withExtensions(each.getConstructor(None).newInstance(None))
    session = builder.getOrCreate()
    tables = Tables(orders, session)
    tables.make_known()
    if orders.curated:
        rules[0].getField("keeper").set(None, session.sessionUUID())
    rules[0].getMethod("close", None).invoke(None, None)
    return context, tables


def _forget_functions(jvm: Any) -> None:
    registry = getattr(getattr(jvm, "org.apache.spark.sql.catalyst.analysis.FunctionRegistry$"), "MODULE$").builtin()
    for name in CALLS_JAVA:
        registry.dropFunction(jvm.org.apache.spark.sql.catalyst.FunctionIdentifier(name))


def _compiled_rules(jvm: Any, orders: Orders) -> list[Any]:
    """What is refused comes first; what is then to be read is told."""
    words = {
        "@ALLOWED@": ", ".join(json.dumps(name) for name in ALLOWED_COMMANDS),
        "@SETTABLE@": ", ".join(json.dumps(name) for name in SETTABLE),
        "@FOLDERS@": json.dumps(orders.release),
        "@NO_SETTING@": NO_SETTING,
        "@ZONE@": json.dumps("gold" if orders.curated else "teaching"),
    }
    return [_compiled(jvm, name, words, orders) for name in ("ReadOnly", *(("Reads",) if orders.noted else ()))]


def _compiled(jvm: Any, name: str, words: dict[str, str], orders: Orders) -> Any:
    source = Path(__file__).with_name(f"{name}.java").read_text(encoding="utf-8")
    for word, meant in words.items():
        source = source.replace(word, meant)
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(jvm.java.lang.Thread.currentThread().getContextClassLoader())
    compiler.cook(told(source, curated=orders.curated))
    return compiler.getClassLoader().loadClass(name)


async def serve(orders: Orders) -> None:
    """Open the engine, then its door, until the JVM ends."""
    from hub_config.engine_door import open_door

    port, token = _free_port(), secrets.token_hex(32)
    context, tables = open_engine(orders, port, token)
    door = await open_door(orders, f"127.0.0.1:{port}", token)
    await door.warm_up()
    print("ready", flush=True)
    jvm = context._gateway.proc
    while jvm.poll() is None:
        await asyncio.sleep(NEW_TABLES_SECONDS)
        if orders.curated:
            await asyncio.to_thread(tables.make_known)
    await door.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    asyncio.run(serve(Orders(**json.loads(sys.stdin.readline()))))
    sys.exit(1)
