"""What a site's services need before they start, made where it is missing: Airflow's tables, the ledger, the topic of the landing area."""

import subprocess
import sys
from typing import Any

from sqlalchemy import Connection, text

from jobs.errors import LakehouseError
from jobs.ledger import Ledger
from jobs.settings import Settings, asked, value
from jobs.site.engine import NAME

# The engine is asked for code by others, so its role in the database sees the version of the lake and its own lease, and nothing else.
ENGINE_ROLE = "clinical_engine"
RIGHTS = (
    f"grant usage on schema ledger to {ENGINE_ROLE}",
    f"grant select on ledger.lake to {ENGINE_ROLE}",
    f"grant select, insert, update on ledger.lease to {ENGINE_ROLE}",
    "alter table ledger.lease enable row level security",
    "drop policy if exists own on ledger.lease",
    f"create policy own on ledger.lease to {ENGINE_ROLE} using (name = '{NAME}')",
)
PATIENCE_SECONDS = 60


def let_engine_in(connection: Connection) -> None:
    """Give the engine's role its rights. The owner of the ledger keeps all of its own."""
    for statement in RIGHTS:
        connection.execute(text(statement))


def make_topic(servers: str, topic: str) -> None:
    """The topic to which the store tells what was put there."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient, NewTopic

    client: Any = AdminClient({"bootstrap.servers": servers})
    made = client.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])[topic]
    try:
        made.result(PATIENCE_SECONDS)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise LakehouseError(f"Expected to make the topic {topic} at {servers}, found: {error.args[0].str()}.") from None


def main() -> None:
    """Make all of it. Done again, it changes nothing."""
    settings = Settings.from_environment()
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True)
    ledger = Ledger(settings)
    with ledger.engine.begin() as connection:
        let_engine_in(connection)
    ledger.close()
    if servers := value("PSCC_EVENTS"):
        make_topic(servers, asked("PSCC_EVENTS_TOPIC"))


if __name__ == "__main__":
    try:
        main()
    except LakehouseError as error:
        sys.exit(str(error))
