"""The programs of one machine, in the order in which they start."""

import os
import sys
from functools import partial
from pathlib import Path

from jobs.services import confine, probes
from jobs.services.place import Place
from jobs.services.program import Program
from jobs.services.users import CLINICAL_UID, POSTGRES_UID, PROJECT
from jobs.settings import Part, asked, handed, value
from quality.address import is_remote


def basic(place: Place) -> dict[str, str]:
    """What every program of Python needs, and no secret."""
    passed = handed(Part.EVERY) | {name: os.environ[name] for name in ("LANG",) if name in os.environ}
    home = {"HOME": str(place.run), "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
    return {"LANG": "C.UTF-8", "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"} | home | passed


def lake(place: Place) -> dict[str, str]:
    """What the jobs need: where the lake and all that belongs to it lie, the engine, settings."""
    return handed(Part.TASKS) | whereabouts(place) | {"SPARK_REMOTE": place.engine()}


def whereabouts(place: Place) -> dict[str, str]:
    """Where the lake and the deliveries lie, the keys, and what of the lake stands elsewhere."""
    known = {
        "LAKE_ROOT": place.lake,
        "PSCC_LANDING": place.landing,
        "PSCC_KEYS": place.keys,
        "PSCC_PLATFORM_KEY_FILE": place.platform_key_file,
    }
    if is_remote(place.lake):
        # Folders of the user's own name would be out of the engine's reach, and not those of a command that somebody types.
        lineage = place.state / "airflow" / ".local" / "state" / "pscc" / "lineage"
        known |= {"PSCC_STAGING": str(confine.staging(place)), "PSCC_LINEAGE": value("PSCC_LINEAGE") or str(lineage)}
    return known | ({"PSCC_DATABASE_URL": place.database_url} if place.database_url else {})


def airflow(place: Place) -> dict[str, str]:
    """Airflow's settings for one machine: docs/services.md says how it is operated."""
    address = f"http://127.0.0.1:{place.ports['api-server']}"
    home = place.state / "airflow"
    settings = {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__MAX_ACTIVE_TASKS_PER_DAG": "4",
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "CORE__FERNET_KEY": place.passwords["fernet"],
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "DATABASE__SQL_ALCHEMY_CONN": place.database("airflow", "postgresql+psycopg"),
        # Airflow would take asyncpg here; psycopg can do both.
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": place.database("airflow", "postgresql+psycopg"),
        "API__HOST": "127.0.0.1",
        "API__PORT": str(place.ports["api-server"]),
        "API__BASE_URL": address,
        "API__WORKERS": "1",
        "API__EXPOSE_CONFIG": "False",
        "API__SECRET_KEY": place.passwords["jwt"],
        "API_AUTH__JWT_SECRET": place.passwords["jwt"],
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "WORKERS__EXECUTION_API_TIMEOUT": "30",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        "LOGGING__BASE_LOG_FOLDER": str(place.logs / "tasks"),
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(place.logs / "dag-files"),
    }
    own = {"AIRFLOW_HOME": str(home), "HOME": str(home)}
    return basic(place) | own | {f"AIRFLOW__{name}": value for name, value in settings.items()}


def airflow_command(*words: str) -> list[str]:
    """A command of Airflow."""
    return [sys.executable, "-m", "airflow", *words]


def _with_lake(place: Place) -> dict[str, str]:
    # Tasks are forked from the scheduler: threads of a library would not survive that.
    forked = {"PSCC_PRELOAD": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "GX_ANALYTICS_ENABLED": "false"}
    return airflow(place) | lake(place) | forked


def _landing_only(place: Place) -> dict[str, str]:
    return airflow(place) | handed(Part.TRIGGER) | {"PSCC_LANDING": place.landing}


def _engine_command(place: Place) -> list[str]:
    from jobs.services import engine

    return engine.command(place)


def _engine_environment(place: Place) -> dict[str, str]:
    from jobs.services import engine

    return engine.environment(place)


def _curated_engine(place: Place) -> list[str]:
    words = ["--curated", "--release", f"{place.lake}/gold", "--port", str(place.ports["curated-engine"])]
    bounds = ["--seconds", "600", "--megabytes", "512"]
    # Not in the lake, which others write to than who starts the services.
    noted = ["--access", str(place.access), "--access-months", asked("PSCC_ACCESS_MONTHS")]
    rooms = [] if confine.is_possible() else ["--without-sandbox"]
    return [
        sys.executable,
        "-m",
        "hub_config.engine",
        *words,
        *bounds,
        *noted,
        *rooms,
        "--state",
        str(place.state / "curated-engine"),
    ]


def _academy(part: str, place: Place) -> list[str]:
    return [sys.executable, "-m", "hub_config.academy", "run", part, "--to", str(place.academy)]


def _hub(place: Place) -> dict[str, str]:
    return basic(place) | handed(Part.HUB)


def _postgresql(place: Place) -> list[str]:
    options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": str(place.ports["postgresql"])}
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return [str(confine.binaries() / "postgres"), "-D", confine.data_inside(place), *settings]


def _nothing(_: Place) -> dict[str, str]:
    return {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}


PROGRAMS = (
    # SIGINT: sessions are ended, not waited for.
    Program(
        "postgresql", _postgresql, _nothing, probes.postgresql, confine=confine.postgresql, stop_signal="INT", user=POSTGRES_UID
    ),
    Program(
        "clinical-engine",
        _engine_command,
        _engine_environment,
        partial(probes.engine, "clinical-engine"),
        confine=confine.clinical_engine,
        user=CLINICAL_UID,
        spills=True,
    ),
    Program(
        "api-server",
        lambda _: airflow_command("api-server"),
        airflow,
        probes.api_server,
        ("postgresql",),
        confine.airflow_alone,
        user=CLINICAL_UID,
    ),
    Program(
        "scheduler",
        lambda _: airflow_command("scheduler", "--skip-serve-logs"),
        _with_lake,
        partial(probes.process_of_airflow, "scheduler"),
        ("postgresql", "clinical-engine"),
        confine.tasks,
        # Tasks write gold, whose group reads it.
        umask="027",
        user=CLINICAL_UID,
    ),
    Program(
        "dag-processor",
        lambda _: airflow_command("dag-processor"),
        airflow,
        partial(probes.process_of_airflow, "dag-processor"),
        ("postgresql",),
        confine.airflow_alone,
        user=CLINICAL_UID,
    ),
    Program(
        "triggerer",
        lambda _: airflow_command("triggerer", "--skip-serve-logs"),
        _landing_only,
        partial(probes.process_of_airflow, "triggerer"),
        ("postgresql",),
        confine.triggerer,
        user=CLINICAL_UID,
    ),
    # These stay root, for they make rooms of their own and give each another user, tighter than what `confine` knows: hub_config says how.
    Program("curated-engine", _curated_engine, basic, partial(probes.engine, "curated-engine"), part="curated"),
    Program(
        "teaching-engine",
        partial(_academy, "engine"),
        basic,
        partial(probes.engine, "teaching-engine"),
        part="academy",
    ),
    Program("hub", partial(_academy, "hub"), _hub, probes.hub, ("teaching-engine",), stop_seconds=60, part="academy"),
)
PARTS = tuple(dict.fromkeys(each.part for each in PROGRAMS if each.part != "core"))


def programs(place: Place) -> list[Program]:
    """What runs here: all but what this machine does without, and no academy where there is nothing to teach on."""
    left_out = {*place.without, *(() if place.release else ("academy",))}
    # That engine sees a folder of this machine; for a store it is docker-compose.yml's.
    left_out |= {"curated"} if is_remote(place.lake) else set()
    return [each for each in PROGRAMS if each.part not in left_out]


def named(name: str) -> Program:
    """The program of that name; KeyError for another."""
    return {each.name: each for each in PROGRAMS}[name]
