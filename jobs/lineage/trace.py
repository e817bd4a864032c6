"""From a table back to the files of deliveries, by the events that were written when each table was made."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jobs.errors import WrongUse
from jobs.ledger import Ledger
from jobs.settings import Settings

Key = tuple[str, str]


@dataclass(frozen=True)
class Link:
    """A table as a job wrote it: what it is called, the version, when, by which run, and what it was made from, with versions."""

    table: str
    version: int
    at: str
    job: str
    run: str
    made_from: dict[str, str | None]


@dataclass(frozen=True)
class Delivered:
    """The files of one delivery that a table goes back to, and what became of the delivery."""

    delivery_id: str
    state: str
    files: list[str]


@dataclass(frozen=True)
class Trace:
    """The way of a table: every table on it, nearest first, and the deliveries at its end."""

    links: list[Link]
    deliveries: list[Delivered]

    def told(self) -> Iterator[dict[str, Any]]:
        """The objects of `--json`."""
        yield from ({"kind": "table", **asdict(each)} for each in self.links)
        yield from ({"kind": "delivery", **asdict(each)} for each in self.deliveries)


@dataclass(frozen=True)
class _Event:
    """What counts of a COMPLETE event; its one output is a table."""

    output: Key
    link: Link
    inputs: list[tuple[Key, str | None]]
    files: list[str]
    deliveries: list[str]


@dataclass
class _Walk:
    """On the way back: for each table the newest version that something was made from."""

    events: dict[Key, list[_Event]]
    seen: dict[Key, int | None] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    files: dict[str, dict[str, None]] = field(default_factory=dict)

    def back(self, start: Key) -> None:
        """Note everything that a table, as it is, goes back to."""
        # Nearest first; a table that was met in an older version is walked again, for it may go back to more.
        ahead: list[tuple[Key, int | None]] = [(start, None)]
        while ahead:
            key, limit = ahead.pop(0)
            if key in self.seen and _covers(self.seen[key], limit):
                continue
            self.seen[key] = limit
            for event in _counting(self.events.get(key, []), limit):
                self._note(event)
                ahead += [(name, int(version) if version else None) for name, version in event.inputs]

    def _note(self, event: _Event) -> None:
        self.links[event.link.run] = event.link
        for delivery in event.deliveries if event.files else ():
            self.files.setdefault(delivery, {}).update(dict.fromkeys(event.files))


def _covers(seen: int | None, limit: int | None) -> bool:
    return seen is None or (limit is not None and limit <= seen)


def _counting(events: list[_Event], limit: int | None) -> list[_Event]:
    """Those events of a table that its rows come from: where files became rows all, else of each job the newest."""
    there = [each for each in events if limit is None or each.link.version <= limit]
    newest = {each.link.job: each for each in there}
    return [each for each in there if each.files or newest[each.link.job] is each]


def trace(settings: Settings, table: str) -> Trace:
    """The way of a table (`gold.patient_summary`) back to files; WrongUse where the events say nothing of it."""
    events = [each for each in _read(settings.events) if each is not None]
    keys = {each.link.table: each.output for each in events}
    if table not in keys:
        raise WrongUse(
            f"Expected a table of which events in {settings.events} tell, found {table}, of which none does: it was not written since "
            "lineage is kept, or its name is another (`gold.patient_summary`)."
        )
    by_output: dict[Key, list[_Event]] = {}
    for each in events:
        by_output.setdefault(each.output, []).append(each)
    walk = _Walk(by_output)
    walk.back(keys[table])
    states = _states(settings)
    delivered = [Delivered(name, states.get(name, "unknown"), list(files)) for name, files in sorted(walk.files.items())]
    return Trace(list(walk.links.values()), delivered)


def _states(settings: Settings) -> dict[str, str]:
    with closing(Ledger(settings, create=False)) as ledger:
        return {each.delivery_id: each.state for each in ledger.deliveries()}


def _read(folder: Path) -> Iterator[_Event | None]:
    """The events of all months, oldest first; a line that a full disk cut short is passed over."""
    for file in sorted(folder.glob("*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                try:
                    yield _event(json.loads(line))
                except json.JSONDecodeError:
                    continue


def _event(said: dict[str, Any]) -> _Event | None:
    if said.get("eventType") != "COMPLETE" or len(said.get("outputs", [])) != 1:
        return None
    output = said["outputs"][0]
    tables = [each for each in said.get("inputs", []) if _called(each)]
    link = Link(
        table=_called(output) or output["name"],
        version=int(_version(output) or 0),
        at=said["eventTime"],
        job=said["job"]["name"],
        run=said["run"]["runId"],
        made_from={_called(each) or each["name"]: _version(each) for each in said.get("inputs", [])},
    )
    return _Event(
        output=_key(output),
        link=link,
        inputs=[(_key(each), _version(each)) for each in tables],
        files=[_key_text(each) for each in said.get("inputs", []) if not _called(each)],
        deliveries=[each["value"] for each in said["run"]["facets"].get("tags", {}).get("tags", []) if each["key"] == "delivery"],
    )


def _key(dataset: dict[str, Any]) -> Key:
    return dataset["namespace"], dataset["name"]


def _key_text(dataset: dict[str, Any]) -> str:
    namespace, name = _key(dataset)
    return str(name) if namespace == "file" else f"{namespace}/{name}"


def _version(dataset: dict[str, Any]) -> str | None:
    found = dataset.get("facets", {}).get("version", {}).get("datasetVersion")
    return None if found is None else str(found)


def _called(dataset: dict[str, Any]) -> str | None:
    """What people call a table; None for a file."""
    names = dataset.get("facets", {}).get("symlinks", {}).get("identifiers", [])
    return names[0]["name"] if names else None
