"""A table made anonymous group by group in Spark: the same bounds, no row lost, and the same table where there is one group."""

import datetime as dt
import os
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pyspark.sql import SparkSession

from jobs.errors import WrongUse
from jobs.privacy.anonymise import Bounds
from jobs.privacy.groups import anonymise_with_spark, boxes
from jobs.privacy.spec import Spec
from jobs.privacy.table import anonymised, proven, written_in
from tests.jobs.privacy.test_anonymise import command_of

QUASI = ["age", "sex", "town", "diagnosed"]
SPEC = """\
k = 5
l = 2
sensitive = ["stage"]
keep = ["samples"]
drop = ["patient_id"]
[quasi_identifiers.age]
[quasi_identifiers.sex]
[quasi_identifiers.town]
[quasi_identifiers.diagnosed]
periods = ["year"]
"""


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    dice = np.random.default_rng(3)
    age = pl.Series(dice.normal(60, 12, 1500).astype(int).tolist())
    return pl.DataFrame(
        {
            "patient_id": [f"p{number}" for number in range(1500)],
            "age": pl.select(pl.when(age % 13 != 0).then(age)).to_series(),
            "sex": dice.choice(["F", "M"], 1500),
            "town": dice.choice(list("ABCDEF"), 1500, p=[0.5, 0.3, 0.1, 0.06, 0.03, 0.01]),
            "diagnosed": [dt.date(2015, 1, 1) + dt.timedelta(days=int(each)) for each in dice.integers(0, 2000, 1500)],
            "stage": dice.choice(["I", "II", "III", None], 1500),
            "samples": dice.integers(0, 3, 1500),
        }
    )


@pytest.fixture
def folder(people: pl.DataFrame, tmp_path: Path) -> Path:
    people.write_parquet(tmp_path / "in.parquet")
    (tmp_path / "spec.toml").write_text(SPEC)
    return tmp_path


def test_a_table_of_one_group_is_the_same_as_without_spark(spark: SparkSession, people: pl.DataFrame, folder: Path) -> None:
    cost, proof = anonymise_with_spark(spark, folder / "in.parquet", folder / "out", folder / "spec.toml")
    made = anonymised(people, Spec.read(folder / "spec.toml"))
    rows = written_in(folder / "out").collect()
    assert rows.sort(rows.columns).equals(made.rows)
    assert (cost.loss, cost.suppressed, proof.rows) == (pytest.approx(made.loss), 0, 1500)


def test_every_group_keeps_the_bounds_and_no_row_is_lost(spark: SparkSession, people: pl.DataFrame, folder: Path) -> None:
    said = Spec.read(folder / "spec.toml")
    groups = boxes(spark.read.parquet(str(folder / "in.parquet")), said.hierarchies(people), said, 300)
    assert len(groups) > 4
    cost, proof = anonymise_with_spark(spark, folder / "in.parquet", folder / "out", folder / "spec.toml", most=300)
    assert (proof.rows, cost.suppressed, proof.smallest >= 5, proof.varieties["stage"] >= 2) == (1500, 0, True, True)
    assert proof == proven(folder / "out", said)
    kept = ["stage", "samples"]
    rows = written_in(folder / "out").select(kept).collect()
    assert rows.sort(kept).equals(people.select(kept).sort(kept))
    # Cut into groups first it may lose a little more, never a lot.
    assert cost.loss < anonymised(people, said).loss * 1.25
    assert sorted(each.name for each in folder.iterdir()) == ["in.parquet", "out", "spec.toml"]


def test_no_place_of_a_row_tells_its_group(spark: SparkSession, folder: Path) -> None:
    anonymise_with_spark(spark, folder / "in.parquet", folder / "out", folder / "spec.toml", most=300)
    for part in (folder / "out").iterdir():
        rows = pl.read_parquet(part)
        assert rows.equals(rows.sort(rows.columns))
    # Who is told alike lies in one file.
    words = [pl.read_parquet(part).select(QUASI).unique() for part in (folder / "out").iterdir()]
    assert pl.concat(words).is_duplicated().sum() == 0


def test_groups_that_would_not_keep_l_stay_together(spark: SparkSession, tmp_path: Path) -> None:
    frame = pl.DataFrame({"town": ["A"] * 40 + ["B"] * 40, "stage": ["I"] * 40 + ["I", "II"] * 20})
    frame.write_parquet(tmp_path / "in.parquet")
    said = Spec(Bounds(5, 2), sensitive=("stage",), quasi_identifiers={"town": {}})
    table = spark.read.parquet(str(tmp_path / "in.parquet"))
    assert [
        len(boxes(table, said.hierarchies(frame), each, 50)) for each in (said, Spec(Bounds(5), quasi_identifiers={"town": {}}))
    ] == [1, 2]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ('mode = "global"\n', "Expected mode local for Spark"),
        ("k = 2000\n", "Expected at least 2000 rows .* found 1500 rows"),
    ],
)
def test_what_cannot_be_done_gets_a_sentence(spark: SparkSession, folder: Path, said: str, fault: str) -> None:
    (folder / "spec.toml").write_text(said + "\n".join(line for line in SPEC.splitlines() if not line.startswith("k = ")))
    with pytest.raises(WrongUse, match=fault):
        anonymise_with_spark(spark, folder / "in.parquet", folder / "out", folder / "spec.toml")
    assert not (folder / "out").exists()


@pytest.mark.jvm
def test_the_command_writes_a_folder_with_spark(folder: Path) -> None:
    command = command_of("out", "--spark")
    own = os.environ | {"LAKE_ROOT": str(folder / "lake")}
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "rows suppressed" in done.stdout
    assert proven(folder / "out", Spec.read(folder / "spec.toml")).rows == 1500
