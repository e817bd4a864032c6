"""The analyst's notebook runs as it is written, on a lake of simulated hospitals, and its figures are those of the same analysis by hand."""

import json
import re
import sys
from pathlib import Path

import polars as pl
import pytest

from jobs import builds, notebook
from jobs.analyst import open_gold
from jobs.lake import Lake
from jobs.simulate import Dirt, simulate
from tests.flow.conftest import Lakehouse

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("lifelines")
pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def lake(spark: object, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("world")
    answer = simulate(1_000, 1, 7, folder / "hospitals", Dirt())
    house = Lakehouse(folder / "lake", spark)
    house.ingest(answer.landing, answer.keys)
    house.engine.build()
    return Lake(str(house.root))


def executed(lake: Lake, folder: Path) -> str:
    """What the notebook prints and shows, cell after cell."""
    from nbclient import NotebookClient

    place, _ = notebook.write(folder, lake.root, builds.newest(lake))
    made = nbformat.read(place, as_version=4)
    NotebookClient(made, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute(
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    )
    outputs = [output for cell in made.cells for output in cell.get("outputs", [])]
    return "\n".join(each.get("text") or json.dumps(each.get("data", {}).get("text/plain", "")) for each in outputs)


def test_the_notebook_runs_and_delayed_entry_lowers_the_curve(lake: Lake, tmp_path: Path) -> None:
    said = executed(lake, tmp_path / "work")
    assert said.count(f"PSCC Lakehouse, gold build {builds.newest(lake)}") == 2
    assert (tmp_path / "work" / "survival.png").stat().st_size > 10_000
    hasty = float(re.search(r"ever treated, hazard ratio: ([0-9.]+)", said)[1])  # type: ignore[index]
    fair = float(re.search(r"time-dependent \(95 % CI [0-9.]+ to [0-9.]+\)\s+([0-9.]+)", said)[1])  # type: ignore[index]
    assert hasty < fair, "immortal time makes treatment look better than it is"

    # Its engine is the one that all tests share, and stays open.
    attrition, members = open_gold(lake.root).find(tmp_path / "work" / "treated_cancer.toml")
    patients = lake.frame("gold", "tumor_summary", ["patient_id", "icd10", "inferred", "dx_date", "age_dx", "tumor_id"])
    timed = lake.frame("gold", "endpoint", ["tumor_id", "days"]).filter(pl.col("days") > 0)["tumor_id"]
    wanted = patients.filter(
        pl.col("icd10").str.contains("^C(50|34|18|19|20)"),
        ~pl.col("inferred"),
        pl.col("dx_date") >= pl.date(2015, 1, 1),
        pl.col("age_dx") >= 18,
        pl.col("tumor_id").is_in(timed.implode()),
    )
    assert sorted(members["subject_id"]) == sorted(wanted["patient_id"].unique())
    assert attrition["patients_left"].dropna().is_monotonic_decreasing
