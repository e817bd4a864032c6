"""The programs: in which order they start, and what each is told."""

import configparser
import json
import os
import re
from pathlib import Path

import pytest

from jobs.lake import ZONES
from jobs.services import confine, engine, supervisor, users
from jobs.services.own import READ
from jobs.services.place import Place, prepared
from jobs.services.programs import PROGRAMS, airflow, named, programs


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place of which everything exists that an engine must not see."""
    made = prepared(tmp_path / "services", {"landing": str(tmp_path / "landing"), "lake": str(tmp_path / "lake")})
    for folder in ("vault", "restricted", "staging"):
        Path(made.lake, folder).mkdir(parents=True)
    for folder in ("curated-engine", "academy"):
        (made.state / folder).mkdir()
    Path(made.landing).mkdir()
    for file in (Path(made.lake, "ledger.sqlite"), Path(made.platform_key_file), Path(made.keys)):
        file.touch()
    confine.scratch(made).mkdir()
    return made


def test_every_program_starts_after_what_it_needs() -> None:
    names = [each.name for each in PROGRAMS]
    for each in PROGRAMS:
        assert set(each.needs) <= set(names[: names.index(each.name)])
    assert named("scheduler").needs == ("postgresql", "clinical-engine")


@pytest.mark.parametrize(
    ("asked", "left_out"),
    [
        ({}, {"teaching-engine", "hub"}),
        ({"release": "small-20260301"}, set()),
        ({"release": "small-20260301", "without": ["academy"]}, {"teaching-engine", "hub"}),
        ({"release": "small-20260301", "without": ["curated"]}, {"curated-engine"}),
        ({"lake": "s3a://bucket/lake"}, {"curated-engine", "teaching-engine", "hub"}),
    ],
)
def test_what_a_machine_does_without(tmp_path: Path, asked: dict[str, object], left_out: set[str]) -> None:
    made = prepared(tmp_path / "services", asked)
    assert {each.name for each in PROGRAMS} - {each.name for each in programs(made)} == left_out
    assert prepared(tmp_path / "services", {}) == made


def test_a_place_of_an_earlier_version_gets_what_it_lacks(tmp_path: Path) -> None:
    state = tmp_path / "services"
    first = prepared(state, {})
    known = json.loads((state / "services.json").read_text())
    del known["ports"]["hub"], known["without"], known["release"]
    (state / "services.json").write_text(json.dumps(known))
    grown = prepared(state, {})
    assert grown.ports | {"hub": 0} == first.ports | {"hub": 0}
    assert grown.ports["hub"] > 0
    assert grown.passwords == first.passwords


def test_the_supervisor_starts_nothing_by_itself_and_reads_no_secret(place: Place) -> None:
    text = supervisor.configuration(place)
    read = configparser.RawConfigParser()
    read.read_string(text)
    programs = [section for section in read.sections() if section.startswith("program:")]
    assert [section.partition(":")[2] for section in programs] == [*[each.name for each in PROGRAMS], "watch"]
    for section in programs:
        told = read[section]
        assert (told["autostart"], told["autorestart"], told["killasgroup"]) == ("false", "true", "true")
        assert told["stdout_logfile_maxbytes"] == "10MB"
    assert read["unix_http_server"]["chmod"] == "0700"
    assert not [word for word in place.passwords.values() if word in text]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda each: each.name)
def test_no_secret_stands_on_a_command_line(place: Place, program: object) -> None:
    words = " ".join([*program.confine(place), *program.command(place)])  # type: ignore[attr-defined]
    assert not [word for word in place.passwords.values() if word in words]


def test_an_engine_has_no_secret_but_its_own_token_in_its_environment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSCC_PLATFORM_KEY_FILE", "/somewhere")
    told = engine.environment(place)
    secrets = {name for name, word in place.passwords.items() if word in told.values()}
    assert secrets == {"clinical-engine"}
    assert not [name for name in told if name.startswith("PSCC")]


def test_an_engine_gets_the_key_of_the_store_though_it_sees_no_file_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = prepared(tmp_path / "services", {"lake": "s3a://bucket/lake"})
    (tmp_path / "key").write_text("of the store\n")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY_FILE", str(tmp_path / "key"))
    told = engine.environment(made)
    assert {name: word for name, word in told.items() if "SECRET" in name} == {"AWS_SECRET_ACCESS_KEY": "of the store"}


def test_an_engine_writes_to_staging_and_sees_neither_keys_nor_persons_nor_landing(place: Place) -> None:
    lake = Path(place.lake)
    words = confine.clinical_engine(place)
    pairs = list(zip(words, words[1:], words[2:], strict=False))
    hidden = {Path(target) for option, source, target in pairs if option == "--ro-bind" and source == "/dev/null"}
    hidden |= {Path(target) for option, target, _ in pairs if option == "--tmpfs"}
    written = {Path(target) for option, _, target in pairs if option == "--bind"}
    assert {lake, lake / "vault", lake / "restricted", Path(place.landing)} <= hidden
    assert {place.state / "curated-engine", place.academy} <= hidden
    assert {Path(place.keys), Path(place.platform_key_file), place.state / "services.json"} <= hidden
    assert written == {lake / "staging", place.state / "clinical-engine"}


def test_an_engine_sees_the_zones_that_commands_know(place: Place) -> None:
    assert set(READ) == set(ZONES)


def test_tasks_and_engine_stage_the_rows_of_a_lake_in_a_store_at_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PSCC_STAGING", raising=False)
    made = prepared(tmp_path / "services", {"lake": "s3a://bucket/lake"})
    staged = str(made.state / "staging")
    assert named("scheduler").environment(made)["PSCC_STAGING"] == staged
    words = confine.clinical_engine(made)
    assert ["--bind", staged, staged] in [words[at : at + 3] for at in range(len(words))]
    monkeypatch.setenv("PSCC_STAGING", str(tmp_path / "mine"))
    assert confine.staging(made) == tmp_path / "mine"


def test_an_engine_listens_at_the_loopback_address_only(place: Place) -> None:
    words = engine.command(place)
    assert "spark.connect.grpc.binding.address=127.0.0.1" in words
    assert f"spark.connect.grpc.binding.port={place.ports['clinical-engine']}" in words


def test_what_an_engine_says_in_its_log_holds_no_value(place: Place) -> None:
    (options,) = [word for word in engine.command(place) if word.startswith("spark.driver.extraJavaOptions=")]
    (told,) = re.findall(r"-Dlog4j2\.configurationFile=file://(\S+)", options)
    assert Path(told).is_file()


def test_only_the_scheduler_knows_the_lake(place: Place) -> None:
    knowing = [each.name for each in PROGRAMS if "LAKE_ROOT" in each.environment(place)]
    assert knowing == ["scheduler"]
    assert place.engine() == f"sc://localhost:{place.ports['clinical-engine']}/;token={place.passwords['clinical-engine']}"


def test_airflow_speaks_to_its_database_through_the_driver_that_is_installed(place: Place) -> None:
    told = airflow(place)
    for name in ("SQL_ALCHEMY_CONN", "SQL_ALCHEMY_CONN_ASYNC"):
        assert told[f"AIRFLOW__DATABASE__{name}"].startswith("postgresql+psycopg://airflow:")
    assert told["AIRFLOW__API__HOST"] == "127.0.0.1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives PostgreSQL a user of its own")
def test_root_s_postgresql_is_somebody_else_and_sees_its_database_alone(place: Place) -> None:
    if not confine.is_possible():
        pytest.skip("bubblewrap is not there, or may not make namespaces")
    words = " ".join(confine.postgresql(place))
    assert f"--reuid={users.POSTGRES_UID}" in words
    assert f"--bind {confine.data(place)} /data" in words
    assert place.lake not in words
