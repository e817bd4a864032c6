"""The landing trigger of a landing area in an object store: rings when the store tells of a manifest, on a topic of Kafka.

As with a folder, an event is only a doorbell. The offset of a notification is committed when its event lies in Airflow's database and not before.
A store that could not tell has forgotten: the sweep finds what it did not tell.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

from airflow.providers.apache.kafka.triggers.shared_stream import KafkaSharedStreamTrigger
from airflow.triggers.base import TriggerEvent
from airflow.triggers.shared_stream import reject_shared_stream_event

from jobs.intake import MANIFEST
from jobs.settings import asked

CONNECTION = "landing_events"


class LandingEvents(KafkaSharedStreamTrigger):
    """Fires for manifests of which the store tells on a topic."""

    def __init__(self, topics: list[str] | None = None, kafka_config_id: str = CONNECTION, **kwargs: Any) -> None:
        super().__init__(topics=topics or [asked("PSCC_EVENTS_TOPIC")], kafka_config_id=kafka_config_id, **kwargs)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{type(self).__module__}.{type(self).__qualname__}", super().serialize()[1]

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        async for told in shared_stream:
            if manifests := announced(told):
                yield TriggerEvent({"manifests": manifests})
            else:
                # Told of, and of no interest: not to be told again.
                reject_shared_stream_event()


def announced(told: bytes | str) -> int:
    """How many manifests a notification of the store tells of; 0 for one that cannot be read."""
    try:
        records = json.loads(told)["Records"]
        keys = [record["s3"]["object"]["key"] for record in records if record["eventName"].startswith("s3:ObjectCreated:")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0
    return sum(key.rpartition("/")[2] == MANIFEST for key in keys)
