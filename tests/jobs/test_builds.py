"""Builds that one can go back to: what each left, what changed since, and none from before people were taken out."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from jobs import builds, query
from jobs.errors import WrongUse
from jobs.lake import Lake
from jobs.query import rows, rows_of_build

FIRST, SECOND = 1_700_000_000_000, 1_700_000_100_000
TABLE = "patient_summary"


def publish(lake: Lake, number: int, table: str = TABLE, days_ago: int = 1, **sexes: str) -> None:
    """A build that makes one table."""
    ids = list(sexes)
    rows = pl.DataFrame(
        {
            "patient_id": ids,
            "sex": list(sexes.values()),
            "centers": [["gr"]] * len(ids),
            "as_of_date": [date(2025, 1, number % 7 + 1)] * len(ids),
        }
    )
    lake.write(
        "gold", table, rows.to_arrow(compat_level=pl.CompatLevel.oldest()), mode="overwrite", transaction=(builds.WRITER, number)
    )
    line = {
        "build": number,
        "table": table,
        "inputs": "{}",
        "rows": len(ids),
        "published_at": datetime.now(UTC) - timedelta(days=days_ago),
    }
    lake.write("ops", "build", pl.DataFrame([line]).to_arrow(compat_level=pl.CompatLevel.oldest()))


def purge(lake: Lake, number: int) -> None:
    rows = pl.DataFrame({"load_id": [number, number + 1], "purged": [2, 0]})
    lake.write("ops", "load_process", rows.to_arrow())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path))
    publish(lake, FIRST, p1="F", p2="M", p3="F")
    publish(lake, SECOND, p1="F", p2="F", p4="M")
    return lake


def test_a_build_knows_the_versions_of_its_tables(lake: Lake) -> None:
    publish(lake, SECOND + 5, "endpoint", p1="F")
    assert [builds.build(lake, each).versions for each in (FIRST, SECOND, SECOND + 5)] == [
        {TABLE: 0},
        {TABLE: 1},
        {TABLE: 1, "endpoint": 0},
    ]


def test_what_changed_is_counted_by_key_and_the_stamp_of_a_build_is_no_change(lake: Lake) -> None:
    [change] = builds.changes(lake, builds.build(lake, FIRST))
    assert (change.before, change.now, change.added, change.removed, change.changed) == (3, 3, 1, 1, 1)
    [none] = builds.changes(lake, builds.build(lake, SECOND))
    assert (none.added, none.removed, none.changed) == (0, 0, 0)


def test_a_query_sees_gold_as_a_build_left_it(spark, lake: Lake) -> None:
    asking = f"SELECT count(*) AS n FROM gold.{TABLE} WHERE sex = 'F'"
    for build, women in ((SECOND, 2), (FIRST, 2)):
        assert rows_of_build(spark, lake, asking, builds.build(lake, build).versions).to_pylist() == [{"n": women}]
    first = rows_of_build(spark, lake, f"SELECT patient_id FROM gold.{TABLE} ORDER BY 1", builds.build(lake, FIRST).versions)
    assert first["patient_id"].to_pylist() == ["p1", "p2", "p3"]
    named = f"SELECT 'gold.x' AS text, {TABLE}.sex FROM `gold`.{TABLE} -- of gold.{TABLE}\nWHERE gold.{TABLE}.patient_id = 'p1'"
    found = rows_of_build(spark, lake, named, builds.build(lake, FIRST).versions)
    assert found.to_pylist() == [{"text": "gold.x", "sex": "F"}]
    with pytest.raises(WrongUse, match=f"it has {TABLE}"):
        rows_of_build(spark, lake, "SELECT * FROM gold.endpoint", {TABLE: 0})
    assert not [each.namespace for each in spark.sql("SHOW DATABASES").collect() if each.namespace.startswith("build_")]


def test_an_engine_that_lets_nobody_make_views_is_asked_for_versions(spark, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    rows(spark, lake, f"SELECT 1 FROM gold.{TABLE}")
    monkeypatch.setattr(query, "knows_gold", lambda _: True)
    named = f"WITH women AS (SELECT * FROM `gold`.{TABLE} AS p WHERE p.sex = 'F') SELECT 'gold.x' AS text, women.patient_id FROM women JOIN gold.{TABLE} USING (patient_id) WHERE gold.{TABLE}.centers[0] = 'gr' ORDER BY 2 -- gold.y"
    for build, women in ((FIRST, ["p1", "p3"]), (SECOND, ["p1", "p2"])):
        found = rows_of_build(spark, lake, named, builds.build(lake, build).versions)
        assert (found["patient_id"].to_pylist(), set(found["text"].to_pylist())) == (women, {"gold.x"})
    assert rows_of_build(spark, lake, f"DESCRIBE gold.{TABLE}", {TABLE: 0}).num_rows
    with pytest.raises(WrongUse, match=f"it has {TABLE}"):
        rows_of_build(spark, lake, "SELECT * FROM gold.endpoint", {TABLE: 0})


@pytest.mark.parametrize(
    "asking",
    [
        "SELECT * FROM silver.person",
        "SELECT * FROM `silver` . person",
        "SELECT * FROM`silver`.person",
        "SELECT * FROM delta.`/somewhere`",
        "SELECT * FROM binaryFile.`/somewhere`",
        "SELECT * FROM IDENTIFIER('silver.person')",
        "SELECT * FROM identifier /* of a table */ ('sil' || 'ver.person')",
        "SELECT * FROM table_changes('silver.person', 0)",
        "EXECUTE IMMEDIATE 'SELECT * FROM silver.person'",
        "DROP TABLE gold.x",
        # Where Spark ends a text or a comment elsewhere than it seems.
        r"SELECT '\'' , * FROM gold.x WHERE 'y' = ' -- '",
        "SELECT /*+ BROADCAST(x) */ * FROM gold.x",
    ],
)
def test_a_build_pins_gold_alone(lake: Lake, asking: str) -> None:
    with pytest.raises(WrongUse, match="leave --build out"):
        rows_of_build(None, lake, asking, {})  # type: ignore[arg-type]


@pytest.mark.parametrize("knows", [False, True])
@pytest.mark.parametrize(
    "table", [f"gold.{TABLE}", f"`gold`.`{TABLE}`", f"`GOLD` /* the zone */ . -- its table\n{TABLE}", f"/* it's */gold.{TABLE}"]
)
def test_every_way_to_name_a_table_is_pinned(spark, lake: Lake, monkeypatch: pytest.MonkeyPatch, table: str, knows: bool) -> None:
    rows(spark, lake, f"SELECT 1 FROM gold.{TABLE}")
    monkeypatch.setattr(query, "knows_gold", lambda _: knows)
    found = rows_of_build(spark, lake, f"SELECT patient_id, '^C50$' FROM {table} ORDER BY 1", builds.build(lake, FIRST).versions)
    assert found["patient_id"].to_pylist() == ["p1", "p2", "p3"]
    glued = rows_of_build(spark, lake, f"SELECT patient_id FROM`gold`.{TABLE} ORDER BY 1", builds.build(lake, FIRST).versions)
    assert glued["patient_id"].to_pylist() == ["p1", "p2", "p3"]


def test_a_table_named_through_a_catalogue_or_a_text_would_be_read_as_it_is_now(spark, lake: Lake) -> None:
    """Spark would answer with the newest build: that is why they are refused."""
    rows(spark, lake, f"SELECT 1 FROM gold.{TABLE}")
    for table, sentence in (f"spark_catalog.gold.{TABLE}", "gold below"), (f"IDENTIFIER('gold.{TABLE}')", "gold.… alone"):
        asking = f"SELECT patient_id FROM {table} ORDER BY 1"
        assert [each.patient_id for each in spark.sql(asking).collect()] == ["p1", "p2", "p4"]
        with pytest.raises(WrongUse, match=sentence):
            rows_of_build(spark, lake, asking, builds.build(lake, FIRST).versions)


def test_no_build_from_before_people_were_taken_out_is_shown(lake: Lake) -> None:
    purge(lake, FIRST + 10)
    with pytest.raises(WrongUse, match=f"the earliest is {SECOND}"):
        builds.build(lake, FIRST)
    assert builds.build(lake, SECOND).number == SECOND


def test_a_build_whose_other_tables_are_older_than_the_purge_is_not_shown(lake: Lake) -> None:
    publish(lake, SECOND + 2, "endpoint", p1="F")
    purge(lake, SECOND + 3)
    publish(lake, SECOND + 10, p1="F")
    publish(lake, SECOND + 11, "endpoint", p1="F")
    assert builds.open_builds(lake)["build"].to_list() == [SECOND + 11]
    with pytest.raises(WrongUse, match="made before"):
        builds.build(lake, SECOND + 10)


def test_a_build_is_closed_once_files_of_it_may_be_gone(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    publish(lake, FIRST, days_ago=90, p1="F")
    publish(lake, FIRST + 1, "endpoint", days_ago=60, p1="F")
    publish(lake, FIRST + 2, days_ago=31, p1="M")
    publish(lake, SECOND, days_ago=29, p1="F")
    # The second was closed by the third; the third was the newest of its table until 29 days ago.
    assert builds.open_builds(lake)["build"].to_list() == [FIRST + 2, SECOND]
    assert builds.build(lake, FIRST + 2).versions == {TABLE: 1, "endpoint": 0}
    with pytest.raises(
        WrongUse, match=f"^Expected a build whose tables were made again 30 days ago at most, found {FIRST}; the earl"
    ):
        builds.build(lake, FIRST)


def test_a_build_is_closed_once_it_is_cut_from_the_log(lake: Lake) -> None:
    publish(lake, SECOND + 1, p1="F")
    log = Path(lake.path("gold", TABLE), "_delta_log")
    DeltaTable(lake.path("gold", TABLE), version=1).create_checkpoint()
    (log / f"{0:020}.json").unlink()
    assert builds.open_builds(lake)["build"].to_list() == [SECOND, SECOND + 1]
    assert builds.build(lake, SECOND).versions == {TABLE: 1}
    with pytest.raises(WrongUse, match=f"found {FIRST}; the earliest is {SECOND}"):
        builds.build(lake, FIRST)


def test_files_that_went_meanwhile_are_told_in_a_sentence(lake: Lake) -> None:
    first = builds.build(lake, FIRST)
    for file in DeltaTable(lake.path("gold", TABLE), version=0).file_uris():
        Path(file.removeprefix("file://")).unlink()
    with pytest.raises(WrongUse, match=r"^Expected every file of that build, found some gone"):
        builds.changes(lake, first)


def test_an_unknown_build_gets_a_sentence(lake: Lake) -> None:
    with pytest.raises(WrongUse, match=f"the newest are {FIRST}, {SECOND}"):
        builds.build(lake, 7)


def test_a_citation_names_build_day_tables_and_versions(lake: Lake) -> None:
    cited = builds.citation(lake, builds.build(lake, SECOND))
    assert cited == (
        f"PSCC Lakehouse, gold build {SECOND}, published {datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}, as hospitals told by 2025-01-{SECOND % 7 + 1:02}. "
        "Tables: gold.patient_summary@1 (3 rows)."
    )
