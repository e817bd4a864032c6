"""What docker-compose.yml promises, read from it: no root, nothing writable that need not be, limits, pinned images, explained settings."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.settings.table import SETTINGS, Part
from jobs.site import reader

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
# Its one act is to give a new volume to its user.
ROOT_ONCE = "store-folder"
# The public image writes its configuration into itself.
WRITES = "kafka"
# The image says who it is.
USERS_OF_IMAGES = ("apache/kafka", "pscc/lakehouse")
# Settings of tasks that the scheduler is not given, and why.
NOT_IN_CONTAINERS = {
    "AWS_DEFAULT_REGION": "AWS_REGION says it",
    "OPENLINEAGE_CONFIG": "a file, which a site mounts and names in its override",
    "PSCC_KEEP_LANDING_DAYS": "the key `clinical` may only read in `landing`",
}
# `${NAME:-default}`.
READ = re.compile(r"\$\{([A-Z_]+):-([^}]*)\}")
DOCKERFILE = (ROOT / "images/lakehouse/Dockerfile").read_text(encoding="utf-8")


def waited_for() -> set[str]:
    """The services of which another waits for the end."""
    needs = [need for service in SERVICES.values() for need in service.get("depends_on", {}).items()]
    return {name for name, how in needs if how["condition"] == "service_completed_successfully"}


def composed(*words: str, more: tuple[Path, ...] = ()) -> str:
    """What Docker Compose says of docker-compose.yml, with more files merged into it; it needs no engine for that."""
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("Docker Compose 2 is not installed: nobody can say whether it accepts the file")
    files = [word for file in (ROOT / "docker-compose.yml", *more) for word in ("--file", str(file))]
    command = ["docker", "compose", *files, "--env-file", os.devnull, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["CHOWN"] if name == ROOT_ONCE else [])
    assert service["read_only"] is (name != WRITES)
    assert "mem_limit" in service or name == ROOT_ONCE
    assert not service.get("privileged")
    image = service["image"].rpartition(":")[0]
    assert service.get("user", "0:0" if image not in USERS_OF_IMAGES else "own").startswith("0:") is (name == ROOT_ONCE)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_be_asked_whether_it_is_well_or_somebody_waits_for_its_end(name: str) -> None:
    assert ("healthcheck" in SERVICES[name]) is (name not in waited_for())


def test_rooms_of_trainees_alone_may_ask_more_of_the_kernel() -> None:
    open_to_all = {name for name, service in SERVICES.items() if "unconfined" in str(service.get("security_opt"))}
    assert open_to_all == {"hub", "teaching-engine"}
    for name in open_to_all:
        service = SERVICES[name]
        assert "no-new-privileges:true" in service["security_opt"]
        # Who breaks out of a room finds no secret, no database and no store.
        assert not service.get("secrets")
        assert service.get("networks", ["outside"]) == ["outside"]


def test_images_are_pinned_and_ports_lead_in_from_this_machine_alone() -> None:
    assert all(re.fullmatch(r"[a-z/]+:v?\d+(\.\d+)+", service["image"]) for service in SERVICES.values())
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 5
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert {name for name, network in FILE["networks"].items() if not network.get("internal")} == {"outside"}


def test_the_clinical_key_and_the_vault_are_where_they_are_needed_and_nowhere_else() -> None:
    holders = {
        secret: {name for name, service in SERVICES.items() if secret in service.get("secrets", [])} for secret in FILE["secrets"]
    }
    assert holders["lakehouse_password"] == {"postgres", "prepare", "scheduler", "metrics"}
    assert holders["platform_key"] == holders["hospital_keys"] == {"scheduler"}
    assert holders["store_clinical"] == {
        "store-users",
        "spark-worker",
        "spark-worker-2",
        "clinical-engine",
        "scheduler",
        "metrics",
    }
    assert holders["store_root"] == {"store", "landing", "store-users", "store-rights"}


def test_the_engine_of_analysts_notes_its_reads_where_no_command_s_log_lies_and_the_scheduler_only_reads_them() -> None:
    engine, scheduler = SERVICES["curated-engine"], SERVICES["scheduler"]
    assert engine["volumes"] == [f"curated-access:{engine['environment']['PSCC_ACCESS_LOG']}"]
    assert "curated-access:/var/lib/pscc/services/access:ro" in scheduler["volumes"]
    assert f"access:{scheduler['environment']['PSCC_ACCESS_LOG']}" in scheduler["volumes"]
    # The image has what it is compiled from.
    kept = (ROOT / "images/lakehouse/Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert f"!{reader.SOURCE.relative_to(ROOT)}" in kept


def test_what_airflow_logs_lies_where_the_nightly_step_finds_it_and_its_old_runs_are_deleted_by_who_may_open_the_database() -> (
    None
):
    scheduler, old_runs = SERVICES["scheduler"], SERVICES["old-runs"]
    assert "logs:/var/log/airflow" in scheduler["volumes"]
    for name in ("BASE_LOG_FOLDER", "DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY"):
        assert scheduler["environment"][f"AIRFLOW__LOGGING__{name}"].startswith("/var/log/airflow")
    assert SERVICES["dag-processor"]["volumes"] == old_runs["volumes"] == ["logs:/var/log/airflow"]
    assert (old_runs["networks"], old_runs["environment"]) == (["control"], FILE["x-airflow"])
    assert "LAKE_ROOT" not in old_runs["environment"]
    assert scheduler["environment"]["PSCC_KEEP_RUNS_DAYS"] == "${PSCC_KEEP_RUNS_DAYS:-90}"


def test_every_secret_is_made_and_every_setting_explained() -> None:
    page = (ROOT / "docs/compose.md").read_text(encoding="utf-8")
    settings = set(re.findall(r"\$\{([A-Z_]+):", TEXT))
    assert "SECRETS" in settings
    told = page + (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert {name for name in settings if f"`{name}`" not in told} == set()
    script = (ROOT / "images/secrets.sh").read_text(encoding="utf-8")
    stems = {secret: secret.removesuffix("_password").removeprefix("store_") for secret in FILE["secrets"]}
    assert {secret for secret, stem in stems.items() if not re.search(rf"\b{stem}\b", script)} == set()
    assert {name for name in SERVICES if f"`{name}`" not in page} == set()


def test_every_setting_of_tasks_reaches_them_or_makes_no_sense_here() -> None:
    given = set(SERVICES["scheduler"]["environment"])
    settings = {name: each for name, each in SETTINGS.items() if Part.TASKS in each.used_by}
    assert {"PSCC_ALERT_MAIL", "PSCC_BACKUP"} <= set(settings)
    assert {name for name, each in settings.items() if not each.variables & given} == set(NOT_IN_CONTAINERS)
    page = (ROOT / "docs/compose.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in NOT_IN_CONTAINERS if name != "AWS_DEFAULT_REGION")


def test_what_a_site_does_not_set_is_empty_and_counts_as_unset() -> None:
    of_site = {name: text for name, text in SERVICES["scheduler"]["environment"].items() if text == f"${{{name}:-}}"}
    assert set(FILE["x-site"]) == set(of_site)
    # Nothing but the tasks' own service gets what may hold a token.
    told = {name for name, service in SERVICES.items() if "PSCC_ALERT_WEBHOOK" in service.get("environment", {})}
    assert told == {"scheduler"}


def test_the_scheduler_has_no_way_out() -> None:
    assert all(FILE["networks"][network]["internal"] for network in SERVICES["scheduler"]["networks"])


def test_the_relay_of_the_page_opens_no_way_out_for_the_scheduler(tmp_path: Path) -> None:
    page = (ROOT / "docs/compose.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    files = [tmp_path / f"{number}.yml" for number, _ in enumerate(shown)]
    for file, text in zip(files, shown, strict=True):
        file.write_text(text, encoding="utf-8")
    found = json.loads(composed("config", "--format", "json", more=tuple(files)))
    scheduler, relay = found["services"]["scheduler"], found["services"]["relay"]
    assert set(scheduler["networks"]) == {"control", "lake", "alerts"}
    assert all(found["networks"][each].get("internal") for each in scheduler["networks"])
    assert set(relay["networks"]) & set(scheduler["networks"]) == {"alerts"}
    assert "/run/secrets/smtp_password" in {each["target"] for each in scheduler["secrets"]}
    assert found["volumes"]["backup"]["driver_opts"]["device"] == "/mnt/backup"


def test_the_stand_in_of_our_base_takes_its_place() -> None:
    found = json.loads(composed("config", "--format", "json", more=(ROOT / "tests/compose/stand-ins.yml",)))
    assert found["services"]["prepare"]["build"]["args"] == {"PYTHON_IMAGE": "python:3.11-slim-bookworm"}


def test_a_new_volume_belongs_to_our_user_for_the_image_has_its_folder() -> None:
    (made,) = re.findall(r"install -d -o lakehouse -m 0700 ((?:\\\n|.)*)", DOCKERFILE)
    ours = [service for service in SERVICES.values() if service["image"].startswith("pscc/")]
    mounts = [each.split(":") for service in ours for each in service.get("volumes", []) if not each.startswith("./")]
    folders = {mount[1] for mount in mounts if mount[2:] != ["ro"]}
    assert "/var/lib/pscc/backup" in folders
    assert folders - set(made.replace("\\", " ").split()) == set()


def test_the_example_of_a_site_s_settings_has_every_variable_and_sets_none() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("# ")] == []
    example = dict(re.findall(r"^# ([A-Z_]+)=(.+)$", "\n".join(lines), re.MULTILINE))
    read = dict(READ.findall(TEXT))
    assert set(example) == set(read) == set(re.findall(r"\$\{([A-Z_]+)", TEXT))
    assert {name: example[name] for name, default in read.items() if default} == {
        name: default for name, default in read.items() if default
    }
    # What it shows is of the right form; `{{name}}` is filled in by the container's start.
    shown = {name: text for name, text in example.items() if "{{" not in text and not name.endswith("_FILE")}
    assert {name: text for name, text in shown.items() if SETTINGS[name].kind.fault(text)} == {}
    assert {name for name, each in SETTINGS.items() if each.is_secret and name in shown} == set()
    assert f"backup:{example['PSCC_BACKUP']}" in SERVICES["scheduler"]["volumes"]


def test_the_base_of_our_image_is_one_version() -> None:
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=python:(3\.11\.\d+)-slim-bookworm\nFROM \$PYTHON_IMAGE$", DOCKERFILE, re.MULTILINE)
    assert f"`python:{base}-slim-bookworm`" in (ROOT / "docs/compose.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("profile", "more"),
    [
        ("core", set()),
        ("analysts", {"curated-engine"}),
        ("academy", {"hub", "teaching-engine"}),
        ("observe", {"metrics", "prometheus", "grafana"}),
    ],
)
def test_a_profile_starts_its_services_and_the_core(profile: str, more: set[str]) -> None:
    found = composed("--profile", profile, "config", "--services").split()
    assert set(found) == {name for name, service in SERVICES.items() if "profiles" not in service} | more


def test_what_observes_reads_gauges_alone_and_the_dashboard_is_there() -> None:
    asked = yaml.safe_load((ROOT / "images/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    (target,) = asked["scrape_configs"][0]["static_configs"][0]["targets"]
    name, port = target.split(":")
    assert port in SERVICES[name]["command"]
    source = yaml.safe_load((ROOT / "images/grafana/datasource.yml").read_text(encoding="utf-8"))["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    assert set(SERVICES["prometheus"]["networks"]) == {"observe"}
    mounted = [
        each.split(":")[0] for each in SERVICES["grafana"]["volumes"] + SERVICES["prometheus"]["volumes"] if each.startswith("./")
    ]
    assert all((ROOT / each).exists() for each in mounted)
    assert not {"secrets"} & set(SERVICES["prometheus"])
    assert SERVICES["grafana"]["secrets"] == ["grafana_admin"]
