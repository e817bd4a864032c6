"""Saved cohorts: the same members in the same build, nobody who joins later, and nobody who opposes."""

from pathlib import Path

import polars as pl
import pytest

from jobs import build, builds, cohorts
from jobs.cohorts import Definition
from jobs.cohorts.attrition import shown
from jobs.errors import WrongUse
from jobs.landing.pseudonyms import Pseudonyms
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.silver import tables
from jobs.silver.engine import Engine
from quality.contracts import contracts
from tests.jobs.test_build import KEY, fill

WOMEN = """
title = "Women"
purpose = "A test"
from = "gold.patient_summary"
start = "first_dx_date"

[[criterion]]
say = "Diagnosed from 2000"
where = "first_dx_date >= DATE '2000-01-01'"

[[criterion]]
say = "Women"
where = "sex = 'F'"
"""
MEN = """-- Men
-- A test
WITH men AS (SELECT * FROM gold.patient_summary WHERE sex = 'M')
SELECT patient_id, first_dx_date AS cohort_start_date, DATE '2030-01-01' AS cohort_end_date FROM men;
"""
ID = "0123456789abcdef" * 2


def patients(engine: Engine, women: int, men: int, without: int = 0) -> None:
    """So many women and men with a cancer each, the first of them left out."""
    sexes = ["F"] * women + ["M"] * men
    numbered = list(enumerate(sexes))[without:]
    people = [{"person_id": f"p{number}", "master_person_id": f"p{number}", "sex": sex} for number, sex in numbered]
    fill(engine.lake, "person", *(each | {"birth_date": None, "vital_status": "alive"} for each in people))
    fill(engine.lake, "primary_cancer", *({"tumor_id": f"t{number}", "person_id": f"p{number}"} for number, _ in numbered))


@pytest.fixture
def house(tmp_path: Path, spark: object, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine over gold of thirty women and twenty men."""
    (tmp_path / "key").write_text(KEY.hex())
    engine = Engine(Settings(lake=str(tmp_path / "lake"), platform_key_file=tmp_path / "key"))
    engine._spark = spark  # type: ignore[assignment]
    for table in contracts("silver").values():
        tables.ensure_table(engine.lake, table)
    patients(engine, 30, 20)
    ledger = Ledger(engine.settings)
    ledger.hold_to_key(Pseudonyms(KEY).fingerprint(), first=True)
    ledger.close()
    few = {name: contracts("gold")[name] for name in ("patient_summary", "cohort")}
    monkeypatch.setattr(build, "contracts", lambda layer: few if layer == "gold" else contracts(layer))
    engine.build()
    return engine


def written(folder: Path, name: str, text: str) -> Definition:
    (folder / name).write_text(text)
    return Definition.read(folder / name)


def members(engine: Engine, name: str) -> list[str]:
    rows = engine.lake.frame("gold", "cohort", ["cohort_definition_id", "subject_id"])
    return sorted(rows.filter(pl.col("cohort_definition_id") == name)["subject_id"])


def test_a_cohort_is_the_same_on_its_build_and_only_shrinks_afterwards(house: Engine, tmp_path: Path) -> None:
    women, men = written(tmp_path, "women.toml", WOMEN), written(tmp_path, "men.sql", MEN)
    first = builds.newest(house.lake)
    made = cohorts.make(house.settings, house, women, None, "Ada")
    assert [left for _, left in made.attrition] == [50, 50, 30, 30]
    assert [each[0] for each in made.attrition][1:3] == ["Diagnosed from 2000", "Women"]
    assert cohorts.make(house.settings, house, men, first, "Ada").attrition[-1] == ("The day on which they enter is known", 20)
    # To save a cohort is a build too, but not one that others are found in.
    assert builds.newest(house.lake) > first == cohorts.make(house.settings, house, women, None, "Ada").build
    assert (len(members(house, "women")), len(members(house, "men"))) == (30, 20)
    ends = house.lake.frame("gold", "cohort", ["cohort_definition_id", "cohort_end_date", "build"])
    assert ends.filter(pl.col("cohort_definition_id") == "men")["cohort_end_date"].cast(pl.String).unique().to_list() == [
        "2030-01-01"
    ]
    assert ends["build"].unique().to_list() == [first]

    # A woman opposes, another one comes.
    before = members(house, "women")
    patients(house, 31, 20, without=1)
    house.build()
    now = members(house, "women")
    assert (len(set(before) - set(now)), len(set(now) - set(before)), len(members(house, "men"))) == (1, 0, 20)

    assert cohorts.make(house.settings, house, women, first, "Ada").attrition == made.attrition
    assert members(house, "women") == now
    assert list(cohorts.saved(house.lake)) == ["men", "women"]

    cohorts.drop(house.settings, house, "women", "Ada")
    assert (members(house, "women"), len(members(house, "men")), list(cohorts.saved(house.lake))) == ([], 20, ["men"])


def test_a_name_that_is_taken_a_cohort_of_nobody_and_a_dry_run_save_nothing(house: Engine, tmp_path: Path) -> None:
    women = written(tmp_path, "women.toml", WOMEN)
    told = cohorts.make(house.settings, house, women, None, "Ada", keep=False)
    assert (told.attrition[-1][1], members(house, "women"), cohorts.saved(house.lake)) == (30, [], {})
    nobody = written(tmp_path, "nobody.toml", WOMEN.replace("'F'", "'no such sex'"))
    with pytest.raises(WrongUse, match="Nobody is left after: Women"):
        cohorts.make(house.settings, house, nobody, None, "Ada")
    cohorts.make(house.settings, house, women, None, "Ada")
    with pytest.raises(WrongUse, match="Expected a new name"):
        cohorts.make(house.settings, house, written(tmp_path, "women.toml", WOMEN.replace("2000", "2001")), None, "Bo")
    with pytest.raises(WrongUse, match="see `pscc cohort list`"):
        cohorts.drop(house.settings, house, "children", "Ada")


def test_a_criterion_looks_at_other_tables_by_patient_or_tumour(spark, tmp_path: Path) -> None:
    of_both = WOMEN + (
        '[[criterion]]\nsay = "Treated"\nin = "gold.line_of_therapy"\nwhere = "start_date >= candidate.first_dx_date"\n'
        '[[criterion]]\nsay = "Not sampled"\nnot_in = "gold.sample_catalog"\nwhere = "true"\n'
    )
    treated, sampled = written(tmp_path, "both.toml", of_both).criteria[2:4]
    tables_ = """WITH candidate AS (SELECT * FROM VALUES ('a', DATE '2020-01-01'), ('b', DATE '2020-01-01'), ('c', DATE '2020-01-01')
        AS t(patient_id, first_dx_date)), line AS (SELECT * FROM VALUES ('a', DATE '2020-02-01'), ('b', DATE '2019-02-01'),
        ('c', DATE '2020-02-01') AS t(patient_id, start_date)), sample AS (SELECT 'c' AS patient_id) SELECT patient_id FROM candidate WHERE """
    asking = f"{tables_}({treated.condition}) AND ({sampled.condition})"
    found = spark.sql(asking.replace("gold.line_of_therapy", "line").replace("gold.sample_catalog", "sample")).collect()
    assert [each.patient_id for each in found] == ["a"]


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([1000, 500, 203], [1000, 500, 205]),
        ([1000, 500, 498], [1000, None, 500]),
        ([500, 500, 40], [500, 500, 40]),
        ([300, 45, 10], [300, 45, None]),
        ([205, 203, 203, 12], [None, 205, 205, 15]),
        ([9, 3], [None, None]),
    ],
)
def test_no_count_of_a_step_tells_of_few_nor_do_two_by_their_difference(counts: list[int], told: list[int | None]) -> None:
    assert shown(counts) == told


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("Women.toml", WOMEN, "rename it"),
        ("women.yaml", WOMEN, "rename it"),
        ("women.toml", "title = ", "that can be read"),
        ("women.toml", WOMEN.replace("purpose", "porpoise"), "correct the spelling"),
        ("women.toml", WOMEN.replace('"A test"', '" "'), "say what it is"),
        ("women.toml", WOMEN.replace("gold.patient_summary", "silver.person"), "found 'silver.person'"),
        ("women.toml", WOMEN.replace("start =", "end ="), "found one missing"),
        ("women.toml", WOMEN.replace("sex = 'F'", "rand() < 0.5"), "found rand"),
        ("women.toml", WOMEN.replace("sex = 'F'", "`rand`() < 0.5"), "found rand"),
        ("women.toml", WOMEN.replace("sex = 'F'", "system.builtin.`RAND`() < 0.5"), "found RAND"),
        ("women.toml", WOMEN.replace("sex = 'F'", "IDENTIFIER('rand')() < 0.5"), "found IDENTIFIER"),
        ("women.toml", WOMEN.replace("where", "were"), "in each criterion"),
        ("women.toml", WOMEN + 'not_in = "gold.endpoint"\nby = "center"', "found 'center'"),
        ("women.sql", "SELECT patient_id FROM gold.patient_summary", "say what it is"),
        ("women.sql", MEN.replace(";", " LIMIT 5"), "found LIMIT"),
        ("women.sql", MEN.replace(";", f" -- not {ID}"), "that names nobody, found what looks like an id in women.sql: choose"),
        ("women.toml", WOMEN.replace("sex = 'F'", f"patient_id = '{ID}'"), "that names nobody"),
        ("women.toml", WOMEN.replace("sex = 'F'", f"patient_id LIKE '{ID[:16]}%'"), "that names nobody"),
    ],
)
def test_a_definition_that_cannot_be_followed_that_chance_decides_or_that_names_somebody_is_refused(
    tmp_path: Path, name: str, text: str, sentence: str
) -> None:
    with pytest.raises(WrongUse, match=sentence):
        written(tmp_path, name, text)
