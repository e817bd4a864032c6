"""An export from a query to a file: what is counted is read from the plan, and every export is in the record."""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from jobs import query
from jobs.errors import GateFailed, WrongUse
from jobs.exports import Asked, export
from jobs.lake import Lake

ASKED = Asked("", "Ada", "table 1 of a paper", 7)
BY_SEX = "SELECT sex, count(DISTINCT patient_id) AS n, avg(follow_up_days) AS days FROM gold.patient_summary GROUP BY sex"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    sexes = ["F"] * 60 + ["M"] * 45 + ["UN"] * 3
    ids = [f"{number:032x}" for number in range(len(sexes))]
    rows = pl.DataFrame({"patient_id": ids, "sex": sexes, "follow_up_days": list(range(len(sexes)))})
    lake.write("gold", "patient_summary", rows.to_arrow(compat_level=pl.CompatLevel.oldest()))
    lake.write("silver", "person", pl.DataFrame({"person_id": ids, "sex": sexes}).to_arrow(compat_level=pl.CompatLevel.oldest()))
    return lake


@pytest.fixture
def take(spark, lake, tmp_path):
    """Export a query; what is in the file."""

    def taken(asking: str, *counts: str, name: str = "out.csv", suppress: bool = False) -> str:
        to = tmp_path / name
        ask = partial(query.rows, spark, lake)
        export(lake, ask, replace(ASKED, query=asking), counts or ("n",), to, suppress=suppress)
        return to.read_text()

    return taken


def record(lake: Lake) -> pl.DataFrame:
    return lake.frame("ops", "export").sort("export")


def test_a_table_of_many_leaves_rounded_and_the_record_says_so(take, lake, tmp_path):
    text = take(BY_SEX.replace("GROUP", "WHERE sex != 'UN' GROUP") + " ORDER BY sex")
    assert text == '"sex","n","days"\n"F",60,29.5\n"M",45,82\n'
    [row] = record(lake).drop("export", "at").rows(named=True)
    assert (row["by"], row["purpose"], row["build"], row["outcome"]) == ("Ada", "table 1 of a paper", 7, "written")
    assert (row["tables"], row["rows"], row["hidden"], row["file"]) == (["gold.patient_summary"], 2, 0, "out.csv")
    assert row["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600


def test_a_small_cell_is_refused_and_the_refusal_is_in_the_record(take, lake, tmp_path):
    with pytest.raises(GateFailed, match="found 1 in n that tell of fewer"):
        take(BY_SEX)
    assert not (tmp_path / "out.csv").exists()
    assert record(lake).select("outcome", "rows").rows() == [("refused", 3)]


def test_a_small_cell_is_hidden_with_another_where_asked(take):
    told = take(BY_SEX.replace("GROUP BY sex", "GROUP BY ROLLUP (sex)") + " ORDER BY sex", suppress=True)
    assert told.splitlines()[1:] == [",110,", '"F",60,29.5', '"M",,', '"UN",,']


def test_the_same_table_with_one_patient_less_is_refused(take, lake):
    both = BY_SEX.replace("GROUP", "WHERE sex != 'UN' GROUP")
    take(both)
    with pytest.raises(GateFailed, match="found 1 in n"):
        take(both.replace("WHERE", "WHERE follow_up_days > 0 AND"), name="again.csv")
    assert record(lake)["outcome"].to_list() == ["written", "refused"]


@pytest.mark.parametrize(
    ("asking", "sentence"),
    [
        ("SELECT sex, count(*) AS n FROM gold.patient_summary GROUP BY sex", "Expected n to be count"),
        ("SELECT sex, 40 AS n FROM gold.patient_summary GROUP BY sex", "Expected n to be count"),
        ("SELECT sex, n FROM (SELECT sex, 40 AS n FROM gold.patient_summary)", "as the outermost query"),
        ("SELECT 'F' AS sex, 40 AS n", "as the outermost query"),
        (
            "SELECT sex, count(DISTINCT patient_id) AS n FROM (SELECT sex, uuid() AS patient_id FROM gold.patient_summary) GROUP BY sex",
            "that of gold",
        ),
        (
            "SELECT count(DISTINCT CASE WHEN true THEN concat(patient_id, k.id) WHEN false THEN patient_id END) AS n "
            "FROM gold.patient_summary CROSS JOIN range(11) AS k",
            "Expected n to be count",
        ),
        ("SELECT sex, count(DISTINCT person_id) AS n FROM silver.person GROUP BY sex", "tables of gold alone"),
        (BY_SEX.replace("avg(follow_up_days)", "CAST(max(follow_up_days) AS double)"), "the value of one person"),
        (BY_SEX.replace("avg(follow_up_days)", "percentile(follow_up_days, 1.0)"), "the value of one person"),
        (BY_SEX.replace("avg(follow_up_days)", "sum(follow_up_days)"), "Expected days to be grouped by"),
        (BY_SEX.replace("avg(follow_up_days)", "collect_list(follow_up_days)"), "Expected days to be grouped by"),
    ],
)
def test_what_is_not_counted_over_patients_of_gold_is_refused(take, asking, sentence):
    with pytest.raises(GateFailed, match=sentence):
        take(asking)


@pytest.mark.parametrize(
    "asking",
    [
        "WITH p AS (SELECT * FROM gold.patient_summary WHERE sex != 'UN') SELECT sex, count(DISTINCT patient_id) AS n FROM p GROUP BY sex HAVING n > 20",
        "SELECT coalesce(sex, 'all') AS sex, n FROM (SELECT sex, count(DISTINCT patient_id) AS n FROM gold.patient_summary GROUP BY sex) WHERE n > 20",
        "SELECT follow_up_days < 50 AS early, count(DISTINCT patient_id) AS n, median(follow_up_days) AS days FROM gold.patient_summary GROUP BY 1",
        "SELECT count(DISTINCT CASE WHEN sex = 'F' THEN patient_id END) AS n FROM gold.patient_summary",
        "SELECT count(DISTINCT patient_id) FILTER (WHERE sex = 'F') AS n FROM gold.patient_summary",
    ],
)
def test_counts_of_patients_leave_however_the_query_is_written(take, asking):
    assert take(asking).startswith('"')


def test_a_second_count_leaves_where_it_and_its_rest_are_many(take):
    several = "SELECT count(DISTINCT patient_id) AS n, count(DISTINCT patient_id) FILTER (WHERE sex = 'M') AS men FROM gold.patient_summary"
    assert take(several, "n", "men").splitlines() == ['"n","men"', "110,45"]


def test_a_pseudonym_in_a_query_is_not_kept(take, lake):
    with pytest.raises(GateFailed):
        take(f"SELECT count(DISTINCT patient_id) AS n FROM gold.patient_summary WHERE patient_id = '{'0' * 31}a'")
    assert "'…'" in record(lake)["query"][0]


def test_an_existing_file_and_an_empty_purpose_are_refused(spark, lake, tmp_path):
    (tmp_path / "there.csv").touch()
    for asked, to in ((ASKED, "there.csv"), (ASKED, "out.txt"), (replace(ASKED, purpose=" "), "out.csv")):
        with pytest.raises(WrongUse):
            export(lake, partial(query.rows, spark, lake), replace(asked, query=BY_SEX), ("n",), tmp_path / to)
