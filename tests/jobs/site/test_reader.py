"""The bare engine of analysts, as its container starts it: what is asked of it is noted, by the name that the client claims."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from jobs import access
from jobs.access import Access
from jobs.errors import LakehouseError
from jobs.lake import Lake
from jobs.site import reader

# An engine of its own: half a minute of two cores.
pytestmark = [pytest.mark.jvm, pytest.mark.acceptance]

ENGINE = "import sys; from jobs.site import engine; engine.CONNECT_PORT = int(sys.argv[1]); sys.exit(engine.main('reader'))"
ASK = """
import os, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.remote(sys.argv[1]).create()
patients = f"delta.`{sys.argv[2]}/gold/patient_summary`"
for _ in range(2):
    assert spark.sql(f"SELECT sex FROM {patients} WHERE birth_date = '1950-01'").collect()
stream = spark.readStream.format("delta").load(f"{sys.argv[2]}/gold/patient_summary")
stream.writeStream.format("memory").queryName("copied").trigger(availableNow=True).start().awaitTermination()
nobody = SparkSession.builder.remote(sys.argv[1]).create()
nobody._client._user_id = None
assert nobody.sql(f"SELECT count(*) FROM {patients}").collect()[0][0] == 1
# Without a name there is no session to take leave of.
os._exit(0)
"""


@dataclass(frozen=True)
class Asked:
    """What the engine noted of a few queries, and how it ended when it was told to."""

    lines: list[Access]
    text: str
    ended: int


def wait_for(port: int, program: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until and program.poll() is None:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("the engine does not listen")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    folder = tmp_path_factory.mktemp("reader")
    lake, log = Lake(str(folder / "lake")), folder / "log"
    lake.write("gold", "patient_summary", pl.DataFrame({"sex": ["F"], "birth_date": ["1950-01"]}).to_arrow())
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = int(door.getsockname()[1])
    known = {"LAKE_ROOT": lake.root, "PSCC_ACCESS_LOG": str(log), "SPARK_MASTER": "local[1]", "PSCC_DRIVER_MEMORY": "1g"}
    token = "only-for-this-test"
    program = subprocess.Popen(
        [sys.executable, "-c", ENGINE, str(port)],
        env=os.environ | known | {"SPARK_CONNECT_AUTHENTICATE_TOKEN": token},
        start_new_session=True,
    )
    try:
        wait_for(port, program)
        remote = f"sc://localhost:{port}/;token={token};user_id=ada"
        subprocess.run([sys.executable, "-c", ASK, remote, lake.root], check=True, timeout=180)
        program.send_signal(signal.SIGTERM)
        ended = program.wait(30)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
    return Asked(list(access.listed([log])), "".join(file.read_text() for file in log.iterdir()), ended)


def test_who_asks_is_noted_as_claimed_with_table_version_and_columns(asked: Asked) -> None:
    of_ada = [each for each in asked.lines if each.who == "ada" and each.table == "gold.patient_summary"]
    # Two queries, a stream that read as one, and each understood once before its rows were asked for.
    assert len(of_ada) == 5
    assert {(each.version, each.columns, each.outcome) for each in of_ada} == {(0, ("sex", "birth_date"), "not known")}
    assert {(each.through, each.claimed) for each in asked.lines} == {("curated-engine", True)}
    assert "1950-01" not in asked.text


def test_who_claims_no_name_is_noted_all_the_same(asked: Asked) -> None:
    assert "gold.patient_summary" in {each.table for each in asked.lines if each.who == ""}


def test_a_stream_is_noted(asked: Asked) -> None:
    assert "gold.?" in {each.table for each in asked.lines}


def test_the_engine_ends_with_this_process(asked: Asked) -> None:
    assert asked.ended in (0, 143, -signal.SIGTERM)


def test_an_engine_that_cannot_note_a_read_ends(tmp_path: Path) -> None:
    log = tmp_path / "log"
    line = json.dumps({"event": "read", "who": "ada", "operation": "1", "table": "gold.x", "version": 0, "columns": []})
    program = f"import shutil, time; shutil.rmtree({str(log)!r}); open({str(log)!r}, 'w'); print('access ' + {line!r}, flush=True); time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(LakehouseError, match=r"^Expected to write the access log in .* The engine ends"):
        reader.noted([sys.executable, "-c", program], {}, log)
    assert time.monotonic() - began < 20


def test_what_is_no_read_is_said_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert reader.noted([sys.executable, "-c", "print('hello'); raise SystemExit(7)"], {}, tmp_path / "log") == 7
    assert capfd.readouterr().out == "hello\n"
    assert list(access.listed([tmp_path / "log"])) == []
