"""Lineage: which file became which table, told in OpenLineage's words whenever a table was written.

Events go into a file beside the lake, and besides to wherever the settings of OpenLineage's own client name
(docs/decisions/0024-lineage.md). Nothing here fails the work that it tells of.
"""

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from deltalake import DeltaTable

from quality import places

if TYPE_CHECKING:
    from jobs.lake import Lake

P = ParamSpec("P")
log = logging.getLogger(__name__)
# What was said already: a store of events that is away is away for every table of a pass.
_said: set[str] = set()


@dataclass(frozen=True)
class Source:
    """What a table was made from: another table as it was in a version, or a hospital's file, whose version is its SHA-256."""

    place: str
    version: str | None = None
    # Its address (`silver.person`), for a table.
    table: str | None = None


@dataclass(frozen=True)
class Work:
    """In the course of what a table was written: the job, when it began, and the ids by which people know it."""

    job: str
    since: datetime
    tags: Mapping[str, Iterable[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A column of a written table."""

    name: str
    type: str
    meaning: str | None


@dataclass(frozen=True)
class Written:
    """A table as it was written."""

    table: str
    place: str
    version: int
    columns: list[Column]
    rows: int | None


def tables(lake: "Lake", versions: Mapping[str, int | None]) -> list[Source]:
    """Tables of a lake as sources: address and version; of a table that does not exist (version -1) none."""
    return [
        Source(lake.path(*address.split(".", 1)), None if version is None else str(version), address)
        for address, version in sorted(versions.items())
        if version != -1
    ]


def aside(tell: Callable[P, None]) -> Callable[P, None]:
    """`tell`, harmless to the work that it tells of: what keeps it from telling is logged, once. Not asked at all where lineage is disabled."""

    @wraps(tell)
    def harmless(*args: P.args, **named: P.kwargs) -> None:
        if os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
            return
        try:
            tell(*args, **named)
        except Exception as error:
            # The words of a library may hold an address with a password in it.
            say("lineage of a table", f"found {type(error).__name__} where an event was to be made")

    return harmless


@aside
def wrote(lake: "Lake", table: str, found: DeltaTable, work: Work, sources: Iterable[Source], rows: int | None = None) -> None:
    """Tell that a table was written, as `found` is now, from these sources; `rows` is how many were written, where that is known."""
    # A hospital that only validates has no client.
    from jobs.lineage import events, sending

    written = Written(table, places.folder(found), found.version(), _columns(found), rows)
    sending.send(lake.events, events.run(written, work, list(sources)), say)


def say(what: str, sentence: str) -> None:
    """Log a failure, the first time that it is met in this process."""
    if what not in _said:
        _said.add(what)
        log.warning("Expected to tell the %s, %s: the work itself goes on. See `Lineage` in docs/operate.md.", what, sentence)


def _columns(found: DeltaTable) -> list[Column]:
    return [
        Column(each.name, str(getattr(each.type, "type", each.type)), each.metadata.get("comment"))
        for each in found.schema().fields
    ]
