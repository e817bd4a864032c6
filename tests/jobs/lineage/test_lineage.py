"""Lineage: what is written of a table is valid, private and joins up; and whatever happens to it, the work goes on."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest

from jobs import lineage
from jobs.errors import WrongUse
from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.lineage import Source, Work, sending
from jobs.lineage.names import name_of
from jobs.lineage.trace import trace
from jobs.settings import Settings
from tests.jobs.landed import REFUSED, Landed, landed
from tests.jobs.lineage.schemas import events, faults

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test begins as a process does, with no server named."""
    # The client leaves what it was told in OPENLINEAGE__TRANSPORT__….
    for name in [each for each in os.environ if each.startswith("OPENLINEAGE_")]:
        monkeypatch.delenv(name)
    yield
    forget()


def forget() -> None:
    lineage._said.clear()
    sending._away.clear()
    sending._client.cache_clear()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return landed(tmp_path_factory.mktemp("lineage"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def write(lake: Lake, address: str, *sources: str, job: str = "silver.gr", **tags: list[str]) -> None:
    """A new version of a table, told to be made from tables (`silver.person`) as they are now, and files (`/landing/x.csv`)."""
    zone, name = address.split(".")
    lake.write(zone, name, pa.table({"sex": ["f"]}))
    files = [Source(each, "ab" * 32) for each in sources if "/" in each]
    tables = lineage.tables(lake, {each: lake.version(*each.split(".")) for each in sources if "/" not in each})
    lineage.wrote(lake, address, lake.table(zone, name), Work(job, SINCE, tags), [*tables, *files], 1)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("/lake/gold/endpoint", ("file", "/lake/gold/endpoint")),
        ("s3a://clinical/lake/gold/endpoint", ("s3://clinical", "lake/gold/endpoint")),
        ("s3://landing/gr/2025/patients.csv", ("s3://landing", "gr/2025/patients.csv")),
    ],
)
def test_a_name_says_where_a_thing_lies_as_openlineage_spells_it(place: str, name: tuple[str, str]) -> None:
    assert name_of(place) == name


def test_every_file_of_an_accepted_delivery_becomes_the_bronze_table_of_its_feed(world: Landed) -> None:
    delivery = world.of("gr")
    found = [each for each in events(world.settings.events) if tagged(each, "delivery") == [delivery]]
    folder = next(world.world.landing.glob(f"*/*/*/{delivery}"))
    read = {each["name"] for event in found for each in event["inputs"]}
    sent = {str(path) for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"}
    assert read
    # GR's archives hold several files: a member is named as if it lay beside its archive.
    assert sent & read
    assert {str(Path(name).parent) for name in read} <= {str(Path(name).parent) for name in sent}
    lake = Lake.of(world.settings)
    told = {output["name"] for event in found for output in event["outputs"]}
    assert told == {
        lake.path(zone, name)
        for zone in ("bronze", "quarantine")
        for name in lake.tables(zone)
        if name.startswith("gr_") and lake.has_committed(zone, name, (f"pscc/landing/{delivery}", 1))
    }


def test_of_a_refused_delivery_nothing_is_told(world: Landed) -> None:
    assert REFUSED not in "".join(file.read_text() for file in world.settings.events.glob("*.jsonl"))


def test_events_are_what_openlineage_says_events_are(world: Landed) -> None:
    found = events(world.settings.events)
    assert found
    assert [fault for each in found for fault in faults(each)] == []


def test_a_run_begins_and_completes_once(world: Landed) -> None:
    runs: dict[str, list[str]] = {}
    for each in events(world.settings.events):
        runs.setdefault(each["run"]["runId"], []).append(each["eventType"])
    assert set(map(tuple, runs.values())) == {("START", "COMPLETE")}


def test_the_schema_would_find_fault_with_a_run_without_an_id(lake: Lake) -> None:
    write(lake, "silver.person")
    event = events(Path(lake.events))[1]
    assert faults(event) == []
    event["run"]["runId"] = "none"
    del event["outputs"][0]["facets"]["version"]["datasetVersion"]
    assert len(faults(event)) == 2


def test_only_its_owner_reads_the_file_of_the_month(lake: Lake) -> None:
    write(lake, "silver.person")
    (file,) = Path(lake.events).iterdir()
    assert file.name == f"{datetime.now(UTC):%Y-%m}.jsonl"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_an_event_has_the_version_the_columns_and_how_many_rows_but_no_row(lake: Lake) -> None:
    write(lake, "silver.person")
    write(lake, "silver.person")
    output = events(Path(lake.events))[-1]["outputs"][0]
    assert output["facets"]["version"]["datasetVersion"] == "1"
    assert [each["name"] for each in output["facets"]["schema"]["fields"]] == ["sex"]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert '"f"' not in json.dumps(output)


def test_in_a_task_the_run_has_the_task_for_its_parent_and_the_dag_for_its_root(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"DAG_ID": "gold_build", "DAG_RUN_ID": "r1", "TASK_ID": "endpoint", "TRY_NUMBER": "2"}.items():
        monkeypatch.setenv(f"AIRFLOW_CTX_{name}", value)
    write(lake, "silver.person")
    write(lake, "silver.staging")
    parents = [each["run"]["facets"]["parent"] for each in events(Path(lake.events))]
    assert {(each["job"]["name"], each["root"]["job"]["name"]) for each in parents} == {("gold_build.endpoint", "gold_build")}
    assert len({each["run"]["runId"] for each in parents}) == 1
    assert [fault for each in events(Path(lake.events)) for fault in faults(each)] == []


# Where events go


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """A store of events at OPENLINEAGE_URL: the path and the body of each."""
    taken: list[tuple[str, dict[str, Any]]] = []

    class Store(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, json.loads(body)))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The test says what came."""

    listening = HTTPServer(("127.0.0.1", 0), Store)
    Thread(target=listening.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{listening.server_port}")
    yield taken
    listening.shutdown()
    listening.server_close()


def test_with_an_address_events_go_there_and_into_the_file(lake: Lake, server: list[tuple[str, dict[str, Any]]]) -> None:
    write(lake, "silver.person")
    assert [path for path, _ in server] == ["/api/v1/lineage"] * 2
    # The client adds its own version to the tags of what it sends.
    shown = ("eventType", "eventTime", "job", "inputs", "outputs")
    assert [{name: body[name] for name in shown} for _, body in server] == [
        {name: each[name] for name in shown} for each in events(Path(lake.events))
    ]


def test_empty_settings_of_the_client_count_as_unset(
    lake: Lake, server: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "OPENLINEAGE_ENDPOINT",
        "OPENLINEAGE_API_KEY",
        "OPENLINEAGE_CONFIG",
        "OPENLINEAGE_NAMESPACE",
        "OPENLINEAGE_DISABLED",
    ):
        monkeypatch.setenv(name, "")
    write(lake, "silver.person")
    assert [path for path, _ in server] == ["/api/v1/lineage"] * 2
    assert {body["job"]["namespace"] for _, body in server} == {"pscc"}


def test_the_clients_own_settings_are_followed(
    lake: Lake, server: list[tuple[str, dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "openlineage.yml"
    told.write_text(f"transport: {{type: file, append: true, log_file_path: {tmp_path}/theirs.json}}")
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(told))
    write(lake, "silver.person")
    assert server == []
    assert len((tmp_path / "theirs.json").read_text().splitlines()) == 2


def test_a_server_that_is_away_is_asked_once_and_named_once_without_its_address(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://user:secret@127.0.0.1:1")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            write(lake, "silver.person")
    ours = [each.getMessage() for each in caplog.records if each.name == "jobs.lineage"]
    assert [each.partition(",")[0] for each in ours] == ["Expected to tell the lineage to OPENLINEAGE_URL"]
    assert "secret" not in caplog.text
    assert len(events(Path(lake.events))) == 6


def test_a_folder_that_cannot_be_written_is_named_once_and_the_table_is_written(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    Path(lake.root).mkdir()
    Path(lake.events).write_text("in the way")
    for _ in range(3):
        write(lake, "silver.person")
    assert lake.version("silver", "person") == 2
    assert len([each for each in caplog.records if each.name == "jobs.lineage"]) == 1


def test_without_the_client_the_table_is_written_all_the_same(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(lineage, "events", raising=False)
    monkeypatch.setitem(sys.modules, "jobs.lineage.events", None)
    write(lake, "silver.person")
    assert lake.version("silver", "person") == 0
    assert "found ModuleNotFoundError" in caplog.text


def test_who_wants_no_lineage_gets_none(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    write(lake, "silver.person")
    assert not Path(lake.events).exists()


def test_lines_of_several_processes_stay_whole(lake: Lake) -> None:
    lake.write("silver", "person", pa.table({"sex": ["f"]}))
    program = (
        "import sys\nfrom datetime import UTC, datetime\nfrom jobs.lake import Lake\nfrom jobs import lineage\n"
        "lake = Lake(sys.argv[1])\nfound = lake.table('silver', 'person')\n"
        "for _ in range(50):\n    lineage.wrote(lake, 'silver.person', found, lineage.Work('silver.gr', datetime.now(UTC)), [])\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, lake.root]) for _ in range(3)]
    assert [each.wait() for each in running] == [0, 0, 0]
    assert len(events(Path(lake.events))) == 3 * 50 * 2


def test_a_lake_in_an_object_store_tells_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSCC_LINEAGE", str(tmp_path / "events"))
    found = Settings.from_environment("s3a://clinical/lake")
    assert found.events.parent == tmp_path / "events"
    assert Lake.of(found).events == str(found.events)
    monkeypatch.delenv("PSCC_LINEAGE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert Settings.from_environment("s3a://clinical/lake").events.is_relative_to(tmp_path / "state")


# The way back


def tagged(event: dict[str, Any], name: str) -> list[str]:
    tags = event["run"]["facets"].get("tags", {}).get("tags", [])
    return [each["value"] for each in tags if each["key"] == name]


@pytest.fixture
def known(lake: Lake) -> Settings:
    """A lake with a ledger that knows no delivery."""
    settings = Settings(lake=lake.root)
    Ledger(settings, create=True).close()
    return settings


def test_a_product_goes_back_to_what_it_was_built_from_and_no_further_delivery(lake: Lake, known: Settings) -> None:
    write(lake, "bronze.gr_patient", "/landing/first/patient.csv", job="landing.gr", delivery=["first"])
    write(lake, "silver.person", "bronze.gr_patient", delivery=["first"])
    write(lake, "gold.patient_summary", "silver.person", job="gold")
    # A later delivery: in silver, in no build yet.
    write(lake, "bronze.gr_patient", "/landing/second/patient.csv", job="landing.gr", delivery=["second"])
    write(lake, "silver.person", "bronze.gr_patient", delivery=["second"])
    assert [each.delivery_id for each in trace(known, "gold.patient_summary").deliveries] == ["first"]
    found = trace(known, "silver.person")
    assert [(each.delivery_id, each.files) for each in found.deliveries] == [
        ("first", ["/landing/first/patient.csv"]),
        ("second", ["/landing/second/patient.csv"]),
    ]


def test_every_hospital_that_wrote_a_table_is_on_its_way(lake: Lake, known: Settings) -> None:
    for center in ("gr", "curie"):
        write(lake, f"bronze.{center}_patient", f"/landing/{center}/p.csv", job=f"landing.{center}", delivery=[center])
        write(lake, "silver.person", f"bronze.{center}_patient", job=f"silver.{center}", delivery=[center])
    assert {each.delivery_id for each in trace(known, "silver.person").deliveries} == {"gr", "curie"}


def test_a_line_that_was_cut_short_hides_no_other(lake: Lake, known: Settings) -> None:
    write(lake, "silver.person")
    (file,) = Path(lake.events).iterdir()
    with file.open("a") as lines:
        lines.write('{"eventType": "COMP\n')
    write(lake, "silver.person")
    assert [each.version for each in trace(known, "silver.person").links] == [1]


def test_a_table_of_which_nothing_is_told_gets_a_sentence(known: Settings) -> None:
    with pytest.raises(WrongUse, match=r"^Expected a table of which events in .* tell, found gold\.nothing, of which none does"):
        trace(known, "gold.nothing")
