"""An erasure, alone in the lake: find, bury, purge, prove, certify.

Every step may be tried again: tombstones and traces are in the vault before the first row goes, and stay until every row is gone. To be
searched itself, the vault forgets them; a private file (jobs/rights/sought.py) knows them until nothing is found any more.
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
from jobs.failpoint import failpoint
from jobs.hospitals import hospitals
from jobs.landing import links, load
from jobs.landing.erased import PERSON, ROW, TOKEN, Tombstones, bury
from jobs.landing.purge import Removal, remove_rows
from jobs.landing.vault import child_key, put, request_trace, rows_of
from jobs.ledger import now
from jobs.rights import certificate, register, sought, zones
from jobs.rights.register import DONE, ERASING, PROVEN, PROVING, Request
from jobs.rights.scan import Scan, scan_lake
from jobs.rights.sought import Sought
from jobs.rights.traces import Traces, token_keys, traces_of
from jobs.stages.worker import Worker

# How many files with a trace left are named.
SHOWN = 10
NOT_COVERED = [
    "the landing area, which is the hospital's: what it sends again is dropped on arrival",
    "backups, and copies of tables, releases or results that people have made",
    "a PostgreSQL server's own log, where ledger and vault lie in one",
    "what Spark has spilled to disk: a service's until it next starts or ends, a killed command's in the temporary folder",
]


def erase(worker: Worker, engine: Any, found: Request, logs: Sequence[Path]) -> Request:
    """Erase the people of a request from every zone; GateFailed where a trace of them is left: nothing is certified then."""
    certificate.check_can_sign()
    _folders(found, logs)
    with worker.ledger.alone(hospitals()) as fence:
        # Who waited for the leases may find it done: a second certificate would tell of nothing.
        with worker.vault.transaction() as tx:
            found = register.one(tx, found.id)
        if found.is_closed:
            return found
        return _Erasure(worker, engine, found, _folders(found, logs), fence).run()


def _folders(found: Request, logs: Sequence[Path]) -> list[Path]:
    """The folders of logs to search: those that were searched for this request before, whoever carries it out now, and these.

    What was found in one of them may be there still.
    """
    if missing := [str(folder) for folder in logs if not folder.is_dir()]:
        raise WrongUse(f"Expected a folder of logs at {missing[0]}, found none: correct --logs.")
    before = [Path(each) for each in json.loads(found.outcome or "{}").get("logs", ())]
    if missing := [str(folder) for folder in before if not folder.is_dir()]:
        raise WrongUse(
            f"Expected the folder of logs {missing[0]}, which was searched when {found.id} began, found none: carry it out where that folder "
            "is, or make it again, empty, if its logs are gone."
        )
    return list(dict.fromkeys([*before, *(folder.resolve() for folder in logs)]))


class _Erasure:
    """One erasure at work, alone in the lake."""

    def __init__(self, worker: Worker, engine: Any, found: Request, logs: list[Path], fence: Callable[[], None]) -> None:
        self.worker, self.engine, self.found, self.logs, self.fence = worker, engine, found, logs, fence
        self.outcome: dict[str, Any] = json.loads(found.outcome) if found.outcome else {"began_at": now()}
        self.outcome.pop("left_in", None)

    def run(self) -> Request:
        """Find, bury, purge, prove, certify; what was done before a process died is not done again."""
        if self.found.state == PROVING:
            self._know()
        if self.found.state not in (PROVING, PROVEN):
            self._find()
            self._take_out()
            self._forget()
        if self.found.state != PROVEN:
            self._prove()
        return self._certify()

    def _know(self) -> None:
        """Whom the vault does not know any more. Where another request names them since, this one begins anew and takes that along."""
        told = sought.kept(self.worker.settings, self.found.id)
        self.people, self.traces = told.people, Traces(told.texts)
        with self.worker.vault.transaction() as tx:
            if register.waiting_about(tx, self.people, self.found.id):
                self._remember(tx, self.outcome)

    def _find(self) -> None:
        """Every id of theirs, and everything by which they can be found."""
        worker = self.worker
        with worker.vault.transaction() as tx:
            known = links.people(tx)
            self.named = set(register.people_of(tx, self.found.id))
            self.people = sorted({each for person in self.named for each in known.group(person)} | self.named)
            kept = {row["trace"] for row in rows_of(tx, request_trace, request=self.found.id)} | self._join(tx)
        self.traces, self.removals = traces_of(worker.vault, worker.lake, worker.pseudonyms, self.people, kept)

    def _join(self, tx: Connection) -> set[str]:
        """What other requests about nobody but these people look for, in their folders of logs too: they are carried out with this one."""
        settings, found = self.worker.settings, set[str]()
        for each, whose in register.waiting_about(tx, self.people, self.found.id):
            if whose <= set(self.people):
                self.logs = list(dict.fromkeys([*self.logs, *_folders(each, ())]))
                found |= {row["trace"] for row in rows_of(tx, request_trace, request=each.id)}
        for each in register.known(tx):
            if each.state == ERASING or each.is_closed:
                # One that died before the vault forgot: that knows it all, and nobody else is at work. Or one that was withdrawn for its file,
                # which was only away.
                sought.drop(settings, each.id)
            if each.state == PROVING and sought.place(settings, each.id).is_file():
                told = sought.kept(settings, each.id)
                if set(told.people) & set(self.people):
                    raise WrongUse(
                        f"Expected nobody whom {each.id} looks for still, found some of the same people in {self.found.id}: "
                        f"`pscc rights run {each.id}` first."
                    )
        return found

    def _take_out(self) -> None:
        """Out of every zone, and for good."""
        tokens = token_keys(self.worker.vault, self.people, self.traces)
        before = self._look("looking for them in every zone")
        told = zones.releases_of(self.worker.lake, self.traces)
        self._begin(before, tokens, told)
        zones.unmake_releases(self.worker.lake, told, self.found.by)
        self._purge(before)
        self._forget_versions(before, self._build())

    def _look(self, doing: str) -> Scan:
        self.worker.watch(f"{self.found.id}: {doing}")
        return scan_lake(
            self.worker.lake.root,
            self.traces,
            self.worker.vault,
            self.worker.ledger.engine,
            beside=self._beside(),
            named=(self.worker.pseudonyms, frozenset(self.people)),
            aside=sought.place(self.worker.settings, self.found.id),
        )

    def _beside(self) -> dict[str, Path]:
        """The folders of logs, and what is staged where it does not lie below the lake."""
        staging = self.worker.settings.staging
        elsewhere = {"staging": staging} if staging.is_dir() and not staging.is_relative_to(self.worker.lake.root) else {}
        return {f"logs {number}": folder for number, folder in enumerate(self.logs, 1)} | elsewhere

    def _begin(self, before: Scan, tokens: set[str], releases: dict[str, str]) -> None:
        """From here on no delivery brings them back, and another process can go on if this one dies."""
        self.outcome |= {"logs": self._logs(), "releases": releases | self.outcome.get("releases", {})}
        self.outcome["people"], self.outcome["ids"] = self.found.people, len(self.people)
        self.outcome.setdefault("traces", len(self.traces.texts))
        with self.worker.vault.transaction() as tx:
            if "before" not in self.outcome:
                self.outcome |= {"before": before.told(), **self._known(tx, before)}
            bury(tx, self.found.id, now(), self._tombstones(tx, tokens))
            self._remember(tx, self.outcome)

    def _logs(self) -> list[str]:
        """The folders of logs, as they can be written down."""
        folders = [str(folder) for folder in self.logs]
        if self.traces.stand_in(pl.Series(folders, dtype=pl.String)).any():
            raise WrongUse("Expected folders of logs whose own path names nobody, found an id in one: give it another name.")
        return folders

    def _remember(self, tx: Connection, outcome: dict[str, Any]) -> None:
        """Whoever tries again has to know what to look for."""
        request = self.found.id
        put(tx, register.request_person, [{"request": request, "center": at, "person_id": who} for at, who in self.people])
        put(tx, request_trace, [{"request": request, "trace": each} for each in self.traces.texts])
        self.found = register.change(tx, self.found, state=ERASING, outcome=json.dumps(outcome))

    def _known(self, tx: Connection, before: Scan) -> dict[str, int]:
        """How many of the people named were in the lake, and of the others how many had been erased from it already."""
        absent = {who for _, who in self.named - before.people}
        erased = Tombstones.of(tx, self.found.center, self.worker.pseudonyms).among(PERSON, absent)
        return {
            "people_known": len(self.named & before.people),
            # Another erasure may have taken some out of this request.
            "people_erased_before": len(erased) + self.found.people - len(self.named),
            "people_unknown": len(absent - erased),
        }

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
        self._count("restricted_copies", zones.drop_restricted(worker.lake, before.places))
        self._count("staged_rows", zones.clear_staging(worker))
        for removal in self.removals:
            if removal.rows.height:
                worker.watch(f"{self.found.id}: taking rows out of bronze")
                remove_rows(worker.lake, removal)
            self._count("rows", _rows(removal))
        failpoint("bronze_purged")
        for zone, table in before.tables():
            worker.watch(f"{self.found.id}: {zone}.{table}")
            self._count("rows", zones.rewrite(worker.lake, zone, table, self.traces, self.fence))
        self._count("rows", zones.forget_in_vault(worker, self.traces))
        load.publish_identity(worker.vault, worker.lake, self.fence)

    def _count(self, what: str, more: int) -> None:
        """Add to what was counted so far, in tries before this one too."""
        self.outcome[what] = self.outcome.get(what, 0) + more
        with self.worker.vault.transaction() as tx:
            self.found = register.change(tx, self.found, outcome=json.dumps(self.outcome))

    def _build(self) -> datetime:
        """Make gold again, so that what it counts over many people counts them no more; since when builds know nothing of them.

        Its rows of theirs are gone either way.
        """
        self.worker.watch(f"{self.found.id}: building gold")
        since = datetime.now(UTC)
        self.outcome.pop("gold", None)
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
        self.outcome["tables"] = zones.purged(self.worker.lake, self.found.id)

    def _forget(self) -> None:
        """From here on the vault does not know who they are, for it is searched too: a file of its own does."""
        sought.keep(self.worker.settings, self.found.id, Sought(self.people, self.traces.texts))
        failpoint("sought_kept")
        with self.worker.vault.transaction() as tx:
            register.forget(tx, self.found.id)
            register.join(tx, self.found.id, self.people, self.traces.texts)
            self.found = register.change(tx, self.found, state=PROVING, outcome=json.dumps(self.outcome))
        failpoint("people_forgotten")

    def _prove(self) -> None:
        """Look again, at everything; where nothing is found, that stays known and what was looked for goes."""
        for database in (self.worker.vault.engine, self.worker.ledger.engine):
            zones.press(database)
        after = self._look("looking again")
        self._refuse(after)
        self.outcome |= {"after": after.told(), "logs": self._logs(), "ended_at": now()}
        with self.worker.vault.transaction() as tx:
            self.found = register.change(tx, self.found, state=PROVEN, outcome=json.dumps(self.outcome))
        failpoint("nothing_found")

    def _refuse(self, after: Scan) -> None:
        if not after.hits:
            return
        where = ", ".join(f"{zone} {found.hits}" for zone, found in sorted(after.zones.items()) if found.hits)
        with self.worker.vault.transaction() as tx:
            # For who mends it alone: a name that somebody gave a file is for no log.
            self._remember(tx, self.outcome | {"left_in": self._nameable(after.places)})
        sought.drop(self.worker.settings, self.found.id)
        raise GateFailed(
            f"Expected no trace of them after {self.found.id}, found some: {where}. Nothing is certified; `pscc rights show {self.found.id}` "
            "names the files: remove what is no table's, such as logs, then carry it out again."
        )

    def _nameable(self, places: Iterable[str]) -> list[str]:
        """The first of these places that can be written down: none with a trace in its own name."""
        named = sorted(places)
        hit = self.traces.stand_in(pl.Series(named, dtype=pl.String))
        return [place for place, is_hit in zip(named, hit, strict=True) if not is_hit][:SHOWN]

    def _certify(self) -> Request:
        """Sign what was found, once nothing is left that knows them. An act that was noted and not signed is noted again."""
        sought.drop(self.worker.settings, self.found.id)
        failpoint("sought_dropped")
        with self.worker.vault.transaction() as tx:
            joined = register.joined(tx, self.found.id)
        body = self._told() | {"requests_joined": [each.id for each in joined]}
        line = audit.note(
            self.worker.settings,
            self.worker.vault,
            who=self.found.by,
            act="erase",
            purpose=self.found.reason,
            request=self.found.id,
            rows=self.outcome["rows"],
            certificate=certificate.digest(body),
        )
        failpoint("erasure_noted")
        place = certificate.write(self.worker.settings, certificate.sign(self.worker.settings, body | {"audit": line}))
        failpoint("certificate_written")
        for each in joined:
            act = f"{each.kind} with {self.found.id}"
            audit.note(
                self.worker.settings, self.worker.vault, who=each.by, act=act, purpose=each.reason, request=each.id, rows=0
            )
        with self.worker.vault.transaction() as tx:
            told = json.dumps(self.outcome | {"carried_out_with": self.found.id})
            for each in joined:
                register.change(tx, each, state=DONE, done_at=now(), outcome=told, certificate=str(place))
            return register.change(tx, self.found, state=DONE, done_at=now(), certificate=str(place))

    def _told(self) -> dict[str, Any]:
        """What the certificate says."""
        return {
            "request": self.found.id,
            "hospital": self.found.center,
            "received_on": self.found.received_on,
            **{name: self.outcome[name] for name in sorted(self.outcome)},
            "live_releases": [name for name, state in self.outcome["releases"].items() if state == "approved"],
            "not_covered": NOT_COVERED,
            "made_by": f"pscc-lakehouse {version('pscc-lakehouse')}",
        }


def _rows(removal: Removal) -> int:
    return int(removal.rows.height)
