"""Simulated hospitals end with exactly what their answer key says, which is made without a line of landing or silver."""

import os
import shutil
from pathlib import Path

import pytest

from jobs.ingest import rebuild_silver
from jobs.lake import Lake
from jobs.lineage.trace import trace
from jobs.simulate import Answer, Dirt, simulate
from tests.flow.answer_key import (
    compared,
    count_differences,
    gene_differences,
    linked,
    opposed_rows,
    person_id,
    rows,
    state,
    waiting_differences,
)
from tests.flow.conftest import KEY, Lakehouse
from tests.jobs.lineage.schemas import events, faults

SEED = 7
# What is rare among many is put into the small world by force.
WORLDS = [
    pytest.param((400, 2, Dirt.every(0.02)), id="400-dirty"),
    pytest.param((20_000, 6, Dirt()), id="20000", marks=pytest.mark.acceptance),
]


@pytest.fixture(scope="module", params=WORLDS)
def taken(request: pytest.FixtureRequest, spark: object, tmp_path_factory: pytest.TempPathFactory) -> tuple[Answer, Lakehouse]:
    """A world with its answer key, and a lakehouse that took all of its deliveries at once."""
    patients, deliveries, dirt = request.param
    folder = tmp_path_factory.mktemp(f"world-{patients}")
    answer = simulate(patients, deliveries, SEED, folder / "hospitals", dirt)
    house = Lakehouse(folder / "lake", spark)
    reports = house.ingest(answer.landing, answer.keys)
    assert {report.delivery_id for report in reports if report.outcome == "accepted"} == set(answer.deliveries)
    house.engine.build()
    return answer, house


@pytest.fixture(scope="module")
def loaded(taken: tuple[Answer, Lakehouse]) -> tuple[Answer, Lake]:
    """The world, and its lake."""
    answer, house = taken
    return answer, Lake(str(house.root))


def test_every_count_and_waiting_row_is_that_of_the_key(loaded: tuple[Answer, Lake]) -> None:
    answer, lake = loaded
    last = answer.deliveries[-1]
    assert (count_differences(answer.root, lake, last), waiting_differences(answer.root, lake, last)) == ({}, {})


def test_every_gene_is_counted_as_in_the_key(loaded: tuple[Answer, Lake]) -> None:
    answer, lake = loaded
    assert gene_differences(answer.root, lake) == {}


def test_people_are_linked_as_in_the_key_and_opposed_ones_are_nowhere(loaded: tuple[Answer, Lake]) -> None:
    answer, lake = loaded
    wanted = {
        frozenset((person_id(KEY, r["center_a"], r["patient_a"]), person_id(KEY, r["center_b"], r["patient_b"])))
        for r in rows(answer.root, "linked_pairs.csv")
        if r["linked"] == "1" and r["both_visible"] == "1"
    }
    groups = {person: group for group in linked(lake) for person in group}
    assert [pair for pair in wanted if not all(pair <= groups.get(person, frozenset()) for person in pair)] == []
    assert opposed_rows(answer.root, lake, KEY) == {}


def made_by_a_pass(house: Lakehouse) -> dict[str, str]:
    """A hash of every table of silver but the worklist of words without a code, which a build makes."""
    return {name: found for name, found in state(Lake(str(house.root)), "silver").items() if name != "silver.vocab_unmapped"}


def test_silver_made_again_from_bronze_has_the_same_content(taken: tuple[Answer, Lakehouse], tmp_path: Path) -> None:
    _, house = taken
    content = made_by_a_pass(house)
    again = house.copy(tmp_path / "again")
    shutil.rmtree(again.root / "silver")
    rebuild_silver(again.settings, again.engine)
    assert made_by_a_pass(again) == content


@pytest.mark.samples
def test_every_tumour_person_value_and_row_set_aside_is_that_of_the_key(loaded: tuple[Answer, Lake]) -> None:
    answer, lake = loaded
    tools = Path(os.environ.get("PSCC_SAMPLES", "../shared/deliveries")).resolve().parent / "tools"
    if not tools.is_dir():
        pytest.skip(f"the programs that compare a lake with an answer key are not at {tools}, beside the sample deliveries")
    for tool, *arguments in (["compare_values.py", f"{lake.root}/silver"], ["compare_rows.py", lake.root, "--platform-key", KEY]):
        code, words = compared(answer.root, tool, *arguments, tools=tools)
        assert code == 0, words


def test_a_product_of_gold_goes_back_to_files_that_hospitals_sent(taken: tuple[Answer, Lakehouse]) -> None:
    answer, house = taken
    found = trace(house.settings, "gold.patient_summary")
    assert {each.delivery_id for each in found.deliveries} == set(answer.deliveries)
    assert {each.state for each in found.deliveries} == {"loaded"}
    folders = {str(each.parent) for each in answer.landing.rglob("manifest.json")}
    assert all(any(file.startswith(folder) for folder in folders) for each in found.deliveries for file in each.files)
    tables = {each.table: each for each in found.links}
    assert {"gold.patient_summary", "silver.person", "bronze.gr_patient", "bronze.curie_patient"} <= set(tables)
    # What a product is told to be made from are the versions that it says itself.
    said = Lake(str(house.root)).frame("gold", "patient_summary", ["inputs"])["inputs"][0].to_list()
    read = {f"{name}@{version}" for name, version in tables["gold.patient_summary"].made_from.items()}
    assert read == {each for each in said if not each.startswith(("tables@", "recipe@"))}


def test_of_every_table_of_silver_and_gold_with_rows_the_events_tell(taken: tuple[Answer, Lakehouse]) -> None:
    lake = Lake(str(taken[1].root))
    told = {(output["namespace"], output["name"]) for event in events(Path(lake.events)) for output in event["outputs"]}
    filled = [(zone, name) for zone in ("silver", "gold") for name in lake.tables(zone) if lake.read(zone, name).num_rows]
    assert [f"{zone}.{name}" for zone, name in filled if ("file", lake.path(zone, name)) not in told] == ["silver.vocab_unmapped"]


def test_no_id_of_anybody_stands_in_an_event(taken: tuple[Answer, Lakehouse]) -> None:
    lake = Lake(str(taken[1].root))
    text = "".join(file.read_text() for file in Path(lake.events).glob("*.jsonl"))
    people = lake.frame("silver", "person", ["person_id"])["person_id"].to_list()
    patients = lake.frame("gold", "patient_summary", ["patient_id"])["patient_id"].to_list()
    assert people
    assert [each for each in {*people, *patients} if each in text] == []
    assert [fault for event in events(Path(lake.events)) for fault in faults(event)] == []
