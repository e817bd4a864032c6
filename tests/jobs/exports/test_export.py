"""An export from a query to a file: what is counted is read from the plan, and every export is in the record."""

import hashlib
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import date
from functools import cache, partial
from pathlib import Path

import polars as pl
import pytest

from jobs import query
from jobs.errors import GateFailed, WrongUse
from jobs.exports import Asked, export
from jobs.exports.earlier import Left
from jobs.exports.measures import with_people
from jobs.exports.provenance import Plan, unfounded
from jobs.exports.record import left_before
from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.settings import Settings

ASKED = Asked("", "Ada", "table 1 of a paper", 7)
BY_SEX = "SELECT sex, count(DISTINCT patient_id) AS n, avg(follow_up_days) AS days FROM gold.patient_summary GROUP BY sex"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    sexes = ["F"] * 60 + ["M"] * 45 + ["UN"] * 3
    ids = [f"{number:032x}" for number in range(len(sexes))]
    patients = {
        "patient_id": ids,
        "sex": sexes,
        "follow_up_days": list(range(len(sexes))),
        # One woman and half of the men have it.
        "age_at_first_dx": [40 if at == 0 or (at >= 60 and at % 2) else None for at in range(len(sexes))],
        "centers": [[str(each) for each in range(200 if at == 61 else 1)] for at in range(len(sexes))],
        "has_wes": [at % 2 == 0 for at in range(len(sexes))],
    }
    tumours = {
        "tumor_id": ids,
        "patient_id": ids,
        "stage_main": ["I" if at % 2 else "II" for at in range(len(ids))],
        "age_dx": 50,
    }
    tumours |= {"dx_date": [date(2020, 1, 1)] * len(ids)}
    members = {"cohort_definition_id": "mine", "subject_id": ids, "cohort_start_date": [date(2020, 1, 1)] * len(ids)}
    genes = {"gene": ["TP53", "KRAS", "TP53"], "center": "all", "tumor_group": ["all", "all", "breast"]}
    genes |= {"persons_tested": [60, 40, 30], "persons_altered": [24, 1, 12]}
    for name, columns in {
        "gene_frequency": genes,
        "patient_summary": patients,
        "tumor_summary": tumours,
        "cohort": members,
    }.items():
        lake.write("gold", name, pl.DataFrame(columns).to_arrow(compat_level=pl.CompatLevel.oldest()))
    lake.write("silver", "person", pl.DataFrame({"person_id": ids, "sex": sexes}).to_arrow(compat_level=pl.CompatLevel.oldest()))
    return lake


@pytest.fixture
def take(spark, lake, tmp_path):
    """Export a query; what is in the file."""

    def taken(asking: str, *counts: str, name: str = "out.csv", suppress: bool = False) -> str:
        to = tmp_path / name
        ask = partial(query.rows, spark, lake)
        export(lake, ask, replace(ASKED, query=asking), counts or ("n",), to, alone=nullcontext, suppress=suppress)
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


def test_a_small_cell_is_left_out_and_another_hidden_where_asked(take):
    told = take(BY_SEX.replace("GROUP BY sex", "GROUP BY ROLLUP (sex)") + " ORDER BY sex", suppress=True)
    assert told.splitlines()[1:] == [",110,", '"F",60,29.5', '"M",,']


def test_the_same_table_with_one_patient_less_is_refused(take, lake):
    both = BY_SEX.replace("GROUP", "WHERE sex != 'UN' GROUP")
    take(both)
    with pytest.raises(GateFailed, match="found 1 in n that differ by fewer: export both in one table"):
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
            "those of gold",
        ),
        (
            "SELECT count(DISTINCT CASE WHEN true THEN concat(patient_id, k.id) WHEN false THEN patient_id END) AS n "
            "FROM gold.patient_summary CROSS JOIN range(11) AS k",
            "Expected n to be count",
        ),
        ("SELECT sex, count(DISTINCT person_id) AS n FROM silver.person GROUP BY sex", "tables of gold alone"),
        (BY_SEX.replace("AS n", "AS people"), "found none: name the count with --count"),
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
        "WITH p AS (SELECT * FROM gold.patient_summary WHERE sex != 'UN') SELECT sex, count(DISTINCT patient_id) AS n FROM p GROUP BY sex HAVING n >= 11",
        "SELECT sex, count(DISTINCT patient_id) AS n, median(follow_up_days) AS days FROM gold.patient_summary GROUP BY sex HAVING n >= 11",
        "SELECT coalesce(sex, 'all') AS sex, n FROM (SELECT sex, count(DISTINCT patient_id) AS n FROM gold.patient_summary GROUP BY sex) WHERE n > 10",
        "SELECT follow_up_days < 50 AS early, count(DISTINCT patient_id) AS n, median(follow_up_days) AS days FROM gold.patient_summary GROUP BY 1",
        "SELECT cohort_definition_id AS cohort, count(DISTINCT subject_id) AS n FROM gold.cohort GROUP BY 1",
        "SELECT count(DISTINCT CASE WHEN sex = 'F' THEN patient_id END) AS n FROM gold.patient_summary",
        "SELECT count(DISTINCT patient_id) FILTER (WHERE sex = 'F') AS n FROM gold.patient_summary",
    ],
)
def test_counts_of_patients_leave_however_the_query_is_written(take, asking):
    assert take(asking).startswith('"')


def test_a_second_count_leaves_where_it_and_its_rest_are_many(take):
    several = "SELECT count(DISTINCT patient_id) AS n, count(DISTINCT patient_id) FILTER (WHERE sex = 'M') AS men FROM gold.patient_summary"
    assert take(several, "n", "men").splitlines() == ['"n","men"', "110,45"]


P = "gold.patient_summary"
COUNTED = "count(DISTINCT patient_id) AS n"
OF_ALL = "FROM gold.gene_frequency WHERE center = 'all' AND tumor_group = 'all'"
ATTACKS = {
    # Somebody else's value as the group of everybody.
    f"SELECT t.follow_up_days AS d, count(DISTINCT o.patient_id) AS n FROM {P} t CROSS JOIN {P} o WHERE t.sex = 'UN' GROUP BY 1": "found Join that mixes",
    f"SELECT t.follow_up_days AS d, count(DISTINCT o.patient_id) AS n FROM {P} t JOIN {P} o ON t.patient_id = o.patient_id OR t.sex = 'UN' GROUP BY 1": "found Join",
    f"SELECT t.follow_up_days AS d, count(DISTINCT o.patient_id) AS n FROM {P} o JOIN {P} u ON o.patient_id = u.patient_id JOIN {P} t ON o.patient_id = u.patient_id GROUP BY 1": "found Join",
    f"SELECT m, {COUNTED} FROM (SELECT *, max(follow_up_days) OVER () AS m FROM {P}) GROUP BY m": "found Window",
    f"SELECT m, {COUNTED} FROM (SELECT *, lead(follow_up_days) OVER (PARTITION BY sex ORDER BY patient_id) AS m FROM {P}) GROUP BY m": "found Window",
    f"SELECT (SELECT max(follow_up_days) FROM {P}) AS m, {COUNTED} FROM {P}": "a subquery|Aggregate",
    f"SELECT sex, {COUNTED} FROM {P} WHERE EXISTS (SELECT 1 FROM {P} WHERE sex = 'UN' AND follow_up_days > 106) GROUP BY sex": "a subquery",
    f"SELECT sex, {COUNTED} FROM {P} WHERE sex IN (SELECT sex FROM {P} WHERE follow_up_days > 106) GROUP BY sex": "a subquery",
    # People who are not there, or are chosen by their place.
    f"SELECT follow_up_days, {COUNTED} FROM (SELECT patient_id, follow_up_days FROM {P} UNION ALL SELECT CAST(id AS string), 7 FROM range(11)) GROUP BY 1": "found Union",
    f"SELECT follow_up_days, {COUNTED} FROM (SELECT follow_up_days, uuid() AS PATIENT_ID FROM {P}) GROUP BY 1": "those of gold",
    f"SELECT m, {COUNTED} FROM (SELECT max(follow_up_days) AS m, collect_set(patient_id) AS ids FROM {P}) LATERAL VIEW explode(ids) t AS patient_id GROUP BY m": "those of gold",
    f"SELECT {COUNTED}, avg(follow_up_days) AS d FROM (SELECT * FROM {P} ORDER BY follow_up_days DESC LIMIT 12)": "found GlobalLimit",
    f"SELECT s, {COUNTED} FROM {P} LATERAL VIEW explode(array(sex, 'all')) t AS s GROUP BY s": "found Generate",
    f"SELECT s, {COUNTED} FROM (SELECT patient_id, array(sex, 'all') AS l FROM {P}) LATERAL VIEW explode(l) t AS s GROUP BY s": "found Generate",
    f"WITH w AS (SELECT patient_id, array(sex, 'all') AS l FROM {P}) SELECT s, {COUNTED} FROM w LATERAL VIEW explode(l) t AS s GROUP BY s": "found Generate",
    # A condition that tells of what is not shown.
    f"SELECT sex, {COUNTED} FROM {P} GROUP BY sex HAVING max(follow_up_days) > 50": "Expected HAVING",
    f"SELECT sex, {COUNTED} FROM {P} GROUP BY sex HAVING n = 3": "Expected HAVING",
    f"SELECT sex, {COUNTED} FROM {P} GROUP BY ROLLUP (sex) HAVING n >= 11": "all rows of a table with totals",
    f"SELECT sex, {COUNTED} FROM {P} GROUP BY GROUPING/**/SETS ((sex), ()) ORDER BY n DESC LIMIT 3": "all rows of a table with totals",
    f"SELECT sex, {COUNTED} FROM {P} GROUP BY sex ORDER BY max(follow_up_days)": "Expected ORDER BY",
    # Numbers that are no counts of patients.
    f"SELECT sex, {COUNTED}, count(*) AS c FROM {P} GROUP BY sex": "Expected c to be grouped by.* count who has them",
    f"SELECT sex, {COUNTED}, size(collect_list(sex)) AS c FROM {P} GROUP BY sex": "Expected c to be grouped by",
    f"SELECT sex, {COUNTED}, concat('', avg(follow_up_days)) AS c FROM {P} GROUP BY sex": "Expected c to be grouped by",
    f"SELECT sex, {COUNTED}, CAST(count_if(follow_up_days > 106) AS double) AS x FROM {P} GROUP BY sex": "Expected x to be avg",
    f"SELECT sex, {COUNTED}, CAST(sum(follow_up_days) AS double) AS x FROM {P} GROUP BY sex": "Expected x to be avg",
    f"SELECT sex, {COUNTED}, 100.0 * count(DISTINCT patient_id) FILTER (WHERE follow_up_days > 106) / count(DISTINCT patient_id) AS x FROM {P} GROUP BY sex": "Expected x to be avg",
    f"SELECT sex, {COUNTED}, CAST(n AS double) AS x FROM {P} GROUP BY sex": "Expected x to be avg",
    f"SELECT sex, {COUNTED}, avg(follow_up_days) FILTER (WHERE sex = 'F') AS x FROM {P} GROUP BY sex": "Expected x to be avg",
    f"SELECT sex, {COUNTED}, avg(100 * CAST(has_wes AS int)) AS x FROM {P} GROUP BY sex": "a column as it stands",
    f"SELECT sex, {COUNTED}, avg(CAST(has_wes AS int)) AS x FROM {P} GROUP BY sex": "one of yes and no",
    f"SELECT sex, {COUNTED}, avg(CASE WHEN follow_up_days = 7 THEN follow_up_days ELSE 0 END) AS x FROM {P} GROUP BY sex": "a column as it stands",
    f"SELECT sex, {COUNTED}, avg(y) AS x FROM (SELECT *, if(follow_up_days = 7, follow_up_days, 0) AS y FROM {P}) GROUP BY sex": "a column as it stands",
    f"WITH p AS (SELECT patient_id, sex, coalesce(age_at_first_dx, 0) AS age_dx FROM {P}) SELECT sex, {COUNTED}, avg(age_dx) AS x FROM p GROUP BY sex": "a column as it stands",
    f"SELECT sex, {COUNTED}, avg(s) AS x FROM (SELECT p.patient_id, p.sex, sum(p.follow_up_days) AS s FROM {P} p JOIN {P} q "
    "ON p.patient_id = q.patient_id GROUP BY p.patient_id, p.sex) GROUP BY sex": "a column as it stands",
    f"SELECT p.sex, count(DISTINCT p.patient_id) AS n, avg(q.follow_up_days) AS x FROM {P} p LEFT JOIN {P} q "
    "ON p.patient_id = q.patient_id AND q.follow_up_days > 7 GROUP BY p.sex": "INNER and LEFT SEMI joins alone",
    f"SELECT {COUNTED}, floor(follow_up_days / 365.25) AS x FROM {P} GROUP BY 2": "Expected x, which groups, to be a whole number",
    # Beyond what Spark's plan tells.
    f"SELECT sex, {COUNTED}, {', '.join(f'upper(sex) AS c{at}' for at in range(24))}, CAST(max(follow_up_days) AS string) AS m FROM {P} GROUP BY sex": "at most 20 columns",
    # Numbers of whom nobody knows.
    f"SELECT gene, persons_tested AS n, CAST(persons_altered AS string) AS c {OF_ALL}": "Expected rows of gold.gene_frequency",
    f"SELECT gene, persons_tested AS n, persons_altered AS c {OF_ALL}": "Expected rows of gold.gene_frequency",
    f"SELECT gene, persons_altered AS n {OF_ALL}": "Expected rows of gold.gene_frequency",
    f"SELECT gene, persons_tested AS n, persons_frequency AS x {OF_ALL}": "Expected rows of gold.gene_frequency",
    f"SELECT gene, persons_tested AS n {OF_ALL} AND persons_altered = 1": "Expected rows of gold.gene_frequency",
    f"SELECT gene, persons_tested AS n {OF_ALL} ORDER BY persons_altered": "Expected rows of gold.gene_frequency",
    "SELECT gene, tumor_group, persons_tested AS n FROM gold.gene_frequency WHERE center = 'all'": "Expected rows of gold.gene_frequency",
    "SELECT gene, tumor_group, persons_tested AS n FROM gold.gene_frequency WHERE center = 'all' AND tumor_group IN ('all', 'breast')": "Expected rows of gold.gene_frequency",
    "SELECT gene, tumor_group, persons_tested AS n FROM gold.gene_frequency WHERE center = 'all' AND (tumor_group = 'all' OR true)": "Expected rows of gold.gene_frequency",
    "SELECT gene, sum(persons_tested) AS n FROM gold.gene_frequency GROUP BY gene": "Expected rows of gold.gene_frequency",
    f"SELECT sex, n, x FROM (SELECT sex, {COUNTED}, avg(follow_up_days) AS x FROM {P} GROUP BY sex)": "to be countable",
}


def test_queries_that_would_tell_of_one_patient_are_refused(spark, lake):
    query.rows(spark, lake, f"SELECT 1 FROM {P}, gold.gene_frequency LIMIT 1")
    found = {}
    for asking in ATTACKS:
        explained = spark.sql(f"EXPLAIN EXTENDED {with_people(asking)}").first()[0]
        measures = tuple(name for name in ("d", "x") if f"AS {name} " in asking and not asking.startswith("SELECT t."))
        found[asking] = " ".join(unfounded(Plan.of(explained), ("n",), measures))
    assert [asking for asking, sentence in ATTACKS.items() if not re.search(sentence, found[asking])] == []


HONEST = [
    "SELECT coalesce(t.stage_main, 'unknown') AS stage, count(DISTINCT t.patient_id) AS n, avg(t.age_dx) AS age "
    "FROM gold.tumor_summary AS t JOIN gold.cohort AS c ON c.subject_id = t.patient_id AND c.cohort_start_date = t.dx_date "
    "WHERE c.cohort_definition_id = 'mine' GROUP BY 1 ORDER BY 1",
    f"SELECT stage_main, {COUNTED}, round(avg(days), 1) AS days, percentile(days, 0.25) AS q1 FROM gold.tumor_summary "
    f"JOIN (SELECT patient_id, max(follow_up_days) AS days FROM {P} GROUP BY patient_id) USING (patient_id) GROUP BY stage_main",
    f"WITH p AS (SELECT patient_id, sex, follow_up_days AS days FROM {P} WHERE sex != 'UN'), "
    "f AS (SELECT *, row_number() OVER (PARTITION BY patient_id ORDER BY days) AS nth FROM p) "
    "SELECT CASE WHEN sex = 'F' THEN 'women' ELSE 'men' END AS who, count(DISTINCT patient_id) AS n, stddev(days) AS days "
    "FROM f WHERE nth = 1 AND patient_id IN (SELECT patient_id FROM gold.tumor_summary) GROUP BY 1 ORDER BY n DESC",
]


@pytest.mark.parametrize("asking", HONEST)
def test_means_of_patients_leave_however_these_are_chosen(take, asking):
    assert take(asking).count("\n") == 3


def test_a_mean_of_those_few_who_have_a_value_is_refused(take):
    with pytest.raises(GateFailed, match="found 1 in age that tell of fewer"):
        take(f"SELECT sex, {COUNTED}, avg(age_at_first_dx) AS age FROM {P} WHERE sex != 'UN' GROUP BY sex")


def test_a_mean_that_is_mostly_of_one_patient_is_refused(take):
    with pytest.raises(GateFailed, match="found 1 in days"):
        take(f"SELECT {COUNTED}, avg(follow_up_days) AS days FROM {P} LATERAL VIEW explode(centers) c AS center WHERE sex = 'M'")


def test_what_a_row_of_one_patient_is_about_stays_in(take):
    asking = f"SELECT CASE WHEN follow_up_days = 7 THEN concat('born ', follow_up_days) ELSE 'rest' END AS who, {COUNTED} FROM {P} GROUP BY 1"
    assert take(asking, suppress=True).splitlines()[1:] == ['"rest",105']


def test_two_columns_of_one_name_are_refused(take):
    with pytest.raises(WrongUse, match="found n twice"):
        take(BY_SEX.replace("AS days", "AS n"))


def test_a_share_is_that_of_the_rounded_counts(take):
    share = "count(DISTINCT patient_id) FILTER (WHERE sex = 'M')"
    text = take(f"SELECT {COUNTED}, {share} AS men, 100 * {share} / count(DISTINCT patient_id) AS percent FROM {P}", "n", "men")
    assert text.splitlines()[1] == "110,45,40.9"


def test_another_name_for_a_group_does_not_hide_one_patient_less(take):
    take(f"SELECT sex, {COUNTED} FROM {P} WHERE sex != 'UN' GROUP BY 1")
    for sex in ("sex AS s", "CASE WHEN sex = 'F' THEN 'women' ELSE 'men' END AS s"):
        with pytest.raises(GateFailed, match="found 1 in n"):
            take(f"SELECT {sex}, {COUNTED} FROM {P} WHERE sex != 'UN' AND follow_up_days > 0 GROUP BY 1", name="again.csv")


def test_gene_frequencies_leave_where_many_were_tested_and_altered(take):
    asking = f"SELECT gene, persons_tested AS n, persons_altered AS altered, persons_altered / persons_tested AS share {OF_ALL} ORDER BY gene"
    with pytest.raises(GateFailed, match="found 1 in altered that tell of fewer"):
        take(asking, "n", "altered")
    assert take(asking, "n", "altered", suppress=True).splitlines()[1:] == ['"KRAS",40,,', '"TP53",60,25,0.417']
    by_group = "FROM gold.gene_frequency WHERE center = 'all' AND tumor_group <> 'all' AND gene IN ('TP53', 'KRAS') AND persons_tested >= 11"
    told = take(
        f"SELECT gene, tumor_group, persons_tested AS n, persons_altered AS altered {by_group}", "n", "altered", name="more.csv"
    )
    assert told.splitlines()[1:] == ['"TP53","breast",30,15']


@pytest.mark.parametrize("text", ["'a) AS n#7L'", "'x\n== Optimized Logical Plan =='", "'a\\nb'", "`n#7`"])
def test_a_text_that_could_be_read_as_a_part_of_the_plan_is_refused(take, text):
    with pytest.raises(WrongUse, match="Expected texts of letters"):
        take(f"SELECT {COUNTED} FROM {P} WHERE sex != {text}")


@pytest.mark.parametrize(
    "earlier", ["VERSION AS OF 0", "FOR SYSTEM_TIME AS OF '2026-01-01'", "@v0", "WITH ('versionAsOf' = '0')"]
)
def test_a_table_as_it_was_before_people_were_taken_out_is_refused(take, earlier):
    with pytest.raises(WrongUse, match="Expected a query of the newest build"):
        take(f"SELECT {COUNTED} FROM {P} {earlier}")


def test_two_tables_that_are_asked_for_at_once_are_held_against_each_other(spark, lake, tmp_path, monkeypatch):
    """Each would leave alone, and both together tell of one person."""
    both = BY_SEX.replace("GROUP", "WHERE sex != 'UN' GROUP")
    ask = cache(partial(query.rows, spark, lake))
    settings = Settings(lake=lake.root)
    met = threading.Barrier(2)

    def take(number: int, asking: str) -> str:
        with closing(Ledger(settings)) as ledger:
            met.wait(60)
            try:
                export(
                    lake,
                    ask,
                    replace(ASKED, query=asking),
                    ("n",),
                    tmp_path / f"{number}.csv",
                    alone=lambda: ledger.hold("export"),
                )
            except GateFailed:
                return "refused"
        return "written"

    def slowly(lake: Lake) -> list[Left]:
        found = list(left_before(lake))
        time.sleep(1)
        return found

    monkeypatch.setattr("jobs.exports.left_before", slowly)
    queries = [both, both.replace("WHERE", "WHERE follow_up_days > 0 AND")]
    for each in queries:
        asking = with_people(each)
        ask(f"EXPLAIN EXTENDED {asking}"), ask(asking)
    Ledger(settings).close()
    with ThreadPoolExecutor() as threads:
        assert sorted(threads.map(take, range(2), queries)) == ["refused", "written"]


def test_a_pseudonym_in_a_query_is_not_kept(take, lake):
    with pytest.raises(GateFailed):
        take(f"SELECT count(DISTINCT patient_id) AS n FROM gold.patient_summary WHERE patient_id = '{'0' * 31}a'")
    assert "'…'" in record(lake)["query"][0]


def test_an_existing_file_and_an_empty_purpose_are_refused(spark, lake, tmp_path):
    (tmp_path / "there.csv").touch()
    for asked, to in ((ASKED, "there.csv"), (ASKED, "out.txt"), (replace(ASKED, purpose=" "), "out.csv")):
        with pytest.raises(WrongUse):
            export(lake, partial(query.rows, spark, lake), replace(asked, query=BY_SEX), ("n",), tmp_path / to, alone=nullcontext)
