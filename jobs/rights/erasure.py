"""An erasure, alone in the lake: find, bury, purge, prove, certify.

Every step may be tried again: tombstones and traces are in the vault before the first row goes, and stay until nothing is found any more.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy.engine import Connection

from jobs import audit
from jobs.errors import GateFailed, WrongUse
from jobs.hospitals import hospitals
from jobs.landing import links, load
from jobs.landing.erased import PERSON, ROW, TOKEN, Tombstones, bury
from jobs.landing.links import Person
from jobs.landing.purge import Removal, remove_rows
from jobs.landing.vault import child_key, put, request_trace, rows_of
from jobs.ledger import now
from jobs.rights import certificate, register, zones
from jobs.rights.register import DONE, ERASING, Request
from jobs.rights.scan import Scan, scan_lake
from jobs.rights.traces import token_keys, traces_of
from jobs.stages.worker import Worker

# How many files with a trace left are named.
SHOWN = 10
NOT_COVERED = [
    "the landing area, which is the hospital's: what it sends again is dropped on arrival",
    "backups, and copies of tables, releases or results that people have made",
    "a PostgreSQL server's own log, where ledger and vault lie in one",
    "what Spark has spilled to disk: a service's until it next starts or ends, a killed command's in the temporary folder",
]


def erase(worker: Worker, engine: Any, found: Request, people: list[Person], logs: Sequence[Path]) -> Request:
    """Erase the people of a request from every zone; GateFailed where a trace of them is left: nothing is certified then."""
    certificate.check_can_sign()
    if missing := [str(folder) for folder in logs if not folder.is_dir()]:
        raise WrongUse(f"Expected a folder of logs at {missing[0]}, found none: correct --logs.")
    with worker.ledger.alone(hospitals()) as fence:
        # Who waited for the leases may find it done: a second certificate would tell of nothing.
        with worker.vault.transaction() as tx:
            found = register.one(tx, found.id)
        if found.state == DONE:
            return found
        return _Erasure(worker, engine, found, people, list(logs), fence).run()


class _Erasure:
    """One erasure at work, alone in the lake."""

    def __init__(
        self, worker: Worker, engine: Any, found: Request, people: list[Person], logs: list[Path], fence: Callable[[], None]
    ) -> None:
        self.worker, self.engine, self.found, self.logs, self.fence = worker, engine, found, logs, fence
        with worker.vault.transaction() as tx:
            known = links.people(tx)
            self.people = sorted({each for person in people for each in known.group(person)} | set(people))
            kept = {row["trace"] for row in rows_of(tx, request_trace, request=found.id)}
        self.traces, self.removals = traces_of(worker.vault, worker.lake, worker.pseudonyms, self.people, kept)
        self.outcome: dict[str, Any] = json.loads(found.outcome) if found.outcome else {"began_at": now()}
        self.outcome.pop("left_in", None)

    def run(self) -> Request:
        """Find, bury, purge, prove, certify."""
        tokens = token_keys(self.worker.vault, self.people, self.traces)
        before = self._look("looking for them in every zone")
        self._begin(before, tokens)
        told = zones.releases_of(self.worker.lake, self.traces)
        self.outcome.setdefault("releases", told)
        zones.unmake_releases(self.worker.lake, told, self.found.by)
        self._purge(before)
        self._forget_versions(before, self._build())
        return self._prove()

    def _look(self, doing: str, wanted: Callable[[str], bool] = lambda _: True) -> Scan:
        self.worker.watch(f"{self.found.id}: {doing}")
        return scan_lake(
            self.worker.lake.root,
            self.traces,
            self.worker.vault,
            self.worker.ledger.engine,
            beside=self._beside(),
            wanted=wanted,
            named=(self.worker.pseudonyms, frozenset(self.people)),
        )

    def _beside(self) -> dict[str, Path]:
        """The folders of logs, and what is staged where it does not lie below the lake."""
        staging = self.worker.settings.staging
        elsewhere = {"staging": staging} if staging.is_dir() and not staging.is_relative_to(self.worker.lake.root) else {}
        return {f"logs {number}": folder for number, folder in enumerate(self.logs, 1)} | elsewhere

    def _begin(self, before: Scan, tokens: set[str]) -> None:
        """From here on no delivery brings them back, and another process can go on if this one dies."""
        self.outcome.setdefault("before", before.told())
        self.outcome["people"], self.outcome["ids"] = self.found.people, len(self.people)
        self.outcome.setdefault("traces", len(self.traces.texts))
        with self.worker.vault.transaction() as tx:
            bury(tx, self.found.id, now(), self._tombstones(tx, tokens))
            put(
                tx,
                register.request_person,
                [{"request": self.found.id, "center": at, "person_id": who} for at, who in self.people],
            )
            put(tx, request_trace, [{"request": self.found.id, "trace": each} for each in self.traces.texts])
            self.found = register.change(tx, self.found, state=ERASING, outcome=json.dumps(self.outcome))

    def _tombstones(self, tx: Connection, tokens: set[str]) -> set[tuple[str, str]]:
        """Of each id, of link tokens of theirs, and of every row of theirs: later rows without a patient may hang from it."""
        stones = [(PERSON, center, person) for center, person in self.people] + [(TOKEN, "", token) for token in tokens]
        for removal in self.removals:
            ids = removal.rows["row_id"].drop_nulls().unique() if removal.rows.height else ()
            stones += [(ROW, removal.hospital.center, row_id) for row_id in ids]
        children = {
            (ROW, center, row["row_id"])
            for center, person in self.people
            for row in rows_of(tx, child_key, center=center, person_id=person)
        }
        return {
            Tombstones(center, self.worker.pseudonyms, set()).hashed(kind, known_as)
            for kind, center, known_as in {*stones, *children}
        }

    def _purge(self, before: Scan) -> None:
        """Rows out of every table, copies out of every folder, rows out of the vault."""
        worker = self.worker
        self.fence()
        self.outcome["restricted_copies"] = zones.drop_restricted(worker.lake, before.places)
        self.outcome["staged_rows"] = zones.clear_staging(worker)
        rows = sum(_rows(removal) for removal in self.removals)
        for removal in self.removals:
            if removal.rows.height:
                worker.watch(f"{self.found.id}: taking rows out of bronze")
                remove_rows(worker.lake, removal)
        for zone, table in before.tables():
            worker.watch(f"{self.found.id}: {zone}.{table}")
            rows += zones.rewrite(worker.lake, zone, table, self.traces, self.fence)
        rows += zones.forget_in_vault(worker, self.traces)
        load.publish_identity(worker.vault, worker.lake, self.fence)
        self.outcome["rows"] = self.outcome.get("rows", 0) + rows

    def _build(self) -> datetime:
        """Make gold again, so that what it counts over many people counts them no more; since when builds know nothing of them.

        Its rows of theirs are gone either way.
        """
        self.worker.watch(f"{self.found.id}: building gold")
        since = datetime.now(UTC)
        try:
            self.engine.build(self.fence)
        except GateFailed:
            self.outcome["gold"] = "a product broke its contract and was not made again: its counts still stand as before"
        return since

    def _forget_versions(self, before: Scan, since: datetime) -> None:
        """Delete old versions of every table that had them: time travel begins here."""
        tables = {*before.tables(), ("bronze", "identity"), ("bronze", "link")}
        left = {}
        for zone, table in sorted(tables):
            if self.worker.lake.exists(zone, table):
                self.worker.watch(f"{self.found.id}: deleting old versions of {zone}.{table}")
                self.fence()
                left[zone, table] = zones.forget_versions(self.worker.lake, zone, table)
        zones.note_purge(self.worker.lake, self.found.id, left, since)
        self.outcome["tables"] = len(left)

    def _prove(self) -> Request:
        """Look again, in the vault last, which until then knows what to look for; then sign."""
        after = self._look("looking again", lambda zone: zone != "vault")
        self._refuse(after)
        with self.worker.vault.transaction() as tx:
            register.forget(tx, self.found.id)
        for database in (self.worker.vault.engine, self.worker.ledger.engine):
            zones.press(database)
        in_vault = self._look("looking into the vault", lambda zone: zone == "vault")
        self._refuse(in_vault)
        after.zones |= in_vault.zones
        return self._certify(after)

    def _refuse(self, after: Scan) -> None:
        if not after.hits:
            return
        where = ", ".join(f"{zone} {found.hits}" for zone, found in sorted(after.zones.items()) if found.hits)
        with self.worker.vault.transaction() as tx:
            # Whoever tries again has to know what to look for.
            put(
                tx,
                register.request_person,
                [{"request": self.found.id, "center": at, "person_id": who} for at, who in self.people],
            )
            put(tx, request_trace, [{"request": self.found.id, "trace": each} for each in self.traces.texts])
            # For who mends it alone: a name that somebody gave a file is for no log.
            left = json.dumps(self.outcome | {"left_in": self._nameable(after.places)})
            self.found = register.change(tx, self.found, outcome=left)
        raise GateFailed(
            f"Expected no trace of them after {self.found.id}, found some: {where}. Nothing is certified; `pscc rights show {self.found.id}` "
            "names the files: remove what is no table's, such as logs, then carry it out again."
        )

    def _nameable(self, places: Iterable[str]) -> list[str]:
        """The first of these places that can be written down: none with a trace in its own name."""
        named = sorted(places)
        hit = self.traces.stand_in(pl.Series(named, dtype=pl.String))
        return [place for place, is_hit in zip(named, hit, strict=True) if not is_hit][:SHOWN]

    def _certify(self, after: Scan) -> Request:
        self.outcome |= {"after": after.told(), "ended_at": now()}
        line = audit.note(
            self.worker.settings,
            self.worker.vault,
            who=self.found.by,
            act="erase",
            purpose=self.found.reason,
            request=self.found.id,
            rows=self.outcome["rows"],
        )
        body = {
            "request": self.found.id,
            "hospital": self.found.center,
            "received_on": self.found.received_on,
            **{name: self.outcome[name] for name in sorted(self.outcome)},
            "live_releases": [name for name, state in self.outcome["releases"].items() if state == "approved"],
            "not_covered": NOT_COVERED,
            "audit": line,
            "made_by": f"pscc-lakehouse {version('pscc-lakehouse')}",
        }
        place = certificate.write(self.worker.settings, certificate.sign(self.worker.settings, body))
        with self.worker.vault.transaction() as tx:
            return register.change(
                tx, self.found, state=DONE, done_at=now(), outcome=json.dumps(self.outcome), certificate=str(place)
            )


def _rows(removal: Removal) -> int:
    return int(removal.rows.height)
