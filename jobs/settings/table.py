"""Every setting a person may set, declared once. Adding one is adding it here: from this table come its check, `pscc settings`, docs/settings.md,
and which services of one machine are handed it."""

from dataclasses import dataclass
from enum import StrEnum

from jobs.settings.kinds import (
    ANYTHING,
    DATABASE,
    DAYS_BY_HOSPITAL,
    FILE,
    FOLDER,
    HOST,
    HOSTS,
    KEY_FILE,
    MAIL,
    MAILS,
    MEMORY,
    PLACE,
    PRIVATE_FILE,
    SPARK,
    SPARK_SERVER,
    TEXT,
    WEB,
    Kind,
    choice,
    number,
)

PREFIX = "PSCC_"
FILE_SUFFIX = "_FILE"


class Part(StrEnum):
    """Who uses a setting. `pscc up` hands each of its programs those of the program's part."""

    COMMANDS = "commands"
    TASKS = "tasks"
    TRIGGER = "landing trigger"
    ENGINES = "engines"
    HUB = "hub"
    EVERY = "every program"
    CONTAINERS = "containers"
    # Read by Docker, not by our programs: neither checked nor shown by `pscc settings`, for other programs may use such names too.
    COMPOSE = "docker-compose.yml"
    SETUP = "set-up"
    COURSES = "authors of courses"
    TESTS = "tests"


@dataclass(frozen=True)
class Setting:
    """One setting. A secret is never shown, and may come from a file that NAME_FILE names."""

    name: str
    kind: Kind
    meaning: str
    used_by: tuple[Part, ...]
    default: str = ""
    # What holds where it is unset and has no default.
    unset: str = "none"
    is_secret: bool = False
    # `pscc up` keeps it with ports and passwords, and goes by that from then on.
    is_remembered: bool = False
    # Libraries look for it in the environment, so that is where a start puts what stands in its file.
    is_for_libraries: bool = False

    @property
    def file_name(self) -> str | None:
        """The variable that names a file with the value; None where there is none."""
        return f"{self.name}{FILE_SUFFIX}" if self.is_secret else None

    @property
    def variables(self) -> frozenset[str]:
        """The variables by which it can be set."""
        return frozenset({self.name, self.file_name or self.name})


JOBS = (Part.COMMANDS, Part.TASKS)
STORE = (Part.COMMANDS, Part.TASKS, Part.TRIGGER, Part.ENGINES)

SECTIONS: dict[str, tuple[Setting, ...]] = {
    "The lake": (
        Setting("LAKE_ROOT", PLACE, "The lake.", JOBS, default="lake", is_remembered=True),
        Setting(
            "PSCC_PLATFORM_KEY_FILE",
            KEY_FILE,
            "The key behind every `person_id`.",
            JOBS,
            unset="none: nothing is loaded",
            is_remembered=True,
        ),
        Setting(
            "PSCC_DATABASE_URL",
            DATABASE,
            "Ledger and vault in PostgreSQL; a lake in an object store needs it.",
            JOBS,
            unset="SQLite inside the lake",
            is_secret=True,
            is_remembered=True,
        ),
        Setting(
            "PSCC_LANDING",
            PLACE,
            "The landing area.",
            (Part.COMMANDS, Part.TASKS, Part.TRIGGER),
            is_remembered=True,
        ),
        Setting("PSCC_KEYS", FILE, "The register of the hospitals' delivery keys.", JOBS, is_remembered=True),
        Setting(
            "PSCC_STAGING",
            FOLDER,
            "Below it each lake has a private folder in which rows wait on their way; the engine must see it too.",
            STORE,
            unset="`<lake>/staging`; for an object store a private folder in the temporary one",
        ),
        Setting(
            "PSCC_ANALYST_FOLDER",
            FOLDER,
            "Below it `pscc scratch` and notebooks keep an analyst's own tables, outside the lake.",
            (Part.COMMANDS,),
            unset="`~/pscc-scratch`",
        ),
    ),
    "The engine": (
        Setting("SPARK_MASTER", SPARK, "The Spark master.", (Part.COMMANDS, Part.ENGINES), default="local[2]"),
        Setting(
            "SPARK_REMOTE",
            SPARK_SERVER,
            "A Spark Connect server in place of a master; its address may hold a token.",
            (Part.COMMANDS, Part.TASKS, Part.COURSES),
            is_secret=True,
            is_remembered=True,
        ),
        Setting("PSCC_DRIVER_MEMORY", MEMORY, "Memory of an engine.", (Part.EVERY,), default="2g"),
        Setting("PSCC_EXECUTOR_MEMORY", MEMORY, "Memory of each executor of a cluster.", (Part.CONTAINERS,), default="1g"),
        Setting(
            "PSCC_SPARK_SECRET",
            TEXT,
            "The secret that master, workers and engine of a cluster share.",
            (Part.CONTAINERS,),
            unset="none: the cluster asks for none",
            is_secret=True,
        ),
        Setting(
            "SPARK_CONNECT_AUTHENTICATE_TOKEN",
            TEXT,
            "The token that an engine asks of who calls it.",
            (Part.CONTAINERS,),
            is_secret=True,
            is_for_libraries=True,
        ),
        Setting(
            "JAVA_HOME", FOLDER, "A Java of 17 or later.", (Part.EVERY,), unset="the machine's `java`, else the Python package's"
        ),
    ),
    "The object store": (
        Setting("AWS_ENDPOINT_URL", WEB, "Where the store is.", STORE, unset="that of AWS"),
        Setting("AWS_REGION", TEXT, "Its region.", STORE, unset="`AWS_DEFAULT_REGION`"),
        Setting("AWS_DEFAULT_REGION", TEXT, "The same, by another name.", STORE),
        Setting("AWS_ACCESS_KEY_ID", TEXT, "Who asks.", STORE),
        Setting("AWS_SECRET_ACCESS_KEY", TEXT, "With which key.", STORE, is_secret=True, is_for_libraries=True),
        Setting("AWS_ALLOW_HTTP", choice("true", "false"), "Whether a store without TLS will do.", STORE, unset="false"),
        Setting("SSL_CERT_FILE", FILE, "The certificates that are trusted.", (Part.EVERY,), unset="those of the machine"),
    ),
    "Events of the object store": (
        Setting("PSCC_EVENTS", HOSTS, "The Kafka brokers at which the topic is made.", (Part.CONTAINERS,)),
        Setting(
            "PSCC_EVENTS_TOPIC",
            TEXT,
            "The topic of notifications (Airflow's connection `landing_events`).",
            (Part.CONTAINERS,),
            unset="none: the landing area is a folder that is looked into",
        ),
    ),
    "Lineage": (
        Setting(
            "PSCC_LINEAGE",
            FOLDER,
            "Below it each lake has a folder for its lineage events.",
            JOBS,
            unset="`<lake>/lineage`; for an object store `~/.local/state/pscc/lineage`",
        ),
        Setting("OPENLINEAGE_URL", WEB, "A server that gets lineage events besides.", JOBS),
        Setting("OPENLINEAGE_ENDPOINT", TEXT, "Where it takes them.", JOBS, default="api/v1/lineage"),
        Setting("OPENLINEAGE_API_KEY", TEXT, "The key that it asks for.", JOBS, is_secret=True, is_for_libraries=True),
        Setting(
            "OPENLINEAGE_CONFIG",
            FILE,
            "The settings of OpenLineage's own client in place of these: Kafka, certificates, more tries.",
            JOBS,
        ),
        Setting("OPENLINEAGE_NAMESPACE", TEXT, "The namespace of our jobs.", JOBS, default="pscc"),
        Setting("OPENLINEAGE_DISABLED", TEXT, "`true`: no events at all.", JOBS, unset="events are written"),
    ),
    "Alerts": (
        Setting("PSCC_ALERT_MAIL", MAILS, "Who gets alerts by e-mail.", JOBS, unset="nobody: nothing is mailed"),
        Setting("PSCC_ALERT_FROM", MAIL, "From whom they come.", JOBS, unset="the first of `PSCC_ALERT_MAIL`"),
        Setting("PSCC_SMTP", HOST, "The mail server; encrypted where it can.", JOBS, default="localhost:25"),
        Setting("PSCC_SMTP_USER", TEXT, "Who signs in there; always encrypted then.", JOBS, unset="nobody"),
        Setting("PSCC_SMTP_PASSWORD_FILE", PRIVATE_FILE, "The password of that user.", JOBS),
        Setting(
            "PSCC_ALERT_WEBHOOK",
            WEB,
            "An address that takes alerts as JSON, with `text` as chat servers show it; it may hold a token.",
            JOBS,
            is_secret=True,
        ),
        Setting(
            "PSCC_DELIVERY_DAYS",
            DAYS_BY_HOSPITAL,
            "Within how many days a hospital delivers.",
            JOBS,
            unset="twice its usual time, from three deliveries on",
        ),
    ),
    "What is kept": (
        Setting(
            "PSCC_PROOFS",
            FOLDER,
            "Audit, certificates of erasures with their key, and the register's page, of a lake in an object store.",
            JOBS,
            unset="the folder of the platform key",
        ),
        Setting(
            "PSCC_RELEASES",
            FOLDER,
            "Where releases for teaching lie, of a lake in an object store: a hub mounts them.",
            JOBS,
            unset="none: no release is made of such a lake",
        ),
        Setting(
            "PSCC_ACCESS_LOG",
            FOLDER,
            "Where commands note what they read, and in containers the engine of analysts.",
            (*JOBS, Part.CONTAINERS),
            unset="`<lake>/ops/access`; for an object store none: commands that would have to note something refuse",
        ),
        # Six months at least, a year at most: what the French authority asks for.
        Setting(
            "PSCC_ACCESS_MONTHS",
            number("a number of months", 6, 12),
            "How many months the access log is kept.",
            (*JOBS, Part.EVERY),
            default="12",
        ),
        Setting(
            "PSCC_BACKUP",
            FOLDER,
            "Where backups lie: outside the lake and closed to others, for they hold the vault.",
            JOBS,
            unset="none: nothing is backed up",
        ),
        Setting(
            "PSCC_KEEP_LANDING_DAYS",
            number("a number of days", 1, 36_500),
            "After how many days a loaded delivery leaves the landing area.",
            JOBS,
            unset="none: nothing leaves it",
        ),
        # More than the days for which a release waits to be approved: Airflow's command asks no run whether it has ended.
        Setting(
            "PSCC_KEEP_RUNS_DAYS",
            number("a number of days", 30, 36_500),
            "After how many days Airflow's logs are deleted, and what its database holds of runs.",
            (*JOBS, Part.CONTAINERS),
            default="90",
        ),
    ),
    "The academy": (
        Setting(
            "PSCC_ORIGIN",
            WEB,
            "The public address of the portal, without a slash at its end: badges then say where their revocation is published.",
            (Part.HUB,),
        ),
        Setting(
            "PSCC_CHECKS_A_MINUTE",
            number("a number of checks", 1, 10_000),
            "How often a trainee may ask.",
            (Part.HUB,),
            default="40",
        ),
        Setting("PSCC_RELEASE", FOLDER, "The teaching release on which lessons are tried.", (Part.COURSES,)),
        Setting("PSCC_LANG", choice("fr", "en"), "The language of the checks' sentences.", (Part.COURSES,), unset="English"),
        Setting("PSCC_CHECK_URL", TEXT, "Who judges answers: docs/teaching-engine.md.", (Part.COURSES,)),
    ),
    "Containers": (
        Setting("SECRETS", FOLDER, "The folder of the secrets.", (Part.COMPOSE,), default="./secrets"),
        Setting(
            "AIRFLOW_PORT",
            number("a port", 1, 65_535),
            "Airflow's port on the loopback address.",
            (Part.COMPOSE,),
            default="8080",
        ),
        Setting("LANDING_PORT", number("a port", 1, 65_535), "That of the landing area.", (Part.COMPOSE,), default="7070"),
        Setting("CURATED_PORT", number("a port", 1, 65_535), "That of the analysts' engine.", (Part.COMPOSE,), default="15003"),
        Setting("HUB_PORT", number("a port", 1, 65_535), "That of the hub.", (Part.COMPOSE,), default="8000"),
        Setting(
            "HUB_ORIGIN",
            WEB,
            "The address at which trainees see the hub: their badges are verified there.",
            (Part.COMPOSE,),
            default="http://127.0.0.1:8000",
        ),
        Setting("HUB_MEMORY", MEMORY, "Memory of the hub with its trainees' servers.", (Part.COMPOSE,), default="6g"),
        Setting("GRAFANA_PORT", number("a port", 1, 65_535), "That of the dashboards.", (Part.COMPOSE,), default="3000"),
        Setting("DRIVER_MEMORY", MEMORY, "Memory of each engine.", (Part.COMPOSE,), default="2g"),
        Setting("EXECUTOR_MEMORY", MEMORY, "Memory of each executor.", (Part.COMPOSE,), default="1g"),
    ),
    "Set-up": (
        Setting(
            "PSCC_JARS", FOLDER, "The jars, held to their checksums.", (Part.EVERY,), unset="`share/pscc/jars` of the environment"
        ),
        Setting(
            "PSCC_IVY_SETTINGS",
            FILE,
            "Ivy settings with a mirror of Maven Central, from which `make setup` fetches the jars.",
            (Part.SETUP,),
            unset="Maven Central",
        ),
        Setting("PSCC_NO_JAVA_WHEEL", ANYTHING, "Never take Java from the Python package.", (Part.EVERY,), unset="it is taken"),
    ),
    "Tests": (
        Setting("PSCC_SAMPLES", FOLDER, "The real deliveries.", (Part.TESTS,), default="../shared/deliveries"),
        Setting(
            "PSCC_ACCEPTANCE", FOLDER, "Where parts that passed are remembered.", (Part.TESTS,), unset="the temporary folder"
        ),
        Setting(
            "PSCC_TEST_DATABASE_URL",
            DATABASE,
            "A PostgreSQL database that tests may empty.",
            (Part.TESTS,),
            unset="one is made",
            is_secret=True,
        ),
        Setting("PSCC_SHOTS", FOLDER, "Where pictures of the pages are kept.", (Part.TESTS,), unset="they are not kept"),
        Setting(
            "PSCC_ISOLATION", TEXT, "The level of sandbox that the academy's tests use.", (Part.TESTS,), unset="the strongest"
        ),
    ),
}

# What one program hands to another, and what those around us hand to ours: nobody's to set.
INTERNAL = {
    "PSCC_ACADEMY": "the academy's folder, for hub and engine",
    "PSCC_BARE_FUNCTIONS": "1: functions of trainees are tried without a sandbox; from the hub to its portal",
    "PSCC_BRIDGE": "ways out of a sandbox without network",
    "PSCC_COURSES": "the courses, for the portal",
    "PSCC_ENGINE": "the engine on which a lesson is run",
    "PSCC_FAILPOINT": "where a test kills a process",
    "PSCC_GROUPS": "control groups that a program joins",
    "PSCC_PRELOAD": "1: the scheduler imports what its tasks need",
    "PSCC_RELEASE_DIR": "the release, for the portal",
    "PSCC_RELEASE_NAME": "the name of the release, in a trainee's server",
    "PSCC_STATE": "the academy's state, for the portal",
}

SETTINGS = {each.name: each for section in SECTIONS.values() for each in section}
