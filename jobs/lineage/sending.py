"""Where events go: a file of the month, always; and what the settings of OpenLineage's own client name."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import RunEvent
from openlineage.client.serde import Serde
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

from jobs.private import log_in

SUFFIX = ".jsonl"
# Whoever writes a table waits for the answer, under a lease: one try, a short one. Who wants more says so in openlineage.yml.
SECONDS = 3.0
_away: set[str] = set()

Say = Callable[[str, str], None]


def send(folder: str, events: list[RunEvent], say: Say) -> None:
    """Append events to the file of this month in `folder`, and hand them to the client; `say` what failed. Never raises for either."""
    try:
        _append(Path(folder), events)
    except OSError as error:
        say("lineage in its file", f"found that {folder} cannot be written ({error.strerror})")
    if _away:
        return
    try:
        if client := _client():
            for event in events:
                client.emit(event)
    except Exception as error:
        # To wait for it again with every table would hold up the work.
        _away.add("server")
        say(
            "lineage to OPENLINEAGE_URL",
            f"found it does not take events ({type(error).__name__}); it is left alone until this process ends, the file has them",
        )


def _append(folder: Path, events: list[RunEvent]) -> None:
    """All events in one write at the end of the file: several processes write it, and lines stay whole."""
    lines = "".join(f"{Serde.to_json(each)}\n" for each in events).encode()
    file = log_in(folder, f"{datetime.now(UTC):%Y-%m}{SUFFIX}")
    try:
        # One that came out of a backup may be open to others.
        os.fchmod(file, 0o600)
        os.write(file, lines)
    finally:
        os.close(file)


@cache
def _client() -> OpenLineageClient | None:
    """The client as its own settings describe it; None where there are none of them."""
    named = [name for name, told in os.environ.items() if told]
    if any(name == "OPENLINEAGE_CONFIG" or name.startswith("OPENLINEAGE__TRANSPORT__") for name in named):
        return OpenLineageClient()
    if url := os.environ.get("OPENLINEAGE_URL"):
        return OpenLineageClient(transport=_http(url))
    return None


def _http(url: str) -> HttpTransport:
    settings = HttpConfig(
        url=url, endpoint=os.environ.get("OPENLINEAGE_ENDPOINT") or "api/v1/lineage", timeout=SECONDS, retry={"total": 0}
    )
    if key := os.environ.get("OPENLINEAGE_API_KEY"):
        settings.auth = ApiKeyTokenProvider({"apiKey": key})
    return HttpTransport(settings)
