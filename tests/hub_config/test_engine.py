"""The teaching engine: a real one, in its sandbox, with two people of a class."""

import asyncio
import concurrent.futures
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa
import pyspark
import pytest
from deltalake import write_deltalake
from pyspark.errors import PySparkException
from pyspark.sql.connect import functions as F
from pyspark.sql.connect.proto import base_pb2 as base
from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub

from courses.checking.cohort import COHORT_SQL
from courses.checking.cohort import cohort as cohort_of
from hub_config import engine
from hub_config.academy import engine_told
from hub_config.engine_token import token_for, user_of
from hub_config.errors import WrongUse
from hub_config.place import Academy
from jobs import access
from tests.teaching_stand_in import write_release

pytestmark = pytest.mark.jvm
PATIENTS = 300
SECONDS = 6
# A count: a sum would overflow long before it ends, and end by itself.
CROSS_JOIN = "SELECT count(*) FROM range(1000000000) a CROSS JOIN range(1000000) b WHERE a.id * b.id % 7 = 3"
# Three tables that are small enough to be sent whole to who needs them.
JOINS = " ".join(
    [
        # All columns are asked for: a left join of which nobody wants a column is left out.
        "SELECT count(*) AS rows, sum(a.n + b.n + c.n) AS all FROM edu_tumor",
        *(
            f"LEFT JOIN (SELECT tumor_no, count(*) AS n FROM {table} GROUP BY tumor_no) {name} USING (tumor_no)"
            for name, table in (("a", "edu_line"), ("b", "edu_event"), ("c", "edu_survival"))
        ),
    ]
)
# A reader of files that Spark would not take by the name of its format.
READER = "org.apache.spark.sql.execution.datasources.v2.text.TextDataSourceV2"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("lake")
    (lake / "silver").mkdir()
    (lake / "silver" / "person.txt").write_text("a person of silver")
    folder = write_release(lake / "teaching" / "stand-in", PATIENTS)
    write_deltalake(folder / "edu_panel_gene", pa.table({"panel": ["panel C"], "gene": ["EGFR"]}), mode="append")
    return folder


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def remote(release: Path, state: Path) -> Iterator[Callable[[str], str]]:
    if engine.level()[0] == "none":
        pytest.skip(f"no sandbox here: {engine.level()[1]}")
    bounds = ("--seconds", str(SECONDS), "--megabytes", "8", "--memory", "1g")
    with engine.running(release, state, *bounds, "--access", str(state / "access")) as found:
        yield found
        # Before the engine goes: a session that cannot say goodbye tries for minutes.
        for session in SESSIONS:
            session.stop()


def opened(remote: str) -> Any:
    from pyspark.sql.connect.session import SparkSession

    session = SparkSession.builder.remote(remote).create()
    SESSIONS.append(session)
    return session


SESSIONS: list[Any] = []


@pytest.fixture(scope="module")
def ada(remote: Callable[[str], str]) -> Any:
    return opened(remote("ada"))


@pytest.fixture(scope="module")
def ben(remote: Callable[[str], str]) -> Any:
    return opened(remote("ben"))


def refusal(ask: Callable[[], Any]) -> str:
    with pytest.raises(PySparkException) as refused:
        ask()
    return str(refused.value)


def test_every_table_of_the_release_is_there_by_its_name(ada):
    names = [row.tableName for row in ada.sql("SHOW TABLES").collect()]
    assert len(names) == 8
    assert ada.table("edu_patient").count() == PATIENTS
    assert ada.sql("SELECT count(*) FROM edu_tumor VERSION AS OF 0").first()[0] == PATIENTS


def noted(state: Path, who: str) -> list[dict[str, Any]]:
    """What the access log knows of a person; the end of a query may be told after its rows have come."""
    time.sleep(0.5)
    lines = [json.loads(line) for file in (state / "access").iterdir() for line in file.read_text().splitlines()]
    return [line for line in lines if line["who"] == who]


def test_who_read_which_table_at_which_version_and_which_columns_is_noted(remote, state):
    cy = opened(remote("cy"))
    query = "SELECT count(*) FROM edu_tumor VERSION AS OF 0 WHERE stage = 'III' AND tumor_no IN (SELECT tumor_no FROM edu_line)"
    for _ in range(2):
        assert cy.sql(query).first()[0] > 0
    assert len(cy.table("edu_panel_gene").select("gene").toPandas()) > 1
    lines = noted(state, "cy")
    ended = {line["operation"]: line for line in lines if line["event"] == "ended"}
    read = [
        (line["table"], line["version"], line["columns"], ended[line["operation"]]["rows"])
        for line in lines
        if line["event"] == "read" and ended[line["operation"]]["outcome"] == "answered"
    ]
    asked = [("teaching.edu_tumor", 0, ["tumor_no", "stage"], 1), ("teaching.edu_line", 0, ["tumor_no"], 1)]
    rows = cy.table("edu_panel_gene").count()
    expected = [*asked, *asked, ("teaching.edu_panel_gene", 1, ["gene"], rows)]
    # Spark understands what stands inside first.
    assert sorted((table, version, sorted(columns), found) for table, version, columns, found in read) == sorted(
        (table, version, sorted(columns), found) for table, version, columns, found in expected
    )
    assert all("spark/4.2" in line["client"] for line in ended.values())
    # Of the statement nothing else is kept.
    assert "III" not in json.dumps(lines)
    log = next((state / "access").iterdir())
    assert (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_is_refused_is_noted_too(remote, state):
    di = opened(remote("di"))
    refusal(lambda: di.sql("SELECT * FROM text.`/etc/passwd`").collect())
    refusal(lambda: di.sql("DROP TABLE edu_tumor").collect())
    refusal(lambda: di.range(3).write.parquet("/tmp/mine"))
    told = [line["outcome"] for line in noted(state, "di") if line["event"] == "ended"]
    assert told == ["refused", "refused", "refused"]


def listed(state: Path, who: str) -> list[tuple[str | None, list[str], str]]:
    """What an officer sees of a person."""
    time.sleep(0.5)
    return [(each.table, sorted(each.columns), each.outcome) for each in access.listed([state / "access"], who=who)]


def test_a_client_that_says_goodbye_is_no_refusal(remote, state):
    kim = opened(remote("kim"))
    assert kim.sql("SELECT count(*) FROM edu_tumor WHERE stage = 'I'").first()[0] > 0
    kim.stop()
    SESSIONS.remove(kim)
    assert listed(state, "kim") == [("teaching.edu_tumor", ["stage"], "answered")]


@pytest.mark.parametrize(
    "ask",
    [
        lambda table: table.groupBy("stage").pivot("tumor_group").count(),
        lambda table: table.crosstab("stage", "tumor_group"),
        lambda table: table.select("tumor_no", "stage").transpose("tumor_no"),
        lambda table: table.crosstab("stage", "tumor_group").limit(1),
    ],
)
def test_nothing_runs_to_say_what_columns_there_would_be(ada, ask):
    asked = ask(ada.table("edu_tumor").where("tumor_no < 9"))
    assert "would have to run this before it could tell its columns" in refusal(lambda: asked.columns)
    assert len(asked.toPandas())


def test_what_is_understood_without_its_rows_can_be_looked_at(ada):
    tumors = ada.table("edu_tumor")
    assert tumors.groupBy("stage").pivot("tumor_group", ["lung", "colon"]).count().columns == ["stage", "lung", "colon"]
    assert tumors.describe("stage").columns == ["summary", "stage"]
    assert tumors.freqItems(["stage"]).columns == ["stage_freqItems"]
    assert ada.sql("DESCRIBE HISTORY edu_tumor").columns[0] == "version"


def test_what_spark_runs_to_understand_a_query_is_noted_with_it(remote, state):
    leo = opened(remote("leo"))
    tumors = leo.table("edu_tumor").select("tumor_no", "stage", "tumor_group")
    assert len(tumors.groupBy("stage").pivot("tumor_group").count().toPandas())
    assert len(leo.sql("SELECT * FROM {found}", found=tumors.crosstab("stage", "tumor_group")).toPandas())
    assert tumors.approxQuantile("tumor_no", [0.5], 0.1)
    line = ("teaching.edu_tumor", ["stage", "tumor_group", "tumor_no"], "answered")
    # What is made to understand a statement is made again for its rows.
    assert listed(state, "leo") == [line] * 4


def test_no_command_runs_inside_of_what_only_tells_of_columns(remote, state):
    mia, session = Knocking(remote("mia")), number()
    assert mia.execute(session, number(), "DECLARE found STRING DEFAULT 'nothing'") == ""
    told = mia.columns(session, lambda plan: plan.drop_na.input.sql)
    assert "this statement runs when it is asked by itself" in told
    assert "would have to run this" in mia.columns(session, lambda plan: plan.show_string.input.sql)
    assert "would have to run this" in mia.columns(session, lambda plan: plan.parse.input.sql)
    assert mia.execute(session, number(), "SELECT if(found = 'nothing', 1, raise_error('read'))") == ""
    request = base.ExecutePlanRequest(session_id=session, operation_id=number())
    asked = request.plan.command.sql_command.input.with_relations
    asked.root.sql.query = "SELECT 1"
    asked.references.add().subquery_alias.alias = "unseen"
    asked.references[0].subquery_alias.input.drop_na.input.sql.query = SET_FOUND
    assert mia.ended(request) == ""
    # It ran: another query of hers would tell what it found, and read no table.
    assert listed(state, "mia") == [("teaching.edu_tumor", ["stage"], "understood")]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM edu_tumor TIMESTAMP AS OF (SELECT DATE'1971-01-01' + max(tumor_no) FROM edu_tumor)",
        "WITH then AS (SELECT * FROM edu_tumor TIMESTAMP AS OF (SELECT DATE'1971-01-01' + 1)) SELECT * FROM then",
        "SELECT (SELECT count(*) FROM edu_tumor FOR SYSTEM_TIME AS OF (SELECT DATE'1971-01-01' + 1))",
        "CREATE TEMP VIEW then AS SELECT * FROM edu_tumor TIMESTAMP AS OF (SELECT DATE'1971-01-01' + 1)",
        "EXECUTE IMMEDIATE 'SELECT * FROM edu_tumor TIMESTAMP AS OF (SELECT DATE\\'1971-01-01\\' + 1)'",
    ],
)
def test_no_query_runs_to_find_the_moment_of_a_table(remote, query):
    ida = Knocking(remote("ida"))
    assert "name the moment of a table itself" in ida.columns(number(), lambda plan: plan.drop_na.input.sql, query)
    assert "name the moment of a table itself" in ida.execute(number(), number(), query)
    assert "before the earliest version" in ida.execute(
        number(), number(), "SELECT * FROM edu_tumor TIMESTAMP AS OF DATE'1971-01-01' + 1"
    )


@pytest.mark.parametrize(
    "script",
    [
        "BEGIN SELECT raise_error(max(stage)) FROM edu_tumor; END",
        "/* a word before */ here: BEGIN IF (SELECT max(tumor_no) FROM edu_tumor) > 5 THEN SELECT raise_error('big'); END IF; END",
        "EXECUTE IMMEDIATE 'BEGIN SELECT raise_error(max(stage)) FROM edu_tumor; END'",
        "BEGIN DROP TABLE edu_tumor; END",
    ],
)
def test_no_script_runs(remote, script):
    kim = Knocking(remote("kim"))
    kim.execute(number(), number(), "SET spark.sql.scripting.enabled = true")
    for said in (
        kim.columns(number(), lambda plan: plan.sql, script),
        kim.columns(number(), lambda plan: plan.drop_na.input.sql, script),
        kim.execute(number(), number(), script),
    ):
        assert "SQL_SCRIPT" in said or "PARSE_SYNTAX_ERROR" in said, said


def test_the_engine_s_log_says_what_went_wrong_and_no_value(ada, state):
    said = "concat('patient ', stage, ' of [TUMOR_NO.7] Error: \\n\\tat patient\\npatient (7)')"
    assert "patient III" in refusal(lambda: ada.sql(f"SELECT raise_error({said}) FROM edu_tumor WHERE stage = 'III'").collect())
    assert "'III'" in refusal(lambda: ada.sql("SELECT cast(stage AS int) FROM edu_tumor WHERE stage = 'III'").collect())
    log = (engine.state_of(state) / "engine.log").read_text()
    assert "ERROR Executor: Exception in task" in log
    assert "SparkRuntimeException: [USER_RAISED_EXCEPTION]" in log
    assert "SparkNumberFormatException: [CAST_INVALID_INPUT]" in log
    assert not [word for word in ("patient", "III", "TUMOR_NO") if word in log]


@pytest.mark.parametrize("moment", ["before it starts", "while it runs"])
def test_an_engine_s_log_is_bounded(tmp_path, monkeypatch, moment):
    old, fresh = b"of an earlier engine\n" * 10, b"said\n"
    before = old if moment == "before it starts" else b""
    (tmp_path / "engine.log").write_bytes(before)
    script = f"{'' if before else f'printf {old.decode()!r} >&2; '}sleep 1; printf '{fresh.decode()}' >&2"

    async def start(_: engine.Engine, log: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "sh", "-c", script, stdout=asyncio.subprocess.PIPE, stderr=log, start_new_session=True
        )

    for name, value in {
        "_start": start,
        "check": lambda _: None,
        "STARTS_IN_VAIN": 1,
        "LOG_BYTES": 100,
        "LOG_SECONDS": 0.1,
    }.items():
        monkeypatch.setattr(engine, name, value)
    with pytest.raises(WrongUse, match="ended 1 times before it was ready"):
        asyncio.run(engine.run(engine.Engine(tmp_path, 0, tmp_path, "java", "jars")))
    assert (tmp_path / "engine.log").read_bytes() == fresh
    assert (tmp_path / "engine.log.1").read_bytes() == old[-100:]


def test_no_row_of_a_file_is_told_as_the_names_of_its_columns(ada):
    log = "/release/edu_tumor/_delta_log/00000000000000000000.json"
    assert "no other data are here" in refusal(lambda: ada.read.option("header", True).csv(log).columns)
    assert "commitInfo" not in refusal(lambda: ada.sql(f"SELECT * FROM csv.`{log}` WITH ('header' = 'true')").columns)


def test_a_plan_that_is_only_explained_has_no_value_in_it(ada):
    assert "FileScan" in ada.sql("SELECT max(days) FROM edu_survival")._explain_string()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM text.`/etc/passwd`",
        "SELECT * FROM text.`/proc/self/environ`",
        "SELECT (SELECT first(value) FROM text.`/etc/passwd`)",
        "SELECT * FROM text.`/release/../etc/passwd`",
        "SELECT * FROM binaryFile.`/code/hub_config`",
    ],
)
def test_no_file_but_the_releases_is_read(ada, query):
    assert "no other data are here" in refusal(lambda: ada.sql(query).collect())


def test_silver_beside_the_release_does_not_exist_for_the_engine(ada, release):
    silver = release.parents[1] / "silver" / "person.txt"
    assert silver.exists()
    assert "PATH_NOT_FOUND" in refusal(lambda: ada.sql(f"SELECT * FROM text.`{silver}`").collect())


def test_files_are_refused_when_another_reader_is_chosen(ada):
    assert "settings that a class may change" in refusal(lambda: ada.conf.set("spark.sql.sources.useV1SourceList", ""))
    assert "no other data are here" in refusal(lambda: ada.sql(f"SELECT * FROM `{READER}`.`/etc/passwd`").collect())
    assert "no other data are here" in refusal(lambda: ada.read.format(READER).load("/etc/passwd").collect())


def test_no_database_is_called_while_a_query_is_understood(ada):
    url = "jdbc:derby:memory:mine;create=true"
    assert "no other data are here" in refusal(lambda: ada.read.jdbc(url, "SYS.SYSTABLES").collect())
    assert "no other data are here" in refusal(lambda: ada.read.jdbc(url, "SYS.SYSTABLES").schema)


DERBY = {
    "spark.sql.catalog.d": "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog",
    "spark.sql.catalog.d.url": "jdbc:derby:memory:mine;create=true",
    "spark.sql.catalog.d.driver": "org.apache.derby.iapi.jdbc.AutoloadedDriver",
}


def test_no_catalogue_of_a_trainee_is_opened(ada):
    for key, value in DERBY.items():
        assert "settings that a class may change" in refusal(lambda key=key, value=value: ada.conf.set(key, value))
        assert "settings that a class may change" in refusal(
            lambda key=key, value=value: ada.sql(f"SET `{key}`=`{value}`").collect()
        )
    assert "spark_catalog requires" in refusal(lambda: ada.sql("SELECT * FROM d.SYS.SYSTABLES").collect())


def test_no_other_file_system_stands_in_for_the_release(ada):
    link = "fs.viewfs.mounttable.default.link./release"
    assert "settings that a class may change" in refusal(lambda: ada.sql(f"SET `{link}`=`file:///etc`").collect())
    assert "no other data are here" in refusal(
        lambda: ada.read.option(link, "file:///etc").text("viewfs:///release/passwd").collect()
    )


@pytest.mark.parametrize("form", ["delta", "text"])
def test_no_option_of_a_reader_chooses_a_file_system(ada, form):
    folder = "/release/edu_tumor" if form == "delta" else "/release/edu_tumor/_delta_log"
    assert ada.read.format(form).load(folder).count()
    asked = ada.read.format(form).option("fs.file.impl", "mine").load(folder)
    assert "no other data are here" in refusal(asked.collect)


@pytest.mark.parametrize("form", ["text", f"`{READER}`"])
def test_no_option_in_sql_chooses_a_file_system(ada, form):
    lines = f"SELECT count(*) FROM {form}.`/release/edu_tumor/_delta_log`"
    assert ada.sql(lines).first()[0]
    assert "no other data are here" in refusal(lambda: ada.sql(f"{lines} WITH ('fs.file.impl' = 'mine')").collect())


@pytest.mark.parametrize("told", ["${env:PATH}", "${system:user.home}", "${spark.driver.host}"])
def test_a_query_tells_nothing_of_the_engine_s_environment(ada, told):
    assert ada.sql(f"SELECT '{told}' AS told").collect()[0].told == told
    with pytest.raises(PySparkException):
        ada.conf.set("spark.sql.variable.substitute", "true")


def test_the_settings_of_a_query_can_be_changed_and_forgotten(ada):
    ada.conf.set("spark.sql.ansi.enabled", "false")
    assert ada.sql("SELECT cast('x' AS int)").first()[0] is None
    ada.conf.unset("spark.sql.ansi.enabled")
    ada.sql("SET spark.sql.shuffle.partitions=3")
    assert ada.sql("SET spark.sql.shuffle.partitions").first()[1] == "3"
    ada.sql("RESET spark.sql.shuffle.partitions")
    assert ada.sql("SET spark.sql.shuffle.partitions").first()[1] == "2"


@pytest.mark.parametrize("function", ["reflect", "java_method", "try_reflect"])
def test_java_is_not_called_from_sql(ada, function):
    assert "Cannot resolve routine" in refusal(lambda: ada.sql(f"SELECT {function}('java.lang.System', 'getenv')").collect())


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine AS SELECT 1",
        "INSERT INTO edu_panel_gene VALUES ('a', 'b')",
        "DELETE FROM edu_tumor",
        "DROP TABLE edu_tumor",
        "ALTER TABLE edu_tumor ADD COLUMN mine INT",
        "INSERT OVERWRITE DIRECTORY '/tmp/mine' USING csv SELECT 1",
        "EXECUTE IMMEDIATE 'DROP TABLE edu_tumor'",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE TEMP VIEW mine USING csv OPTIONS (path '/etc/passwd')",
        "CREATE GLOBAL TEMP VIEW mine AS SELECT 1",
        "CREATE FUNCTION mine AS 'java.lang.String'",
        "CACHE TABLE edu_tumor",
        "CLEAR CACHE",
        "ADD JAR '/release/card.json'",
        "OPTIMIZE edu_tumor",
        "VACUUM edu_tumor",
        "RESTORE TABLE edu_panel_gene TO VERSION AS OF 0",
    ],
)
def test_no_statement_changes_anything(ada, statement):
    assert "reads and changes nothing" in refusal(lambda: ada.sql(statement).collect())


@pytest.mark.parametrize(
    "ask",
    [
        lambda spark: spark.range(3).write.parquet("/tmp/mine"),
        lambda spark: spark.range(3).write.saveAsTable("mine"),
        lambda spark: spark.range(3).writeTo("mine").create(),
        lambda spark: spark.range(3).createGlobalTempView("mine"),
        lambda spark: spark.catalog.createTable("mine", path="/release/edu_tumor", source="delta"),
        lambda spark: spark.catalog.clearCache(),
    ],
)
def test_no_call_changes_anything(ada, ask):
    assert "reads and changes nothing" in refusal(lambda: ask(ada))


@pytest.mark.parametrize(
    "ask",
    [
        lambda spark: spark.range(3).select(F.udf(lambda each: each)("id")).collect(),
        lambda spark: spark.range(3).mapInPandas(lambda frames: frames, "id long").collect(),
        lambda spark: spark.udf.register("mine", lambda each: each),
        lambda spark: spark.addArtifact(__file__, pyfile=True),
    ],
)
def test_no_code_of_a_trainee_runs_in_the_engine(ada, ask):
    said = refusal(lambda: ask(ada))
    assert "runs no code of yours" in said or "takes no files" in said


def test_a_runaway_cross_join_is_stopped_with_a_sentence_while_another_session_answers(ada, ben):
    ben.table("edu_line").count()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runaway = pool.submit(refusal, lambda: ada.sql(CROSS_JOIN).collect())
        time.sleep(2)
        answers = 0
        while not runaway.done():
            assert ben.table("edu_line").count() == PATIENTS
            answers += 1
        assert answers
        assert "seconds and was stopped, so that the others can go on" in runaway.result()
    assert ada.table("edu_line").count() == PATIENTS


def test_a_class_that_joins_tables_at_one_moment_does_not_end_the_engine(remote, state):
    engine_before, class_size = java_of(state), 8
    sessions = [opened(remote(f"at-once-{number}")) for number in range(class_size)]
    together = threading.Barrier(class_size, timeout=60)

    def join(session: Any) -> str:
        together.wait()
        try:
            return f"{session.sql(JOINS).collect()[0].rows} rows"
        except PySparkException as stopped:
            return str(stopped)

    with concurrent.futures.ThreadPoolExecutor(class_size) as pool:
        told = set(pool.map(join, sessions))
    # On a slow machine everybody may run out of time; the engine may not run out of memory, and answers the next one.
    assert {each for each in told if "seconds and was stopped" not in each} <= {f"{PATIENTS} rows"}
    assert sessions[0].sql(JOINS).collect()[0].rows == PATIENTS
    assert java_of(state) == engine_before


SET_FOUND = "SET VARIABLE found = (SELECT max(stage) FROM edu_tumor)"


class Knocking:
    """Somebody who speaks to the door without Spark's own client, and so chooses every number."""

    def __init__(self, remote: str) -> None:
        address, token = remote.removeprefix("sc://").split("/;token=")
        self.stub = SparkConnectServiceStub(grpc.insecure_channel(address))
        self.metadata = (("authorization", f"Bearer {token}"),)

    def execute(
        self, session: str, operation: str, query: str = CROSS_JOIN, *, reattachable: bool = True, timeout: float = 40
    ) -> str:
        """How a query ended: the error's words, or nothing."""
        request = base.ExecutePlanRequest(session_id=session, operation_id=operation)
        request.plan.root.sql.query = query
        request.request_options.add().reattach_options.reattachable = reattachable
        return self.ended(request, timeout)

    def ended(self, request: base.ExecutePlanRequest, timeout: float = 40) -> str:
        return self._ended(self.stub.ExecutePlan(request, timeout=timeout, metadata=self.metadata))

    def columns(self, session: str, inside: Callable[[Any], Any], query: str = SET_FOUND) -> str:
        """What was said when somebody asked for the columns of a plan with a query inside."""
        request = base.AnalyzePlanRequest(session_id=session)
        inside(request.schema.plan.root).query = query
        try:
            return str(self.stub.AnalyzePlan(request, timeout=40, metadata=self.metadata))
        except grpc.RpcError as error:
            return str(error.details())

    def reattach(self, session: str, operation: str) -> str:
        request = base.ReattachExecuteRequest(session_id=session, operation_id=operation)
        return self._ended(self.stub.ReattachExecute(request, timeout=40, metadata=self.metadata))

    def release(self, session: str, operation: str) -> None:
        request = base.ReleaseExecuteRequest(session_id=session, operation_id=operation)
        request.release_all.SetInParent()
        self.stub.ReleaseExecute(request, timeout=40, metadata=self.metadata)

    def _ended(self, answers: Any) -> str:
        try:
            list(answers)
        except grpc.RpcError as error:
            return str(error.details())
        return ""


def number() -> str:
    return str(uuid.uuid4())


def test_queries_of_several_sessions_under_one_number_are_counted_and_stopped_each(remote):
    gil, operation = Knocking(remote("gil")), number()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        ended = sorted(pool.map(lambda session: gil.execute(session, operation), [number() for _ in range(4)]))
    assert [("was stopped" in said, "3 queries running" in said) for said in ended] == [(True, False)] * 3 + [(False, True)]


def test_a_number_is_given_to_one_query_of_a_session_at_a_time(remote):
    hal, session, operation = Knocking(remote("hal")), number(), number()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runaway = pool.submit(hal.execute, session, operation)
        time.sleep(2)
        assert "already runs under this number" in hal.execute(session, operation, "SELECT 1")
        assert "was stopped" in runaway.result()
    assert hal.execute(session, number(), "SELECT 1") == ""


def test_the_queries_of_a_client_that_never_comes_back_for_more_end_too(remote, state):
    nan, session = Knocking(remote("nan")), number()
    for _ in range(4):
        assert nan.execute(session, number(), "SELECT count(*) FROM edu_tumor", reattachable=False) == ""
    assert "CAST_INVALID_INPUT" in nan.execute(session, number(), "SELECT cast(stage AS int) FROM edu_tumor", reattachable=False)
    counted, cast = ("teaching.edu_tumor", [], "answered"), ("teaching.edu_tumor", ["stage"], "failed")
    assert listed(state, "nan") == [*[counted] * 4, cast]


def test_a_query_is_stopped_when_its_client_leaves_and_cannot_come_back(remote, state):
    oda, session = Knocking(remote("oda")), number()
    began = time.monotonic()
    assert oda.execute(
        session, number(), f"{CROSS_JOIN} AND a.id < (SELECT count(*) FROM edu_line)", reattachable=False, timeout=2
    )
    while not [line for line in noted(state, "oda") if line["event"] == "ended"]:
        assert time.monotonic() - began < 40, "it counts as running no longer"
    assert listed(state, "oda") == [("teaching.edu_line", [], "stopped")]


def test_a_release_by_another_session_lets_no_query_run_on(remote):
    ida, session, other, operation = Knocking(remote("ida")), number(), number(), number()
    assert ida.execute(other, number(), "SELECT 1") == ""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runaway = pool.submit(ida.execute, session, operation)
        time.sleep(2)
        ida.release(other, operation)
        assert "was stopped" in runaway.result()


def test_a_query_whose_answers_another_connection_reads_is_stopped_all_the_same(remote):
    jon, session, operation = Knocking(remote("jon")), number(), number()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(jon.execute, session, operation)
        time.sleep(2)
        second = pool.submit(jon.reattach, session, operation)
        assert "INVALID_CURSOR" in first.result()
        assert "was stopped" in second.result()


def test_a_result_larger_than_the_bound_is_stopped_with_a_sentence(ada):
    query = "SELECT id, uuid() AS a, uuid() AS b FROM range(150000)"
    assert "larger than" in refusal(lambda: ada.sql(query).toArrow())


def test_two_sessions_have_their_own_cohort(ada, ben):
    for session, seed in ((ada, 11), (ben, 12)):
        session.sql(f"CREATE OR REPLACE TEMP VIEW cohort AS SELECT tumor_no FROM edu_tumor WHERE {COHORT_SQL.format(seed=seed)}")
    found = {seed: sorted(row[0] for row in session.table("cohort").collect()) for session, seed in ((ada, 11), (ben, 12))}
    assert found == {seed: cohort_of(seed, range(1, PATIENTS + 1)) for seed in (11, 12)}
    assert found[11] != found[12]


def test_one_token_opens_no_session_of_another_person(remote, ada):
    ada.sql("CREATE OR REPLACE TEMP VIEW secret AS SELECT 1")
    session_id = ada.session_id
    thief = opened(f"{remote('eve')};user_id=ada;session_id={session_id}")
    assert "TABLE_OR_VIEW_NOT_FOUND" in refusal(lambda: thief.table("secret").collect())


@pytest.mark.parametrize("forged", [lambda remote: remote.replace("=ada.", "=ben."), lambda remote: remote.split("/;")[0]])
def test_nobody_comes_in_with_a_forged_token_or_none(remote, forged):
    assert "does not know you" in refusal(lambda: opened(forged(remote("ada"))).sql("SELECT 1").collect())


def below(pid: int) -> list[int]:
    """The processes that `pid` started, and those that these started."""
    found = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return found + [deeper for child in found for deeper in below(child)]


def java_of(state: Path) -> Path:
    """The JVM's folder in /proc."""
    inside = [Path("/proc", str(pid)) for pid in below(int((engine.state_of(state) / "pid").read_text()))]
    return next(process for process in inside if b"java" in (process / "cmdline").read_bytes().split(b"\0")[0])


def test_no_database_of_the_engine_s_own_is_on_its_class_path(remote, state):
    jars = Path(pyspark.__file__).parent / "jars"
    derby = [jar for jar in jars.glob("derby*.jar") if jar.stat().st_size]
    assert derby
    assert {Path(java_of(state) / "root" / str(jar).lstrip("/")).stat().st_size for jar in derby} == {0}


def test_the_engine_is_not_the_operator_and_has_no_network(remote, state):
    java = java_of(state)
    assert (java / "ns" / "net").readlink() != Path("/proc/self/ns/net").readlink()
    assert (java / "ns" / "pid").readlink() != Path("/proc/self/ns/pid").readlink()
    assert os.geteuid() != 0 or java.stat().st_uid == engine.ENGINE_UID
    assert b"TOKEN" not in (java / "environ").read_bytes().replace(b"SPARK_CONNECT_AUTHENTICATE_TOKEN", b"")


def test_status_says_whether_it_answers(remote, state):
    assert engine.main(["--status", "--state", str(state)]) == 0
    assert engine.main(["--status", "--state", str(state / "other")]) == 1


def test_up_waits_until_it_answers(remote, state, tmp_path):
    (tmp_path / "state").symlink_to(state)
    assert "ready after" in engine_told(Academy(tmp_path, tmp_path, "stand-in", "none"), os.getpid(), time.monotonic())


def test_the_key_and_nothing_else_signs_a_token():
    token = token_for("00" * 32, "ada@example.org")
    assert user_of("00" * 32, token) == "ada@example.org"
    assert user_of("01" * 32, token) is None
    assert user_of("00" * 32, token.replace("ada", "eva")) is None
    with pytest.raises(ValueError, match="user name"):
        token_for("00" * 32, "ada;x")


def test_an_empty_folder_is_no_release(tmp_path):
    (tmp_path / "release").mkdir()
    command = [sys.executable, "-m", "hub_config.engine", "--release", str(tmp_path / "release"), "--state", str(tmp_path)]
    done = subprocess.run(
        [*command, "--java", "/nowhere", "--jars", "/nowhere.jar"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Expected the tables of a release in")
