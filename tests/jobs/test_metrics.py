"""Metrics: what Prometheus' own parser reads is what the ledger and the lake say, and the dashboard asks for nothing else."""

import json
import re
import threading
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobs import alerts, quarantine
from jobs.errors import LakehouseError, WrongUse
from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.metrics import metrics, server
from jobs.settings import Settings
from tests.jobs.deliveries import know

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana" / "lakehouse.json"
NAME = re.compile(r"pscc_\w+")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A lake with four deliveries of gr, rows in quarantine, a product of gold and an alert."""
    made = Settings(lake=str(tmp_path / "lake"))
    with closing(Ledger(made)) as ledger, ledger.hold("hospital/gr") as lease:
        for each in "a loaded", "b loaded a", "c held b", "d rejected":
            know(ledger, lease, *each.split())
        ledger.announce("gr/x/manifest.json", 1, 1, "/landing/gr/x")
    lake, rows = Lake(made.lake), {"delivery_id": ["GR-20200101-001"] * 3, "source_file": ["f"] * 3, "source_row_no": [1, 2, 3]}
    told = {"center": ["gr"] * 3, "domain": ["patient"] * 3, "status": ["set_aside", "set_aside", "waiting"], "reason": ["R"] * 3}
    lake.write("quarantine", "gr_patient", pa.table(rows | told | {"columns": [["c"]] * 3}))
    at = pa.array([0, 86_400_000_000], pa.timestamp("us", "UTC"))
    built = {"build": [1, 2], "table": ["endpoint"] * 2, "inputs": ["{}"] * 2, "rows": [10, 11], "published_at": at}
    lake.write("ops", "build", pa.table(built))
    alerts.look(made)
    return made


def read(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """By gauge the value of each set of labels, as Prometheus' parser has them."""
    families = list(text_string_to_metric_families(text))
    assert {each.type for each in families} == {"gauge"}
    assert all(each.documentation for each in families)
    return {each.name: {tuple(sample.labels.values()): sample.value for sample in each.samples} for each in families}


def test_gauges_say_what_the_ledger_and_the_lake_say(settings: Settings) -> None:
    found = read(metrics(settings))
    assert found["pscc_deliveries"] == {("gr", "loaded"): 2, ("gr", "held"): 1, ("gr", "rejected"): 1}
    assert found["pscc_quarantined_rows"] == {("gr", "set_aside"): 2, ("gr", "waiting"): 1}
    assert sum(each.rows for each in quarantine.groups(settings)) == 3
    assert found["pscc_gold_built_timestamp_seconds"] == {("endpoint",): 86_400}
    assert found["pscc_gold_rows"] == {("endpoint",): 11}
    assert found["pscc_alerts_open"] == {("held",): 1, ("refused",): 1}
    with closing(Ledger(settings)) as ledger:
        waiting = len(ledger.announcements(unsettled=True))
    assert found["pscc_announcements_waiting"] == {(): waiting}
    assert waiting > 0
    moments = [found[f"pscc_{name}_timestamp_seconds"][("gr",)] for name in ("last_delivery", "last_loaded", "held_since")]
    assert max(moments) - min(moments) < 600
    assert abs(found["pscc_alerts_looked_at_timestamp_seconds"][()] - moments[0]) < 600


def test_a_lake_in_which_nothing_happened_has_gauges_too(tmp_path: Path) -> None:
    made = Settings(lake=str(tmp_path / "lake"))
    Ledger(made).close()
    assert read(metrics(made))["pscc_announcements_waiting"] == {(): 0}


def test_the_dashboard_asks_for_gauges_that_there_are_and_for_every_one_but_rows(settings: Settings) -> None:
    board = json.loads(DASHBOARD.read_text())
    asked = {name for panel in board["panels"] for target in panel["targets"] for name in NAME.findall(target["expr"])}
    assert asked == set(read(metrics(settings))) - {"pscc_gold_rows"}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    page = (DASHBOARD.parents[1] / "operate.md").read_text()
    assert set(read(metrics(settings))) <= set(NAME.findall(page))


def test_a_scrape_gets_the_gauges_of_its_moment_and_a_sentence_where_there_are_none() -> None:
    answers = iter(["pscc_x 1\n", LakehouseError("Expected a ledger, found none.")])

    def made() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with server(0, made) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{serving.server_port}"
        with urllib.request.urlopen(f"{address}/metrics") as answer:
            assert (answer.read(), answer.headers["Content-Type"]) == (b"pscc_x 1\n", "text/plain; version=0.0.4; charset=utf-8")
        for path, code in ("/metrics", 503), ("/", 404):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{address}{path}")
            assert refused.value.code == code
        with pytest.raises(WrongUse, match=r"^Expected a free port at 127\.0\.0\.1:"):
            server(serving.server_port, made)
        serving.shutdown()
