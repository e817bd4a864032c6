"""The stack of docker-compose.yml, for tests: brought up with secrets of its own, asked, and taken away."""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from jobs.simulate.options import Answer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROJECT = Path(__file__).parents[2]
STAND_INS = "tests/compose/stand-ins.yml"
STORE_BINARY = PROJECT / "tests/compose/stand-ins/store/versitygw"
STORE_SOURCE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
NAME = "pscc-test"
# One service for each public image.
PUBLIC = ("postgres", "kafka", "store")


def build_store() -> None:
    """The object store's program, for its stand-in."""
    folder = STORE_BINARY.parent
    environment = os.environ | {"GOBIN": str(folder), "CGO_ENABLED": "0"}
    subprocess.run(["go", "install", STORE_SOURCE], env=environment, check=True, capture_output=True)


def engine_answers() -> bool:
    """True where a container engine can be reached."""
    return (
        shutil.which("docker") is not None and not subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    )


@dataclass(frozen=True)
class Stack:
    """A running stack."""

    secrets: Path
    files: tuple[str, ...]
    landing_port: int = 17070
    airflow_port: int = 18080
    curated_port: int = 15103
    hub_port: int = 18000

    def compose(self, *words: str, check: bool = True, patience: float = 1200) -> "subprocess.CompletedProcess[str]":
        """Run a command of Docker Compose."""
        files = [word for file in self.files for word in ("--file", file)]
        environment = os.environ | {
            "SECRETS": str(self.secrets),
            "LANDING_PORT": str(self.landing_port),
            "AIRFLOW_PORT": str(self.airflow_port),
            "CURATED_PORT": str(self.curated_port),
            "HUB_PORT": str(self.hub_port),
            "HUB_ORIGIN": self.hub,
        }
        command = ["docker", "compose", "--project-name", NAME, "--progress", "plain", *files, *words]
        done = subprocess.run(
            command, env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=patience, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(words)}: {(done.stdout + done.stderr)[-3000:]}")
        return done

    def inside(self, service: str, *words: str, check: bool = True, patience: float = 300) -> str:
        """What a command says that is run in a service's container, with the secrets that its variables name."""
        return self.compose(
            "exec", "-T", service, "python", "-m", "jobs.site.secrets", *words, check=check, patience=patience
        ).stdout

    def status(self) -> dict[str, Any]:
        """What `pscc status` tells of the lake."""
        return dict(json.loads(self.inside("scheduler", "python", "-m", "jobs.cli", "status", "--json")))

    def ask(self, question: str) -> list[tuple[str, ...]]:
        """What the ledger's database answers."""
        command = f'PGPASSWORD=$(cat /run/secrets/lakehouse_password) psql -h 127.0.0.1 -U lakehouse -At -F " " -c "{question}"'
        return [
            tuple(line.split(" ")) for line in self.compose("exec", "-T", "postgres", "sh", "-c", command).stdout.splitlines()
        ]

    def states(self) -> dict[str, str]:
        """Each known delivery and its state."""
        return {line[0]: line[1] for line in self.ask("select delivery_id, state from ledger.delivery")}

    def airflow(self, path: str, method: str = "GET", said: dict[str, Any] | None = None) -> dict[str, Any]:
        """What Airflow's web server answers to its administrator, who says something or asks."""
        known = json.dumps({"username": "admin", "password": json.loads(self.secret("airflow_users"))["admin"]}).encode()
        door = f"http://127.0.0.1:{self.airflow_port}"
        login = urllib.request.Request(f"{door}/auth/token", known, {"Content-Type": "application/json"})
        token = json.load(urllib.request.urlopen(login, timeout=30))["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = None if said is None else json.dumps(said).encode()
        asked = urllib.request.Request(f"{door}/api/v2/{path}", body, headers, method=method)
        return dict(json.load(urllib.request.urlopen(asked, timeout=30)))

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """The runs of a DAG, the newest first."""
        return list(self.airflow(f"dags/{dag}/dagRuns?order_by=-run_after&limit=50")["dag_runs"])

    def health(self, service: str) -> str:
        """What the engine's health check of a service says, `starting` where it is not there."""
        return self.compose("ps", "--format", "{{.Health}}", service, check=False).stdout.strip() or "starting"

    def versions(self) -> list[str]:
        """What runs here: the container engine, and what each program says of itself."""
        server = subprocess.run(
            ["docker", "version", "--format", "Docker {{.Server.Version}}"], capture_output=True, text=True, check=True
        )
        compose = self.compose("version", "--short").stdout
        told = (
            ("postgres", ["postgres", "--version"]),
            ("scheduler", ["airflow", "version"]),
            ("clinical-engine", ["python", "-c", "import pyspark; print('Spark', pyspark.__version__)"]),
            ("kafka", ["sh", "-c", "ls /opt/kafka/libs | grep -o 'kafka_.*[0-9]'"]),
        )
        said = [self.compose("exec", "-T", service, *command).stdout.split() for service, command in told]
        images = self.compose("config", "--images").stdout.split()
        return [
            server.stdout.strip(),
            f"Compose {compose.strip()}",
            *map(" ".join, said),
            "images " + " ".join(sorted(set(images))),
        ]

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text().strip()

    def store(self, user: str, secret: str | None = None) -> Any:
        """A client of the store with this user's key, by the hospitals' door."""
        return boto3.client(
            "s3",
            aws_access_key_id=user,
            aws_secret_access_key=secret or self.secret(f"store_{user}"),
            endpoint_url=self.door,
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def curated(self, token: str) -> "SparkSession":
        """A session of the curated engine, for somebody with this token."""
        from pyspark.sql import SparkSession

        return SparkSession.builder.remote(f"sc://localhost:{self.curated_port}/;token={token}").create()

    @property
    def hub(self) -> str:
        return f"http://127.0.0.1:{self.hub_port}"

    @property
    def door(self) -> str:
        return f"http://127.0.0.1:{self.landing_port}"

    def drop(self, delivery: Path, landing: Path) -> float:
        """Put a delivery into the landing area as its hospital does, its manifest last; when that was."""
        hospital = self.store("hospital")
        files = sorted((file for file in delivery.rglob("*") if file.is_file()), key=lambda each: each.name == "manifest.json")
        assert files[-1].name == "manifest.json"
        for file in files:
            hospital.put_object(Bucket="landing", Key=file.relative_to(landing).as_posix(), Body=file.read_bytes())
        return time.monotonic()


def free(stack: Stack) -> None:
    """Take the stack away, with its volumes."""
    stack.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "20", check=False)


def until(question: Callable[[], bool], seconds: float, what: str) -> float:
    """How long it took until it was so; AssertionError when it is not in time."""
    began = time.monotonic()
    while not question():
        assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(1)
    return time.monotonic() - began


def delivery(answer: Answer, center: str) -> Path:
    """The folder of a hospital's delivery."""
    return next(manifest.parent for manifest in (answer.landing / center).rglob("manifest.json"))


def loaded(stack: Stack, delivery: Path) -> bool:
    """True when it is; AssertionError when it never will be."""
    verdicts = dict(stack.ask("select delivery_id, outcome from ledger.announcement where outcome is not null"))
    assert verdicts.get(delivery.name, "accepted") == "accepted"
    return stack.states().get(delivery.name) == "loaded"


def built(stack: Stack, builds: int) -> bool:
    """True when no build of gold runs and more than `builds` went well."""
    states = [run["state"] for run in stack.runs("gold_build")]
    return states.count("success") > builds and not {"queued", "running"} & set(states)
