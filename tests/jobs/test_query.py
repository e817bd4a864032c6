"""Queries of a person read, and change nothing."""

import logging

import polars as pl
import pytest
from pyspark.errors import AnalysisException
from pyspark.logger import PySparkLogger

from jobs.errors import WrongUse
from jobs.lake import Lake
from jobs.query import reads_only, rows

CHANGING = [
    "DELETE FROM gold.query_test",
    "UPDATE gold.query_test SET n = 0",
    "INSERT INTO gold.query_test VALUES ('C61', 3)",
    "WITH more AS (SELECT 'C61', 3) INSERT INTO gold.query_test SELECT * FROM more",
    "MERGE INTO gold.query_test t USING gold.query_test s ON t.n = s.n WHEN MATCHED THEN DELETE",
    "DROP TABLE gold.query_test",
    "CREATE TABLE gold.other AS SELECT 1 AS n",
    "ALTER TABLE gold.query_test ADD COLUMN m INT",
    "VACUUM gold.query_test",
    "OPTIMIZE gold.query_test",
    "INSERT OVERWRITE DIRECTORY '/tmp/query-test' USING parquet SELECT 1",
    "SET spark.sql.shuffle.partitions = 7",
]


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(str(tmp_path))
    lake.write("gold", "query_test", pl.DataFrame({"site": ["C50", "C34"], "n": [2, 1]}).to_arrow())
    return lake


@pytest.mark.parametrize(
    "query",
    [
        "SELECT site, n FROM gold.query_test ORDER BY site",
        "WITH few AS (SELECT * FROM gold.query_test) SELECT site, n FROM few ORDER BY site",
        "FROM gold.query_test SELECT site, n ORDER BY site",
    ],
)
def test_a_query_gives_its_rows(spark, lake, query):
    assert rows(spark, lake, query).to_pylist() == [{"site": "C34", "n": 1}, {"site": "C50", "n": 2}]


def test_a_wrong_query_is_not_written_to_the_log(spark, lake):
    said: list[object] = []
    listener = logging.Handler()
    listener.emit = said.append  # type: ignore[method-assign]
    PySparkLogger.getLogger("SQLQueryContextLogger").addHandler(listener)
    with pytest.raises(AnalysisException):
        rows(spark, lake, "SELECT nothing FROM gold.query_test WHERE site = 'C50'")
    assert said == []


@pytest.mark.parametrize("query", ["SHOW DATABASES", "DESCRIBE FUNCTION sum", "EXPLAIN SELECT 1"])
def test_what_only_tells_is_answered(spark, lake, query):
    assert rows(spark, lake, query).num_rows > 0


# Each would run Java where Spark knew the function.
CALLING = [
    "SELECT reflect('java.lang.System', 'getProperty', 'user.home')",
    "select `reflect`('java.lang.System', 'getProperty', 'user.home')",
    "select`reflect`('java.lang.System', 'getProperty', 'user.home')",
    "SELECT `Java_Method` /* here */ ('java.lang.System', 'getProperty', 'user.home')",
    "SELECT `try_reflect`('java.lang.System', 'getProperty', 'user.home')",
    "SELECT system.builtin.reflect('java.lang.System', 'getProperty', 'user.home')",
    "SELECT `system`.`builtin` . `REFLECT`('java.lang.System', 'getProperty', 'user.home')",
    "SELECT IDENTIFIER('ref' || 'lect')('java.lang.System', 'getProperty', 'user.home')",
    "SELECT identifier /**/ (r'reflect')('java.lang.System', 'getProperty', 'user.home')",
]


@pytest.mark.parametrize("statement", CALLING)
def test_what_runs_java_is_refused_however_its_name_is_written(spark, lake, statement):
    with pytest.raises(WrongUse, match="nothing was done"):
        rows(spark, lake, statement)


@pytest.mark.parametrize("statement", CALLING)
def test_the_engine_of_this_process_knows_nothing_that_runs_java(spark, statement):
    with pytest.raises(AnalysisException, match=r"UNRESOLVED_ROUTINE|REQUIRES_SINGLE_PART_NAMESPACE"):
        spark.sql(statement)


@pytest.mark.parametrize("statement", CHANGING)
def test_what_would_change_something_is_refused_and_changes_nothing(spark, lake, statement):
    with pytest.raises(WrongUse, match="nothing was done"):
        rows(spark, lake, statement)
    assert lake.version("gold", "query_test") == 0


# By its words alone: an engine elsewhere has no parser to ask.


@pytest.mark.parametrize(
    "statement",
    [
        *CHANGING,
        *CALLING,
        "EXECUTE IMMEDIATE 'DROP TABLE gold.query_test'",
        "",
        "FROM gold.t INSERT INTO gold.u SELECT *",
        "/* SELECT */ -- SELECT\nDROP TABLE t",
        "SELECT TRANSFORM (n) USING 'cat' FROM gold.t",
        "FROM gold.t MAP n USING /* join */ 'cat'",
        "SELECT reflect ('java.lang.System', 'getenv')",
        "SELECT java_method('java.lang.System', 'exit', 1)",
        "with m as (select 'merge') insert into t select 'x'",
        "with m as (select `a` from t /* ' */) insert into u select ' '",
        "with m as (select 1 -- '\n) insert into u select ' '",
        'with m as (select "\'") insert into u select "\'"',
        # Where Spark ends a text or a comment elsewhere than it seems.
        r"with m as (select r'\' as a) insert into t select 'x'",
        "with m as (select $$'$$ as a) insert into t select 'x'",
        "with m as (select 1 /* /* */ ' */) insert into t select ' '",
        "with m as (select /*+ hint(' */ ') */ 1) insert into t select ' '",
        "/* /* */ select */ drop table t",
        "-- \\\n select 1\ndrop table t",
        "-- why\rdelete from t --\nselect",
    ],
)
def test_by_its_words_a_statement_may_change_something(statement):
    assert not reads_only(statement)


@pytest.mark.parametrize(
    "query",
    [
        "select 'delete' as word",
        "-- why\n /* and\nhow */ ((SELECT 1) UNION (SELECT 2))",
        "with t as (select 1) select * from t",
        "with m as (select * from silver.person_link where method = 'merge') select count(*) from m",
        'with m as (select `update`, "insert" from t) /* no delete */ select * from m -- and no merge',
        "from t select 'it''s a merge'",
        "values (1)",
        "from gold.t select site",
        "select * from gold.t join gold.u using (site)",
        "table gold.t",
        "show tables in gold",
        "describe gold.t",
        "explain select 1",
    ],
)
def test_by_its_words_a_query_only_reads(query):
    assert reads_only(query)


def test_no_query_reads_the_environment_of_the_engine(spark, lake):
    assert rows(spark, lake, "SELECT '${env:PATH}' AS path").to_pylist() == [{"path": "${env:PATH}"}]
