"""Landing area and lake in an object store, ledger and vault in PostgreSQL: the same chain ends with the same answers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.intake import MANIFEST
from jobs.lake import Lake
from jobs.simulate import Answer, Faults, simulate
from quality import places
from quality.contracts import contracts
from tests import object_store as store
from tests import postgres
from tests.flow.answer_key import count_differences, waiting_differences

ROOT = Path(__file__).parents[2]
REFUSED = "CURIE-20250704-001"
# One engine for everything that a person would type one after the other.
CHAIN = """
import json, sys
from pathlib import Path
from jobs import ingest
from jobs.landing.signature import load_keys
from jobs.settings import Settings
from jobs.silver.engine import Engine

landing, keys = sys.argv[1], load_keys(Path(sys.argv[2]))
settings = Settings.from_environment()
engine = Engine(settings)
told = {report.delivery_id: report.outcome for report in ingest.ingest(settings, landing, keys, engine)}
again = list(ingest.ingest(settings, landing, keys, engine))
built = ingest.build(settings, engine)
people = engine.sql("select count(*) as people from gold.patient_summary").to_pylist()
print("TOLD" + json.dumps([told, len(again), built, people]))
engine.close()
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """One delivery of each hospital, and before Curie's the first attempt at it, damaged on its way."""
    return simulate(30, 1, 7, tmp_path_factory.mktemp("world") / "hospitals", faults=Faults(refused=True))


@pytest.mark.acceptance
@pytest.mark.jvm
def test_deliveries_in_a_store_end_in_a_lake_in_a_store_as_their_key_says(
    world: Answer, object_store: dict[str, str], postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.jars()
    (tmp_path / "platform.key").write_text("11" * 32)
    (tmp_path / "platform.key").chmod(0o600)
    lake = Lake(f"s3a://{store.BUCKET}/lake")
    settings = {
        "LAKE_ROOT": lake.root,
        "PSCC_DATABASE_URL": postgres.emptied(postgresql),
        "PSCC_PLATFORM_KEY_FILE": str(tmp_path / "platform.key"),
        "PSCC_STAGING": str(tmp_path / "staging"),
        "PSCC_ACCESS_LOG": str(tmp_path / "access"),
        "PYTHONPATH": str(ROOT),
    }
    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    places._object_store.cache_clear()
    places.upload(world.landing, f"s3a://{store.BUCKET}/landing")
    done = subprocess.run(
        [sys.executable, "-c", CHAIN, f"s3a://{store.BUCKET}/landing", str(world.keys)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("TOLD")), None)
    assert line, done.stderr[-3000:]
    told, again, built, people = json.loads(line.removeprefix("TOLD"))
    assert told == {name: "rejected" if name == REFUSED else "accepted" for name in world.deliveries}
    assert (again, set(built)) == (0, set(contracts("gold")))
    last = world.deliveries[-1]
    assert (count_differences(world.root, lake, last), waiting_differences(world.root, lake, last)) == ({}, {})
    assert people == [{"people": lake.frame("silver", "person").filter("is_current")["master_person_id"].n_unique()}]
    assert returned(lake, REFUSED)["reason_codes"] == ["FILE_HASH_MISMATCH"]
    # Nothing of the lake stays on the machine that worked it, nothing of the landing area was touched.
    assert [each.name for each in (tmp_path / "staging").rglob("*") if each.is_file()] == []
    assert sorted(landed()) == sorted(each.relative_to(world.landing).as_posix() for each in world.landing.rglob(MANIFEST))


def returned(lake: Lake, delivery_id: str) -> dict[str, object]:
    """The return report of a delivery of Curie."""
    system, place = places.filesystem(f"{lake.root}/returns/curie/{delivery_id}.json")
    with system.open_input_stream(place) as stream:
        return dict(json.loads(stream.read()))


def landed() -> list[str]:
    """The manifests of the landing area."""
    system, place = places.filesystem(f"s3a://{store.BUCKET}/landing")
    found = system.get_file_info(places.fs.FileSelector(place, recursive=True))
    return [each.path.removeprefix(f"{place}/") for each in found if each.base_name == MANIFEST]
